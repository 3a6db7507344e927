"""What of a loaded source will serve, and where it may: a proven twin, the artifact itself, or a file of its folder.

Called by `examine`. Only data that was compiled here, or graphs that a trial bounded, may run inside a gateway worker.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelFormat, Parity
from interlock.domain.ports import Columns, Predictor
from interlock.registry import compile as compiling
from interlock.registry import compile_boosters
from interlock.registry.apart import ApartModel
from interlock.registry.conversion import Twin
from interlock.registry.graph_trial import by_digest, unbounded
from interlock.registry.measure import plain_row
from interlock.registry.parity import TOLERANCE, Trial
from interlock.registry.registration import Job
from interlock.registry.source import LoadedSource
from interlock.runtimes.lightgbm import LightgbmPredictor
from interlock.runtimes.onnx import predictor_of
from interlock.runtimes.remote import RemotePredictor
from interlock.runtimes.sklearn import SklearnPredictor
from interlock.runtimes.xgboost import XgboostPredictor

# A graph that failed its trial may hang on some reference rows; the others are to be profiled all the same.
_GRAPH_SECONDS = 5.0


@dataclass
class Serving:
    """What will serve.

    Args:
        predictor: It, loaded.
        serving_format: How it is loaded.
        file: Where it is, if it is not the artifact itself.
        parity: The report on its twin, if one was tried.
        may_be_inline: Whether it may run inside a gateway worker, if it is quick enough.
        warnings: What a person should know.
    """

    predictor: Predictor
    serving_format: ModelFormat
    file: Path | None = None
    parity: Parity | None = None
    may_be_inline: bool = False
    warnings: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Free what is loaded."""
        self.predictor.close()


def serving_of(job: Job, loaded: LoadedSource, contract: Contract, columns: Columns | None) -> Serving:
    """Choose what serves.

    Args:
        columns: Reference rows; None for none.

    Raises:
        UnloadableModelError: It cannot be loaded, or does not fit its contract.
    """
    if loaded.remote is not None:
        return _remote(job, loaded, contract)
    if loaded.graph is not None:
        return _graph(job, loaded, loaded.graph, contract, columns)
    if loaded.apart is not None:
        return _apart(job, loaded, loaded.apart, contract)
    return _compiled(job, loaded, contract, columns)


def _remote(job: Job, loaded: LoadedSource, contract: Contract) -> Serving:
    assert loaded.remote is not None
    model = loaded.remote.finished()
    file = Path(job.staging) / "remote.json"
    file.write_bytes(msgspec.json.encode(model))
    return Serving(RemotePredictor(model, contract), "remote", file)


def _graph(job: Job, loaded: LoadedSource, graph: Path, contract: Contract, columns: Columns | None) -> Serving:
    own = graph if loaded.model_format == "mlflow" else None
    predictor_of(graph, contract).close()  # says what does not fit before anything is tried
    reasons = unbounded(job, graph, contract, columns or plain_row(contract))
    if not reasons:
        return Serving(predictor_of(graph, contract), "onnx", own, may_be_inline=True)
    model = ApartModel(job, "onnx", by_digest(graph, Path(job.staging)))
    predictor = model.predictor(contract, answer_seconds=_GRAPH_SECONDS)
    warnings = [f"served in its own process, not inside the gateway: {reason}" for reason in reasons]
    return Serving(predictor, "onnx", own, warnings=warnings)


def _apart(job: Job, loaded: LoadedSource, model: ApartModel, contract: Contract) -> Serving:
    parity = None
    if job.runner.python is not None:
        reason = "it runs with its own interpreter, and a twin could be proven with the server's own frameworks only"
        parity = Parity(proven=False, reason=reason)
    return Serving(model.predictor(contract), loaded.model_format, parity=parity)


def _compiled(job: Job, loaded: LoadedSource, contract: Contract, columns: Columns | None) -> Serving:
    original = _original(loaded, contract)
    if not job.compile:
        return Serving(original, loaded.model_format)
    parity, twin = _proven_twin(loaded, original, contract, columns)
    if twin is None:
        warning = f"served by the original in its own process, not compiled: {parity.reason}"
        return Serving(original, loaded.model_format, parity=parity, warnings=[warning])
    file = Path(job.staging) / "twin.onnx"
    file.write_bytes(twin)
    return Serving(predictor_of(twin, contract), "onnx", file, parity, may_be_inline=True)


def _original(loaded: LoadedSource, contract: Contract) -> Predictor:
    if loaded.model_format == "xgboost":
        return XgboostPredictor(loaded.booster, contract)
    if loaded.model_format == "lightgbm":
        return LightgbmPredictor(loaded.booster, contract)
    return SklearnPredictor(loaded.estimator, contract)


def _proven_twin(
    loaded: LoadedSource, original: Predictor, contract: Contract, columns: Columns | None
) -> tuple[Parity, bytes | None]:
    if columns is None:
        return Parity(proven=False, reason="there are no reference rows to prove it on; give --reference"), None
    if not compiling.is_convertible(contract):
        return Parity(proven=False, reason="models of dates and of tensors beside other inputs are not converted"), None
    trial = Trial(original, contract, columns)
    best: Parity | None = None
    refusals: list[str] = []
    for twin in _twins(loaded, contract, refusals):
        parity, graph = _proof(trial, twin, contract)
        if parity.proven:
            return parity, graph
        best = _nearer(best, parity)
    return best or Parity(proven=False, reason=refusals[0]), None


def _proof(trial: Trial, twin: Twin, contract: Contract) -> tuple[Parity, bytes]:
    """The report on a twin; on one that differs in classes only, with ties broken as scikit-learn does."""
    parity = _compared(trial, twin.graph, contract)
    worst = parity.worst_difference
    differs_in_classes = not parity.proven and worst is not None and worst <= TOLERANCE
    if twin.first_of_ties is None or not differs_in_classes:
        return parity, twin.graph
    graph = twin.first_of_ties()
    return _compared(trial, graph, contract), graph


def _compared(trial: Trial, graph: bytes, contract: Contract) -> Parity:
    try:
        return trial.prove(predictor_of(graph, contract))
    except UnloadableModelError as error:
        return Parity(proven=False, reason=f"the converted graph does not load: {error}")


def _twins(loaded: LoadedSource, contract: Contract, refusals: list[str]) -> Iterator[Twin]:
    if loaded.booster is not None:
        return compile_boosters.twins(loaded.model_format, loaded.booster, contract, refusals)
    return compiling.twins(loaded.estimator, contract, refusals)


def _nearer(one: Parity | None, other: Parity) -> Parity:
    """Of two failures, the one that says more."""
    return other if one is None or (one.rows == 0 and other.rows > 0) else one


def some_answers(loaded: LoadedSource, contract: Contract, rows: Columns) -> Mapping[str, NDArray[Any]]:
    """What a model that does not say what it gives answers to some rows.

    Args:
        contract: Without outputs.
    """
    if loaded.remote is not None:
        return loaded.remote.ask(contract.inputs, rows)
    assert loaded.apart is not None
    return loaded.apart.predictor(contract).predict(rows)
