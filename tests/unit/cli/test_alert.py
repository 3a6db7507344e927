from datetime import UTC, datetime, timedelta

import pytest

from interlock.cli import alert
from interlock.domain.errors import InvalidInputError


def test_a_silence_ends_after_the_time_that_was_given() -> None:
    end = alert._end("3d", None)
    assert timedelta(days=3) - timedelta(minutes=1) < end - datetime.now(UTC) <= timedelta(days=3)


@pytest.mark.parametrize("given", ["2", "h", "-1h", "1.5h", "999999w"])
def test_what_is_no_length_of_time_is_refused(given: str) -> None:
    # 999,999 weeks from now is after the last year that there is.
    with pytest.raises(InvalidInputError, match="must be like 30m, 2h, 3d or 1w"):
        alert._end(given, None)
