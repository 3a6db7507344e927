from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.domain.maintenance import WEEKDAYS, MaintenanceWindow, check_window


def window(**changed: Any) -> MaintenanceWindow:
    given: dict[str, Any] = {
        "name": "import", "weekdays": ("sun",), "begins": "02:00", "ends": "04:00", "time_zone": "Europe/Berlin",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC), "created_by": "ann",
    }  # fmt: skip
    return MaintenanceWindow(**given | changed)


@pytest.mark.parametrize(
    ("at", "is_quiet"),
    [
        (datetime(2026, 1, 4, 0, 59, tzinfo=UTC), False),  # Sunday 01:59 in winter
        (datetime(2026, 1, 4, 1, 0, tzinfo=UTC), True),
        (datetime(2026, 1, 4, 2, 59, tzinfo=UTC), True),
        (datetime(2026, 1, 4, 3, 0, tzinfo=UTC), False),
        (datetime(2026, 1, 5, 1, 30, tzinfo=UTC), False),  # a Monday
        (datetime(2026, 7, 5, 0, 0, tzinfo=UTC), True),  # Sunday 02:00 in summer
        (datetime(2026, 7, 5, 2, 0, tzinfo=UTC), False),
        # Clocks go forward at 02:00: the window is the hour from 03:00.
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 2, 0, tzinfo=UTC), False),
        # Clocks go back at 03:00: 02:00 to 03:00 is there twice.
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 2, 30, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 3, 0, tzinfo=UTC), False),
    ],
)
def test_a_window_is_in_wall_clock_time(at: datetime, *, is_quiet: bool) -> None:
    assert window().covers("flights", at) is is_quiet


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = window(weekdays=("fri",), begins="22:00", ends="06:00", time_zone="UTC")
    friday_night, saturday_morning = datetime(2026, 1, 2, 23, tzinfo=UTC), datetime(2026, 1, 3, 5, tzinfo=UTC)
    assert night.covers("x", friday_night)
    assert night.covers("x", saturday_morning)
    assert not night.covers("x", datetime(2026, 1, 2, 5, tzinfo=UTC))
    assert not night.covers("x", datetime(2026, 1, 3, 23, tzinfo=UTC))


def test_a_whole_day_ends_at_24() -> None:
    day = window(weekdays=WEEKDAYS, begins="00:00", ends="24:00", time_zone="UTC")
    assert day.covers("x", datetime(2026, 1, 2, 23, 59, tzinfo=UTC))


def test_a_window_of_one_endpoint_leaves_others_alone() -> None:
    during = datetime(2026, 1, 4, 2, tzinfo=UTC)
    assert window(endpoint="flights").covers("flights", during)
    assert not window(endpoint="flights").covers("wine", during)
    assert window().covers("", during)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"time_zone": "Berlin"}, "time_zone == 'Berlin'"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"begins": "2:00"}, "begins == '2:00'"),
        ({"ends": "25:00"}, "ends == '25:00'"),
        ({"begins": "04:00"}, "begins and ends are both 04:00"),
        ({"weekdays": ()}, "weekdays == none"),
        ({"name": "Not A Name"}, "Not A Name"),
    ],
)
def test_a_window_that_cannot_be_is_refused_with_its_fault(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match="|".join([said.replace("(", r"\(")])):
        check_window(window(**changed))


def test_a_window_that_can_be_is_taken() -> None:
    check_window(window())
