"""How many labels a second are learnt and published each second: River's logistic regression on ten columns.

Usage: `python -m benchmarks.learning.online [--rows N]`. It makes a log with a label for every row in a folder of its
own, lets a learner read it as its process does (`learning.online_learner`) with a snapshot that serves due each second,
and prints what came of it. The model is in a process of its own, as in a server; its processor time counts too. Where
others use the machine, the figure by processor time is the one to read.
"""

import argparse
import json
import pickle
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from river import linear_model, preprocessing

from benchmarks.replay.run import BEGAN, COLUMNS, fill
from interlock import bootstrap
from interlock.domain.contract import Contract, Field
from interlock.domain.endpoint import Endpoint
from interlock.domain.model import ModelVersion
from interlock.domain.traffic import TrafficPlan
from interlock.learning.online_learner import OnlineLearner
from interlock.learning.online_service import OnlineLearners
from interlock.process.home import prepare
from interlock.registry.artifacts import ArtifactStore
from interlock.settings import Settings
from interlock.store.database import Store

_GOAL = 5000
_ENDPOINT = "e"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure once and print what came of it."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="interlock-bench-", dir=options.folder) as folder:
        settings = Settings(home=Path(folder) / "home")
        store = _prepare(settings)
        fill(settings.home, options.rows, labels=True)
        began, own = time.perf_counter(), time.process_time()
        _learn(bootstrap.build_online_learner(settings, _ENDPOINT))
        seconds = time.perf_counter() - began
        processor_seconds = time.process_time() - own + _of_children()
        with store.read() as tx:
            learner = tx.learners.get(_ENDPOINT)
    learnt = learner.counts.get("learnt", 0)
    assert learnt, learner
    found = {
        "labels": learnt,
        "snapshots": learner.snapshots,
        "seconds": round(seconds, 2),
        "labels_per_second": round(learnt / seconds),
        "processor_seconds": round(processor_seconds, 2),
        "labels_per_processor_second": round(learnt / processor_seconds),
        "goal": _GOAL,
        "sentence": learner.sentence,
    }
    print(json.dumps(found) if options.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


def _prepare(settings: Settings) -> Store:
    """A home whose endpoint is to learn from the first label on, and to serve what it learns."""
    prepare(settings)
    bootstrap.migrate(settings)
    store = bootstrap.build_store(settings)
    version = _model(settings)
    with store.transaction() as tx:
        tx.models.add(version)
        tx.endpoints.add(Endpoint(name=_ENDPOINT, created_at=BEGAN, created_by="bench"))
        tx.plans.append(TrafficPlan(endpoint=_ENDPOINT, generation=1, champion=version.ref))
    document = {"serve": True, "begin": "beginning", "every_labels": 1_000_000_000, "every_seconds": 1}
    OnlineLearners(store, settings.log, bootstrap.now).declare(_ENDPOINT, document, bootstrap.local_actor())
    return store


def _model(settings: Settings) -> ModelVersion:
    path = settings.home / "model.pkl"
    path.write_bytes(pickle.dumps(preprocessing.StandardScaler() | linear_model.LogisticRegression()))
    digest = ArtifactStore(settings.artifacts).put(path)
    contract = Contract(
        inputs=tuple(Field(name=name, datatype="FP64") for name in COLUMNS),
        outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
        task="binary",
        classes=(0, 1),
    )
    return ModelVersion(
        name="m", version=1, digest=digest, model_format="river", serving_digest=digest, serving_format="river",
        placement="isolated", contract=contract, created_at=BEGAN, created_by="bench",
    )  # fmt: skip


def _learn(learner: OnlineLearner) -> None:
    try:
        while learner.step():
            pass
    finally:
        learner.close()


def _of_children() -> float:
    """Processor seconds of processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.online", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--folder", default=None, help="where to work; default: the system's temporary folder")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
