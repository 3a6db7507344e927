"""Everything that registration finds out about a model, from loading it to its reference profile.

Called by `job` in a process of its own, because it runs what a user's file makes it run.
"""

from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelFormat, Parity
from interlock.domain.ports import Columns, Predictor
from interlock.domain.ragged import ByShape
from interlock.predictions.image_log import describe_image
from interlock.registry import compile as compiling
from interlock.registry import declared_fields, measure, reference, source
from interlock.registry.derive import derive
from interlock.registry.parity import Trial
from interlock.registry.reference import Reference, spread
from interlock.registry.reference_profile import MOST_ROWS, reference_profile
from interlock.registry.reference_quality import class_of
from interlock.registry.registration import Examination, Job
from interlock.registry.training_rows import warn_of_training_rows
from interlock.runtimes.checked import CheckedPredictor
from interlock.runtimes.mlflow import PyfuncPredictor
from interlock.runtimes.onnx import OnnxPredictor
from interlock.runtimes.sklearn import SklearnPredictor
from interlock.stats import image_descriptors

_FRAMEWORKS = ("scikit-learn", "skops", "numpy", "pandas", "onnx", "skl2onnx", "onnxruntime", "mlflow-skinny", "mlflow")


@dataclass
class Serving:
    """What will serve: the twin, the artifact, or a file out of its folder."""

    predictor: Predictor
    serving_format: ModelFormat
    file: Path | None = None
    parity: Parity | None = None
    warnings: list[str] = field(default_factory=list)


def examine(job: Job) -> Examination:
    """Load, derive, compile, prove, measure, profile.

    Raises:
        UnloadableModelError: It is not a model that can be served.
        InvalidInputError: The reference does not fit the model.
    """
    staging = Path(job.staging)
    loaded = source.load(Path(job.stored), job.source_name, staging / "folder", trust_pickle=job.trust_pickle)
    rows = reference.read(Path(job.reference)) if job.reference else None
    derived = derive(loaded, rows, job.label, job.contract)
    contract = derived.contract
    in_file = rows.rows if rows else 0
    rows = rows.thinned(contract.inputs) if rows else None
    columns = rows.columns(contract.inputs) if rows else None
    serving = _serving(loaded, contract, columns, job)
    checked = ByShape(CheckedPredictor(serving.predictor, contract, job.source_name))
    measured = measure.row_us(checked, columns if columns else measure.plain_row(contract))
    if measured is None and columns:
        raise UnloadableModelError(_no_answer(checked, columns))
    warnings = [*derived.warnings, *serving.warnings]
    if rows is not None and rows.rows < in_file:
        warnings.append(f"of {in_file} reference rows {rows.rows} were looked at, evenly spread: images take long")
    warnings += declared_fields.broken(contract.inputs, columns) if columns else []
    return Examination(
        model_format=loaded.model_format,
        serving_format=serving.serving_format,
        serving_file=str(serving.file) if serving.file else None,
        placement=measure.placement(serving.serving_format, measured),
        contract=contract,
        row_us=measured,
        parity=serving.parity,
        profile=_profile(checked, contract, rows, columns, job.label, warnings),
        frameworks=_frameworks(),
        lineage=_lineage(loaded, rows, in_file),
        warnings=(*warnings, *_training_warning(loaded, columns)),
    )


def _serving(loaded: source.LoadedSource, contract: Contract, columns: Columns | None, job: Job) -> Serving:
    if loaded.graph is not None:
        own = loaded.graph if loaded.model_format == "mlflow" else None
        return Serving(OnnxPredictor(loaded.graph, contract), "onnx", own)
    if loaded.pyfunc is not None:
        return Serving(PyfuncPredictor(loaded.pyfunc, contract), loaded.model_format)
    original = SklearnPredictor(loaded.estimator, contract)
    if not job.compile:
        return Serving(original, loaded.model_format)
    parity, twin = _proven_twin(loaded.estimator, original, contract, columns)
    if twin is None:
        warning = f"served by the original in its own process, not compiled: {parity.reason}"
        return Serving(original, loaded.model_format, parity=parity, warnings=[warning])
    file = Path(job.staging) / "twin.onnx"
    file.write_bytes(twin)
    return Serving(OnnxPredictor(twin, contract), "onnx", file, parity)


def _proven_twin(
    estimator: Any, original: Predictor, contract: Contract, columns: Columns | None
) -> tuple[Parity, bytes | None]:
    if columns is None:
        return Parity(proven=False, reason="there are no reference rows to prove it on; give --reference"), None
    if not compiling.is_convertible(contract):
        return Parity(proven=False, reason="models of dates and of tensors beside other inputs are not converted"), None
    trial = Trial(original, contract, columns)
    best: Parity | None = None
    for twin in compiling.twins(estimator, contract):
        try:
            parity = trial.prove(OnnxPredictor(twin.graph, contract))
        except UnloadableModelError as error:
            parity = Parity(proven=False, reason=f"the converted graph does not load: {error}")
        if parity.proven:
            return parity, twin.graph
        best = _nearer(best, parity)
    return best or Parity(proven=False, reason=compiling.why_not(estimator)), None


def _nearer(one: Parity | None, other: Parity) -> Parity:
    """Of two failures, the one that says more."""
    return other if one is None or (one.rows == 0 and other.rows > 0) else one


def _no_answer(checked: Predictor, columns: Columns) -> str:
    try:
        checked.predict({name: values[:1] for name, values in columns.items()})
    except Exception as error:
        return f"the model answers none of the reference rows tried: {error}"
    return "the model answers none of the reference rows tried"


def _profile(
    checked: Predictor,
    contract: Contract,
    rows: Reference | None,
    columns: Columns | None,
    label: str | None,
    warnings: list[str],
) -> dict[str, Any] | None:
    if rows is None or columns is None:
        warnings.append("no reference data: drift will not be watched until a version with --reference is registered")
        return None
    truth = rows.label(label) if label else None
    if truth is not None and contract.is_classifier:
        unknown = sorted({str(value) for value in truth if value is not None and class_of(contract, value) is None})
        if unknown:
            warnings.append(f"the label has values that are no class of the model: {', '.join(unknown[:10])}")
    sample = spread({**columns}, rows.rows, MOST_ROWS)
    if truth is not None and rows.rows > MOST_ROWS:
        truth = [truth[at] for at in _spread_index(rows.rows)]
    profile = reference_profile(checked, contract, sample, truth, _descriptors(rows, contract))
    refused = min(rows.rows, MOST_ROWS) - profile["rows"]
    if refused:
        warnings.append(f"the model gives no valid answer to {refused} of {refused + profile['rows']} reference rows")
    return profile


def _descriptors(rows: Reference, contract: Contract) -> dict[str, NDArray[Any]]:
    """Descriptors of the reference's images, as `photo.brightness`."""
    found: dict[str, NDArray[Any]] = {}
    for one in contract.inputs:
        if one.image is not None:
            described = [describe_image(file) for file in rows.images(one.name)]
            for name in image_descriptors.NAMES:
                found[f"{one.name}.{name}"] = np.array([row.get(name, np.nan) for row in described])
    return found


def _spread_index(rows: int) -> list[int]:
    index: list[int] = spread({"at": np.arange(rows)}, rows, MOST_ROWS)["at"].tolist()
    return index


def _training_warning(loaded: source.LoadedSource, columns: Columns | None) -> tuple[str, ...]:
    if columns is None or loaded.estimator is None:
        return ()
    sentence = warn_of_training_rows(loaded.estimator, columns)
    return (sentence,) if sentence else ()


def _frameworks() -> dict[str, str]:
    found = {}
    for name in _FRAMEWORKS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _lineage(loaded: source.LoadedSource, rows: Reference | None, in_file: int) -> dict[str, Any]:
    lineage: dict[str, Any] = {}
    if rows is not None:
        lineage |= {"reference_rows": in_file, "reference_sha256": rows.digest}
    for name in ("run_id", "model_uuid", "mlflow_version"):
        if loaded.mlmodel.get(name):
            lineage[name] = str(loaded.mlmodel[name])
    estimator = loaded.estimator
    if estimator is not None:
        lineage["estimator"] = type(estimator).__name__
    return lineage
