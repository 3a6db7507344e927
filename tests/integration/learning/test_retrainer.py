"""Runs over a real log with real trainers in processes of their own, and what is left when they go wrong."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from interlock.demo import models
from interlock.domain.run import Run

if TYPE_CHECKING:
    from tests.integration.learning.conftest import World

ALL_ZERO = """
from sklearn.dummy import DummyClassifier
frame = context.pandas()
return DummyClassifier(strategy="constant", constant=0).fit(frame[list(context.inputs)], frame[context.label])
"""


def _untouched(world: "World", before: set[str]) -> None:
    """Nothing was registered, nothing is left of what was examined, and the champion answers on."""
    assert world.versions() == ["flights:1"]
    assert world.artifacts() == before
    assert world.champion() == "flights:1"
    with world.store.read() as tx:
        assert tx.releases.list() == []


def _left(world: "World", run: Run) -> set[str]:
    return {path.name for path in (world.settings.runs / run.id).iterdir()}


def test_the_champions_recipe_on_new_rows_gives_a_better_version_with_its_lineage(world: "World") -> None:
    world.declare(trainer="sklearn")
    run = world.perform()
    assert run.state == "registered", run.reason
    assert run.version == "flights:2"
    assert run.reason.startswith("better than flights:1: Brier score") or "not worse than" in run.reason
    assert run.data is not None
    assert run.data.training_rows + run.data.heldout_rows == 5000
    assert run.data.heldout_rows == pytest.approx(1000, abs=20)
    assert run.judgement is not None
    assert run.judgement.rows == run.data.heldout_rows
    assert run.judgement.candidate_loss <= run.judgement.champion_loss
    with world.store.read() as tx:
        version, pin = tx.models.get("flights:2"), tx.pins.get("flights", "run-1")
        assert tx.audit.verify().ok
    assert version.lineage["parent"] == "flights:1"
    assert version.lineage["run"] == run.id
    assert version.lineage["pin"] == "flights@run-1"
    assert (
        version.lineage["pin_digests"] == run.data.digests == {kind: table.digest for kind, table in pin.tables.items()}
    )
    assert version.lineage["code"] == {"trainer": "sklearn", "digest": "", "commit": None, "dirty": None}
    assert run.environment["scikit-learn"]
    assert world.champion() == "flights:1"
    assert _left(world, run) == {"log.txt", "artifacts"}


def test_the_new_version_takes_what_the_old_one_took(world: "World", year: pa.Table) -> None:
    """No held-out row lacks its pressure, and the new contract still allows that."""
    world.declare()
    complete = year.slice(5600, 1500).filter(pc.is_valid(year.slice(5600, 1500)["pressure"]))
    world.log(complete)
    run = world.perform()
    assert run.state == "registered", run.reason
    with world.store.read() as tx:
        old, new = tx.models.get("flights:1").contract, tx.models.get("flights:2").contract
    assert {field.name for field in old.inputs if field.nullable} == {
        field.name for field in new.inputs if field.nullable
    }
    assert new.input("pressure") is not None


def test_a_trainer_of_ones_own_gets_rows_and_keeps_figures_and_files(world: "World") -> None:
    world.trainer(
        """
from sklearn.base import clone
import json
frame, late = context.pandas(), context.arrow()[context.label]
assert late.to_pylist() == frame["late"].tolist()
assert set(frame["late"]) == {0, 1}
assert list(context.columns)[: len(context.inputs)] == list(context.inputs)
assert context.polars().height == len(frame) == sum(batch.num_rows for batch in context.batches(700))
assert context.references["holidays"].read_text() == "2013-01-01"
(context.folder / "notes.txt").write_text(f"{context.mode} {context.seed} {context.parameters['depth']}")
for step in range(3):
    context.metric("loss", 1 / (step + 1), step)
context.progress(0.5, "half way")
print("learning")
return clone(context.load_parent()).fit(frame[list(context.inputs)], frame[context.label])
""",
        label="late",
        seed=7,
        parameters={"depth": 3},
        references={"holidays": _file(world, "holidays.txt", "2013-01-01")},
    )
    run = world.perform()
    assert run.state == "registered", run.reason
    assert run.metrics == {"loss": pytest.approx(1 / 3)}
    folder = world.settings.runs / run.id
    assert (folder / "artifacts" / "notes.txt").read_text() == "scratch 7 3"
    assert "learning" in world.runs.log(run.id, 10_000)
    steps = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert steps == [0, 1, 2]
    assert run.code is not None
    assert run.code.digest


def _file(world: "World", name: str, text: str) -> str:
    path = world.folder / name
    path.write_text(text)
    return str(path)


def test_a_worse_model_is_kept_as_a_run_and_never_registered(world: "World") -> None:
    before = world.artifacts()
    world.trainer(ALL_ZERO)
    run = world.perform()
    assert run.state == "rejected"
    assert run.reason.startswith("worse than flights:1: Brier score")
    assert run.judgement is not None
    assert run.judgement.candidate_loss > run.judgement.champion_loss
    _untouched(world, before)


def test_a_model_that_would_break_callers_is_rejected_by_name(world: "World") -> None:
    before = world.artifacts()
    world.trainer(
        """
from sklearn.linear_model import RidgeClassifier
frame = context.pandas()
return RidgeClassifier().fit(frame[["hour", "distance"]], frame[context.label])
"""
    )
    run = world.perform()
    assert run.state in ("rejected", "failed")
    assert "input" in run.reason or "output" in run.reason
    _untouched(world, before)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('no more coffee')", "the trainer raised ValueError: no more coffee"),
        ("return None", "the trainer returned nothing"),
        ("return 42", "the trainer returned a int, which is no model"),
        ("return '/no/such/model.skops'", "the trainer returned the path /no/such/model.skops, and there is nothing"),
        ("import os; os._exit(3)", "ended without a result (exit code 3)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it was killed"),
        ("import nonsense_that_is_nowhere", "the trainer raised ModuleNotFoundError"),
        ("from pathlib import Path\np = Path('x.skops'); p.write_text('no model')\nreturn p", "is not"),
        ("context.metric('loss', float('nan'))", "must be a finite number"),
    ],
)
def test_a_trainer_that_fails_leaves_serving_as_it_is_and_says_why(world: "World", body: str, said: str) -> None:
    before = world.artifacts()
    world.trainer(body)
    run = world.perform()
    assert run.state == "failed"
    assert said in run.reason
    assert _left(world, run) <= {"log.txt", "artifacts", "metrics.jsonl"}
    _untouched(world, before)


def test_a_trainer_that_hangs_is_ended(world: "World") -> None:
    before = world.artifacts()
    world.trainer("import time\ntime.sleep(3600)", limit_minutes=0.05)
    run = world.perform()
    assert run.state == "failed"
    assert "took longer than 0.05 minutes" in run.reason
    _untouched(world, before)


def test_a_trainer_that_needs_too_much_memory_is_told_so(world: "World") -> None:
    before = world.artifacts()
    world.trainer("import numpy\nreturn numpy.ones(10**11)", memory_bytes=512 * 1024**2)
    run = world.perform()
    assert run.state == "failed"
    assert "the trainer needs more memory than 512 MiB" in run.reason
    _untouched(world, before)


def test_without_labels_nothing_is_trained(empty_world: "World", year: pa.Table) -> None:
    run = empty_world.perform()
    assert run.state == "failed"
    assert "does not exist" in run.reason or "no labels" in run.reason
    empty_world.log(year.slice(0, 300), label_text=lambda flights: pa.nulls(flights.num_rows, pa.string()))
    run = empty_world.perform()
    assert "no labels have come" in run.reason


def test_with_too_few_labels_nothing_is_trained(empty_world: "World", year: pa.Table) -> None:
    empty_world.log(year.slice(600, 300))
    run = empty_world.perform()
    assert run.state == "failed"
    assert "60 labelled rows could be held out" in run.reason


def test_labels_of_one_class_only_teach_nothing(empty_world: "World", year: pa.Table) -> None:
    late = year.slice(600, 8000).filter(year.slice(600, 8000)["late"])
    empty_world.declare()
    empty_world.log(late)
    run = empty_world.perform()
    assert run.state == "failed"
    assert run.reason == "all training rows have the label '1'"


def test_labels_that_are_no_class_or_from_the_future_are_left_out_and_counted(world: "World", year: pa.Table) -> None:
    from tests.integration.learning.conftest import shifted

    world.declare()
    some = year.slice(5600, 200)
    world.log(some, label_text=lambda flights: pa.array(["maybe"] * flights.num_rows))
    ahead = datetime.now(UTC) - datetime(2013, 1, 1, tzinfo=UTC) + timedelta(days=100)
    world.log(year.slice(5800, 100), observed_at=shifted(ahead))
    run = world.perform()
    assert run.data is not None
    assert (run.data.unusable_labels, run.data.future_labels) == (200, 100)
    assert run.data.training_rows + run.data.heldout_rows == 5000


def test_rows_that_were_chosen_to_be_labelled_teach_and_do_not_judge(world: "World", year: pa.Table) -> None:
    """Annotators were given what is uncertain: weight 0 says nothing of quality."""
    world.trainer(
        "frame = context.pandas()\ncontext.metric('lightest', frame['weight'].min())\n"
        "context.metric('rows', len(frame))\nraise ValueError('seen enough')"
    )
    chosen = {
        "source": lambda flights: pa.array(["annotator"] * flights.num_rows),
        "weight": lambda flights: pa.array([0.0] * flights.num_rows),
    }
    world.log(year.slice(0, 400), **chosen)
    world.log(year.slice(5600, 300), **chosen)
    run = world.perform()
    assert run.data is not None
    # 400 rows before all others are learnt from. Of the newest 1140, 300 were chosen, and judge nothing.
    assert run.data.training_rows == pytest.approx(4560, abs=20)
    assert run.data.heldout_rows == pytest.approx(840, abs=20)
    said = (world.settings.runs / run.id / "metrics.jsonl").read_text()
    assert '"name":"lightest","value":1.0' in said


def test_a_feed_that_is_there_twice_is_no_training_data(empty_world: "World", year: pa.Table) -> None:
    """Every flight once more, some days later: held-out rows whose answers stand among the training rows."""
    flights = year.slice(600, 3000)
    empty_world.declare()
    empty_world.log(flights)
    moved = flights["scheduled_at"].to_numpy() + _span(flights)
    empty_world.log(
        flights.set_column(flights.column_names.index("scheduled_at"), "scheduled_at", _times(flights, moved))
    )
    run = empty_world.perform()
    assert run.state == "failed"
    assert "held-out rows stand among the training rows" in run.reason
    assert run.data is not None
    assert run.data.duplicates >= run.data.heldout_rows * 0.9


def _span(flights: pa.Table) -> Any:
    times = flights["scheduled_at"].to_numpy()
    return times.max() - times.min()


def _times(flights: pa.Table, values: Any) -> pa.Array:
    return pa.array(values).cast(flights["scheduled_at"].type)


def test_what_privacy_keeps_out_of_the_log_cannot_be_learnt_from(world: "World") -> None:
    from interlock import bootstrap
    from interlock.registry.endpoints import Endpoints

    Endpoints(world.store, bootstrap.now).change("flights", world.actor, privacy={"carrier": "drop"})
    run = world.perform()
    assert run.state == "failed"
    assert "a privacy rule keeps the values of input.carrier out of the log" in run.reason


def test_rows_that_taught_the_champion_do_not_judge_it(world: "World", year: pa.Table) -> None:
    world.declare()
    first = world.perform()
    assert first.data is not None
    assert first.data.heldout_since is not None
    with world.store.transaction() as tx:
        from interlock.learning import run_road

        run_road.keep(tx, first, world.retrainer.mover(), "tested")
        plan = tx.plans.current("flights")
        import msgspec

        tx.plans.append(msgspec.structs.replace(plan, generation=plan.generation + 1, champion="flights:2"))
    world.log(year.slice(5600, 300))
    second = world.perform()
    assert second.parent == "flights:2"
    assert second.data is not None
    assert second.data.heldout_since is not None
    assert second.data.heldout_since >= first.data.heldout_since


def test_a_run_again_learns_from_the_same_rows(world: "World", year: pa.Table) -> None:
    world.trainer("raise ValueError")
    first = world.perform()
    world.log(year.slice(5600, 1000))
    world.trainer(ALL_ZERO)
    again = world.runs.rerun(first.id, world.actor)
    with world.store.transaction() as tx:
        from interlock.learning import run_road, workspace

        run_road.begin(tx, again, world.retrainer.mover(), "")
        workspace.prepare(world.settings.runs / again.id)
    world.retrainer.perform(again.id)
    again = world.runs.get(again.id)
    assert again.cause == "run flights-run-1 again"
    assert again.data is not None
    assert first.data is not None
    assert again.data == first.data


@pytest.mark.slow
def test_fine_tuning_goes_on_from_the_champion(world: "World", weak: models.Trained) -> None:
    world.declare(mode="fine_tune")
    run = world.perform()
    assert run.mode == "fine_tune"
    assert run.state in ("registered", "rejected"), run.reason


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of MLflow and its database, which are read here
def test_a_run_is_one_of_mlflow_too(world: "World") -> None:
    mlflow = pytest.importorskip("mlflow")
    world.trainer(
        "for step in range(3):\n    context.metric('loss', 1 / (step + 1), step)\n"
        "(context.folder / 'notes.txt').write_text('x')\n" + ALL_ZERO.strip(),
        tracking="local",
        parameters={"depth": 3},
    )
    run = world.perform()
    assert run.state == "rejected", run.reason
    assert run.tracked["uri"] == "local", run.tracked
    assert run.judgement is not None
    assert run.data is not None
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{world.settings.home / 'mlflow.db'}")
    found = client.get_run(run.tracked["run_id"])
    assert found.data.params["parameters.depth"] == "3"
    assert found.data.metrics["brier"] == pytest.approx(run.judgement.candidate_loss)
    assert [each.value for each in client.get_metric_history(found.info.run_id, "loss")] == [1, 1 / 2, 1 / 3]
    assert found.data.tags["interlock.pin.predictions.sha256"] == run.data.digests["predictions"]
    assert found.data.tags["interlock.parent"] == "flights:1"
    assert {each.path for each in client.list_artifacts(found.info.run_id)} == {
        "artifacts",
        "environment.json",
        "log.txt",
    }


def test_a_tracking_server_that_is_down_fails_no_run(world: "World") -> None:
    world.trainer(ALL_ZERO, tracking="http://user:secret@127.0.0.1:9")
    run = world.perform()
    assert run.state == "rejected"
    assert run.tracked["uri"] == "http://127.0.0.1:9"
    assert run.tracked["error"]


def test_a_trainer_that_prints_for_ever_fills_no_disk_and_its_traceback_stays(world: "World") -> None:
    world.trainer(
        """
for line in range(100_000):
    print("line", line)
raise RuntimeError("at last")
""",
        log_bytes=64 * 1024,
    )
    run = world.perform()
    assert (run.state, run.reason) == ("failed", "the trainer raised RuntimeError: at last")
    log = world.runs.log(run.id, 10_000_000)
    assert len(log) <= 2 * 64 * 1024
    assert "bytes before this were left out: the log is full" in log
    assert "line 99999" in log
    assert 'raise RuntimeError("at last")' in log
