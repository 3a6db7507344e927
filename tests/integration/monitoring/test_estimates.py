from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from interlock.stats.labelled_scores import LabelledScores

if TYPE_CHECKING:
    from tests.integration.monitoring.conftest import World

START = datetime(2013, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _scores_of_the_reference(world: "World") -> None:
    """Version 3, which came with labelled rows: what its scores mean is known."""
    rng = np.random.default_rng(3)
    scores = 1 / (1 + np.exp(-rng.normal(0, 1, 4_000)))
    known = LabelledScores(scores, rng.random(4_000) < scores)
    with world.store.transaction() as tx:
        like = tx.models.get("m:1")
        assert like.profile is not None
        quality = {"accuracy": float(((scores >= 0.5) == known.happened).mean())}
        profile = {**like.profile, "scores": known.to_dict(), "quality": quality}
        tx.models.add(msgspec.structs.replace(like, version=3, profile=profile))


def outcomes(world: "World", name: str) -> list[tuple[int, str]]:
    with world.store.read() as tx:
        found = [each for each in tx.verdicts.list("e") if each.check.name == name]
    return [((each.window_start - START) // DAY, each.check.outcome) for each in found]


def run(world: "World") -> None:
    controller = world.controller
    while controller.step():
        pass


def test_each_closed_day_gets_an_estimate_without_any_label(world: "World") -> None:
    world.serve(START, 24 * 2 + 2, version="m:3")
    run(world)
    assert outcomes(world, "estimate.accuracy") == [(0, "ok"), (1, "ok")]


def test_once_labels_contradict_the_scores_later_days_are_not_trusted(world: "World") -> None:
    labels = world.serve(START, 24, version="m:3", noise=8.0)
    world.append("labels", labels)
    world.serve(START + DAY, 26, version="m:3", noise=8.0)
    run(world)
    assert outcomes(world, "estimate.accuracy") == [(0, "no_data"), (1, "no_data")]


def test_the_report_estimates_and_pages_may_leave_it_out(world: "World") -> None:
    world.serve(START, 24, version="m:3")
    found = world.monitoring.report("e")["checks"]
    one = next(check for check in found if check["name"] == "estimate.accuracy")
    assert (one["signal"], one["outcome"], one["rows"]) == ("estimate", "ok", 480)
    without = world.monitoring.report("e", estimates=False)["checks"]
    assert not [check for check in without if check["signal"] == "estimate"]


def test_a_damaged_reference_is_said_and_stops_nothing_else(world: "World") -> None:
    with world.store.transaction() as tx:
        like = tx.models.get("m:3")
        assert like.profile is not None
        broken = {**like.profile, "scores": {"rows": 7, "scores": "", "happened": ""}}
        tx.models.add(msgspec.structs.replace(like, version=4, profile=broken))
    world.serve(START, 26, version="m:4")
    run(world)
    assert outcomes(world, "estimate") == [(0, "error")]
    assert outcomes(world, "drift.x") == [(0, "ok")]
