from datetime import UTC, datetime, timedelta

import pytest

from interlock.api.monitoring import aware, parse_window
from interlock.domain.errors import InvalidInputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90m", timedelta(minutes=90)), ("24h", timedelta(days=1)), ("7d", timedelta(days=7)), ("2w", timedelta(days=14))],
)
def test_windows(text: str, expected: timedelta) -> None:
    assert parse_window(text) == expected


@pytest.mark.parametrize("text", ["", "24", "h", "0h", "-1h", "1y", "1 h", "999999h"])
def test_what_is_no_window_is_named(text: str) -> None:
    with pytest.raises(InvalidInputError, match="window == "):
        parse_window(text)


def test_a_time_without_zone_is_refused() -> None:
    assert aware("since", None) is None
    assert aware("since", datetime(2013, 1, 1, tzinfo=UTC)) == datetime(2013, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidInputError, match="must have a time zone"):
        aware("since", datetime(2013, 1, 1))  # noqa: DTZ001 (the point)
