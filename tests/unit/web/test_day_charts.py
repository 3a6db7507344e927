from datetime import UTC, datetime, timedelta

from interlock.web import day_charts
from interlock.web.wording import figure

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def days(*values: float | None) -> list[tuple[datetime, float | None]]:
    return [(DAY + timedelta(days=number), value) for number, value in enumerate(values)]


def test_a_line_breaks_where_nothing_is_known() -> None:
    found = day_charts.by_day(days(0.0, 1.0, None, 0.5, 0.5), figure, floor=0.0)
    assert found is not None
    assert found.line == "M0 110L130 0M390 55L520 55"
    assert [(point.x, point.y, point.said) for point in found.points] == [
        (0.0, 110.0, "01 Mar: 0"), (130.0, 0.0, "02 Mar: 1"),
        (390.0, 55.0, "04 Mar: 0.5"), (520.0, 55.0, "05 Mar: 0.5"),
    ]  # fmt: skip
    assert (found.bottom, found.top) == ("0", "1")
    assert [day for _, day in found.ticks] == [DAY, DAY + timedelta(days=2), DAY + timedelta(days=4)]


def test_the_level_is_always_in_the_picture() -> None:
    found = day_charts.by_day(days(1.0, 2.0), figure, level=4.0, floor=0.0)
    assert found is not None
    assert found.level == 0.0
    assert [point.y for point in found.points] == [82.5, 55.0]
    below = day_charts.by_day(days(1.0, 2.0), figure, level=-2.0)
    assert below is not None
    assert below.level == day_charts.HEIGHT


def test_days_that_are_all_alike_have_a_line_too() -> None:
    assert [(f.line, f.bottom, f.top) for f in (day_charts.by_day(days(5.0, 5.0), figure),) if f] == [
        ("M0 55L520 55", "0", "10")
    ]
    nothing_missing = day_charts.by_day(days(0.0, 0.0), figure, floor=0.0)
    assert nothing_missing is not None
    assert nothing_missing.line == "M0 110L520 110"
    alone = day_charts.by_day(days(5.0), figure)
    assert alone is not None
    assert alone.line == "M0 55"


def test_nothing_known_is_not_drawn() -> None:
    assert day_charts.by_day(days(None, None), figure) is None
    assert day_charts.by_day([], figure) is None
