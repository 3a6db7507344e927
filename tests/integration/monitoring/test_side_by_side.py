from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.integration.monitoring.conftest import START

from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.monitoring.side_by_side import Side, SideBySide

if TYPE_CHECKING:
    from tests.integration.monitoring.conftest import World

DAY = timedelta(days=1)


@pytest.fixture
def two_days(world: "World") -> "World":
    """A quiet day, and one on which x has moved and the model is wrong more often."""
    world.append("labels", world.serve(START, 24, rows=40))
    world.append("labels", world.serve(START + DAY, 24, rows=40, shift=1.0, noise=3.0))
    return world


def test_two_windows_are_set_beside_each_other(two_days: "World") -> None:
    compare = SideBySide(two_days.store, two_days.reader).compare
    found = compare("e", Side(), Side(since=START + DAY, until=START + 2 * DAY))
    assert (found.one.since, found.one.until, found.other.until) == (START, START + DAY, START + 2 * DAY)
    assert (found.one.rows, found.other.rows, found.other.service.requests) == (960, 960, 960)
    assert (found.one.labels, found.other.labels) == (960, 960)
    columns = {each.column: each for each in found.columns}
    assert found.columns[0].severity == max(each.severity or 0 for each in found.columns)
    x = columns["x"]
    assert x.severity is not None
    assert x.severity > 0.3
    assert x.one is not None
    assert x.other is not None
    assert x.one.mean == pytest.approx(0, abs=0.15)
    assert x.other.mean == pytest.approx(1, abs=0.15)
    accuracy = {each.name: each for each in found.metrics}["accuracy"]
    assert accuracy.upper is not None
    assert accuracy.upper < 0


def test_two_windows_of_the_same_hardly_differ(world: "World") -> None:
    world.append("labels", world.serve(START, 48, rows=40))
    found = SideBySide(world.store, world.reader).compare("e", Side(), Side(since=START + DAY, until=START + 2 * DAY))
    assert all(each.severity is not None and each.severity < 0.15 for each in found.columns)
    assert min(each.p_value or 0 for each in found.columns) > 0.001
    for metric in found.metrics:
        assert metric.lower is not None
        assert metric.upper is not None
        assert metric.lower < 0.05
        assert metric.upper > -0.05


def test_few_rows_are_not_compared_and_say_so(world: "World") -> None:
    world.serve(START, 48, rows=2)
    found = SideBySide(world.store, world.reader).compare("e", Side(), Side(since=START + DAY, until=START + 2 * DAY))
    assert {each.reason for each in found.columns} == {"48 rows, at least 50 are needed"}
    assert found.metrics == ()


def test_what_cannot_be_compared_is_told_why(two_days: "World") -> None:
    compare = SideBySide(two_days.store, two_days.reader).compare
    with pytest.raises(InvalidInputError, match="both sides are the same"):
        compare("e", Side(since=START, until=START + DAY), Side(since=START, until=START + DAY))
    with pytest.raises(InvalidInputError, match="must have a length"):
        compare("e", Side(), Side(since=START + DAY, until=START))
    with pytest.raises(NotFoundError, match="m:9"):
        compare("e", Side(since=START, until=START + DAY), Side(version="m:9", since=START, until=START + DAY))
    with pytest.raises(NotFoundError, match="nowhere"):
        compare("nowhere", Side(), Side())
