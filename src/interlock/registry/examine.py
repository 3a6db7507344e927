"""Everything that registration finds out about a model, from loading it to its reference profile.

Called by `job` in a process of its own, because it runs what a user's file makes it run.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import UnloadableModelError
from interlock.domain.ports import Columns, Predictor
from interlock.domain.ragged import ByShape
from interlock.predictions.image_log import describe_image
from interlock.registry import declared_fields, measure, reference, source
from interlock.registry.derive import Derived, derive, parameters
from interlock.registry.reference import Reference, spread
from interlock.registry.reference_profile import MOST_ROWS, reference_profile
from interlock.registry.reference_quality import class_of
from interlock.registry.registration import Examination, Job
from interlock.registry.serving import Serving, serving_of, some_answers
from interlock.registry.training_rows import warn_of_training_rows
from interlock.runtimes.checked import CheckedPredictor
from interlock.runtimes.frameworks import TOOLS, installed
from interlock.stats import image_descriptors

# Rows on which a model that does not say what it gives is asked.
_ROWS_ASKED = 200


def examine(job: Job) -> Examination:
    """Load, derive, compile, prove, measure, profile.

    Raises:
        UnloadableModelError: It is not a model that can be served.
        InvalidInputError: The reference does not fit the model.
    """
    with contextlib.closing(source.load(job, Path(job.staging) / "folder")) as loaded:
        rows = reference.read(Path(job.reference)) if job.reference else None
        if rows is not None:
            rows = rows.with_defaults(parameters(loaded, []))
        derived = derive(loaded, rows, job.label, lambda inputs: _some_answers(loaded, rows, inputs), job.contract)
        in_file = rows.rows if rows else 0
        rows = rows.thinned(derived.contract.inputs) if rows else None
        columns = rows.columns(derived.contract.inputs) if rows else None
        with contextlib.closing(serving_of(job, loaded, derived.contract, columns)) as serving:
            return _examined(job, loaded, derived, serving, rows, columns, in_file)


def _some_answers(
    loaded: source.LoadedSource, rows: Reference | None, inputs: tuple[Field, ...]
) -> Mapping[str, NDArray[Any]]:
    contract = Contract(inputs=inputs, outputs=())
    if rows is None:
        return some_answers(loaded, contract, measure.plain_row(contract))
    rows = rows.thinned(inputs)
    return some_answers(loaded, contract, spread({**rows.columns(inputs)}, rows.rows, _ROWS_ASKED))


def _examined(
    job: Job,
    loaded: source.LoadedSource,
    derived: Derived,
    serving: Serving,
    rows: Reference | None,
    columns: Columns | None,
    in_file: int,
) -> Examination:
    contract = derived.contract
    checked = ByShape(CheckedPredictor(serving.predictor, contract, job.source_name))
    measured = measure.row_us(checked, columns if columns else measure.plain_row(contract))
    if measured is None and columns:
        raise UnloadableModelError(_no_answer(checked, columns))
    found = loaded.facts.warnings if loaded.facts else ()
    warnings = [*found, *derived.warnings, *serving.warnings]
    if rows is not None and rows.rows < in_file:
        warnings.append(f"of {in_file} reference rows {rows.rows} were looked at, evenly spread: images take long")
    warnings += declared_fields.broken(contract.inputs, columns) if columns else []
    return Examination(
        model_format=loaded.model_format,
        serving_format=serving.serving_format,
        serving_file=str(serving.file) if serving.file else None,
        placement=measure.placement(serving.serving_format, measured, may_be_inline=serving.may_be_inline),
        contract=contract,
        row_us=measured,
        parity=serving.parity,
        profile=_profile(checked, contract, rows, columns, job.label, warnings),
        frameworks=_frameworks(loaded, serving),
        lineage=_lineage(loaded, rows, in_file),
        warnings=(*warnings, *_training_warning(loaded, columns)),
    )


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


def _frameworks(loaded: source.LoadedSource, serving: Serving) -> dict[str, str]:
    """Of the model where it was opened, and of its graph where one serves."""
    own = loaded.facts.frameworks if loaded.facts else {}
    return {**own, **(installed(TOOLS) if serving.serving_format == "onnx" else {})}


def _lineage(loaded: source.LoadedSource, rows: Reference | None, in_file: int) -> dict[str, Any]:
    lineage: dict[str, Any] = {}
    if rows is not None:
        lineage |= {"reference_rows": in_file, "reference_sha256": rows.digest}
    for name in ("run_id", "model_uuid", "mlflow_version"):
        if loaded.mlmodel.get(name):
            lineage[name] = str(loaded.mlmodel[name])
    if loaded.facts is not None:
        lineage["estimator"] = loaded.facts.kind
    return lineage
