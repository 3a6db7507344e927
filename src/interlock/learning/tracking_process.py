"""The process that speaks to MLflow: `python -m interlock.learning.tracking_process TASK PARENT_PID`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from interlock.domain.errors import InterlockError
from interlock.domain.run import Run
from interlock.learning import workspace
from interlock.learning.tracking import Tracking, result_path
from interlock.runtimes.frameworks import framework
from interlock.runtimes.runner import die_with_parent

_MOST_TEXT = 500


def main(argv: list[str]) -> int:
    """Write a run to MLflow, and what came of it to a file."""
    path = Path(argv[0])
    if not die_with_parent(int(argv[1])):
        return 1
    task = msgspec.json.decode(path.read_bytes(), type=Tracking)
    try:
        said = write(task)
    except InterlockError as error:
        said = {"error": str(error)}
    except Exception as error:  # whatever MLflow, its database or the network raises
        said = {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:300] if str(error) else ''}"}
    workspace.write(result_path(path), said)
    return 0


def write(task: Tracking) -> dict[str, Any]:
    """Write a run.

    Returns:
        `experiment_id` and `run_id` as MLflow calls them.

    Raises:
        UnloadableModelError: MLflow is not installed.
    """
    client = framework("mlflow", "mlflow").MlflowClient(tracking_uri=task.uri)
    experiment = _experiment(client, task)
    run = task.run
    started = run.started_at or run.created_at
    made = client.create_run(
        experiment, start_time=round(started.timestamp() * 1000), run_name=run.id, tags=dict(_tags(run))
    )
    id, folder = made.info.run_id, Path(task.folder)
    for name, value in _parameters(run):
        client.log_param(id, name, value)
    for name, number, step in (*_curves(folder), *_figures(run)):
        client.log_metric(id, name, number, step=step)
    client.log_dict(id, run.environment, "environment.json")
    if (folder / workspace.LOG).exists():
        client.log_artifact(id, str(folder / workspace.LOG))
    if any((folder / workspace.ARTIFACTS).glob("*")):
        client.log_artifacts(id, str(folder / workspace.ARTIFACTS), "artifacts")
    client.set_terminated(id, status="FINISHED" if run.judgement is not None else "FAILED")
    return {"experiment_id": str(experiment), "run_id": id}


def _experiment(client: Any, task: Tracking) -> str:
    name = f"interlock/{task.run.endpoint}"
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    location = f"{task.artifacts}/{task.run.endpoint}" if task.artifacts else None
    return str(client.create_experiment(name, artifact_location=location))


def _tags(run: Run) -> Iterator[tuple[str, str]]:
    yield from (("interlock.run", run.id), ("interlock.endpoint", run.endpoint), ("interlock.parent", run.parent))
    yield from (("interlock.state", run.state), ("interlock.reason", run.reason), ("interlock.cause", run.cause))
    if run.version is not None:
        yield "interlock.version", run.version
    if run.data is not None:
        yield "interlock.pin", run.data.pin
        yield from ((f"interlock.pin.{kind}.sha256", digest) for kind, digest in run.data.digests.items())
    if run.code is not None:
        yield "interlock.code.sha256", run.code.digest
        if run.code.commit is not None:
            yield "mlflow.source.git.commit", run.code.commit
            yield "interlock.code.dirty", str(run.code.dirty).lower()


def _parameters(run: Run) -> Iterator[tuple[str, str]]:
    settings = run.settings
    yield from (("trainer", settings.trainer), ("mode", run.mode), ("seed", str(settings.seed)))
    yield "holdout", str(settings.holdout)
    for name, value in settings.parameters.items():
        yield f"parameters.{name}"[:250], str(value)[:_MOST_TEXT]
    for name in ("days", "rows", "half_life_days"):
        if (limit := getattr(settings.window, name)) is not None:
            yield f"window.{name}", str(limit)


def _curves(folder: Path) -> Iterator[tuple[str, float, int]]:
    """What the trainer measured, in order."""
    path = folder / workspace.METRICS
    for line in path.read_bytes().splitlines() if path.exists() else ():
        said = msgspec.json.decode(line)
        yield said["name"], said["value"], said["step"] or 0


def _figures(run: Run) -> Iterator[tuple[str, float, int]]:
    """What the judgement says."""
    if run.data is not None:
        yield "training_rows", float(run.data.training_rows), 0
        yield "heldout_rows", float(run.data.heldout_rows), 0
    if (judged := run.judgement) is not None:
        yield f"{judged.loss}", judged.candidate_loss, 0
        yield f"champion.{judged.loss}", judged.champion_loss, 0
        yield from ((f"baseline.{name}", value, 0) for name, value in judged.baselines.items())
        yield from ((name, value, 0) for name, value in judged.metrics.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
