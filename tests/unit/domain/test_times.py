from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domain import times
from interlock.domain.contract import Time

WALL, INSTANT, DAY = Time(), Time(zone="Europe/Berlin"), Time(is_date=True)
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00")


@given(st.datetimes())
def test_a_wall_clocks_text_comes_back_the_same(at: datetime) -> None:
    found = times.parse(at.isoformat(), WALL)
    assert found == (at - EPOCH) // MICROSECOND
    assert times.texts(np.array([found], dtype="datetime64[us]"), WALL)[0] == at.isoformat()


@given(
    st.datetimes(min_value=EPOCH.replace(year=2), max_value=EPOCH.replace(year=9998)),
    st.integers(-23 * 60, 23 * 60),
)
def test_an_instant_is_kept_whatever_its_offset(at: datetime, minutes: int) -> None:
    aware = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    found = times.parse(aware.isoformat(), INSTANT)
    assert found is not None
    assert times.texts(np.array([found], dtype="datetime64[us]"), INSTANT)[0] == aware.astimezone(UTC).isoformat()


@given(st.dates())
def test_a_date_comes_back_the_same(day: date) -> None:
    found = times.parse(day.isoformat(), DAY)
    assert times.texts(np.array([found], dtype="datetime64[us]"), DAY)[0] == day.isoformat()


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00+01:00", "2026-03-01", "noon", "", "NaT"])
def test_a_wall_clock_takes_no_offset_and_no_day_alone(text: str) -> None:
    assert times.parse(text, WALL) is None


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00", "2026-03-01", "0001-01-01T00:00:00+23:00"])
def test_an_instant_needs_an_offset_that_python_can_say(text: str) -> None:
    assert times.parse(text, INSTANT) is None or text.startswith("0001")


@pytest.mark.parametrize("text", ["2026-03-01T00:00:00", "2026-13-01", "20"])
def test_a_date_has_no_time_of_day(text: str) -> None:
    assert times.parse(text, DAY) is None


@pytest.mark.parametrize("at", [1_700_000_000_123_456_789, -1, -1_000_000_001])
def test_finer_digits_are_cut_always_downwards(at: int) -> None:
    nano = Time(unit="ns")
    assert times.from_integer(at, nano) == at // 1000


def test_integers_count_what_the_unit_says() -> None:
    assert times.from_integer(3, Time(is_date=True, unit="d")) == 3 * 86_400_000_000
    assert times.from_integer(3, Time(unit="s")) == 3_000_000
    assert times.from_integer(3, Time()) is None
    assert times.from_integer(10**15, Time(unit="s")) is None  # the year 31 million


def test_what_a_models_nanoseconds_cannot_hold_is_out_of_range() -> None:
    far = times.parse("2300-01-01T00:00:00", WALL)
    assert far is not None
    assert times.is_in_range(far, WALL)
    assert not times.is_in_range(far, Time(resolution="ns"))
    assert "1678" in times.rule_of(Time(resolution="ns"))


@given(st.lists(st.integers(times.FIRST_US, times.LAST_US), min_size=1))
def test_integers_are_given_as_they_came(values: list[int]) -> None:
    micro = Time(unit="us")
    found = np.array([times.from_integer(value, micro) for value in values], dtype="datetime64[us]")
    assert times.integers(found, micro).tolist() == values


def test_seconds_have_a_place_for_missing_ones() -> None:
    found = times.seconds(np.array(["1970-01-01T00:00:01.5", "NaT"], dtype="datetime64[us]"))
    assert found[0] == 1.5
    assert np.isnan(found[1])


def test_zones_have_names() -> None:
    assert times.is_zone("Europe/Berlin")
    assert not times.is_zone("Middle/Earth")
    assert not times.is_zone("../../etc/passwd")
