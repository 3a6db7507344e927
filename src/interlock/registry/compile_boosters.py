"""XGBoost and LightGBM as ONNX, through onnxmltools: from their native files, and as steps of scikit-learn pipelines.

Called by `compile` and by the examining process, which keeps a graph only if `parity` proves it equal.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from interlock.domain.contract import Contract
from interlock.domain.model import ModelFormat
from interlock.registry.conversion import MATRIX, SECONDS, Twin, quiet
from interlock.registry.time_limit import time_limit
from interlock.runtimes.checked import first_line
from interlock.runtimes.frameworks import framework
from interlock.runtimes.sklearn import parts_of

_PACKAGES = ("xgboost", "lightgbm")

# The newest that onnxmltools 1.16 writes by itself; within pipelines it is skl2onnx that writes.
_OPSET = 15

_CLASSIFIER_OPTIONS = {"nocl": [True, False], "zipmap": [True, False, "columns"]}


def is_booster(part: Any) -> bool:
    """Whether an estimator is one of XGBoost's or LightGBM's."""
    return type(part).__module__.partition(".")[0] in _PACKAGES


def register_converters(estimator: Any) -> None:
    """Make the converter of pipelines know the boosters in one, if onnxmltools is installed."""
    packages = {type(part).__module__.partition(".")[0] for part in parts_of(estimator) if is_booster(part)}
    if packages and not lacking(estimator):
        for package in packages:
            _register(package)


def lacking(estimator: Any) -> str:
    """Why boosters in a model cannot be converted, by what is not installed; empty if nothing is lacking."""
    if any(is_booster(part) for part in parts_of(estimator)) and find_spec("onnxmltools") is None:
        return "converting boosters needs onnxmltools; install it with: pip install 'interlock[xgboost]'"
    return ""


def _register(package: str) -> None:
    convert = framework("skl2onnx", "sklearn").update_registered_converter
    shapes = framework("skl2onnx.common.shape_calculator", "sklearn")
    estimators = framework(package, package)
    if package == "xgboost":
        converter = framework("onnxmltools.convert.xgboost.operator_converters.XGBoost", package).convert_xgboost
        prefix, alias, options = "XGB", "XGBoostXGB", {}
    else:
        converter = framework("onnxmltools.convert.lightgbm.operator_converters.LightGbm", package).convert_lightgbm
        prefix, alias, options = "LGBM", "LightGbmLGBM", {"split": None}
    convert(
        getattr(estimators, f"{prefix}Classifier"),
        f"{alias}Classifier",
        shapes.calculate_linear_classifier_output_shapes,
        converter,
        options=_CLASSIFIER_OPTIONS,
    )
    convert(
        getattr(estimators, f"{prefix}Regressor"),
        f"{alias}Regressor",
        shapes.calculate_linear_regressor_output_shapes,
        converter,
        options=options,
    )


def twins(model_format: ModelFormat, booster: Any, contract: Contract, refusals: list[str]) -> Iterator[Twin]:
    """Convert a native booster. Nothing for one that cannot be converted: then `refusals` says why."""
    if why_not := _why_not_tried(contract):
        refusals.append(why_not)
        return
    width = contract.inputs[0].shape[0] if contract.inputs[0].shape else len(contract.inputs)
    with quiet(), time_limit(SECONDS):
        try:
            graph = _converted(model_format, booster, width)
        except Exception as error:  # a converter fails in as many ways as there are models
            refusals.append(f"onnxmltools cannot convert it: {first_line(error)}")
            return
        if contract.is_classifier:
            # The graph's own labels are 0, 1, 2; the contract's follow from the probabilities.
            del graph.graph.output[0]
        yield Twin(graph.SerializeToString(), "float")


def _why_not_tried(contract: Contract) -> str:
    """Why a graph of this contract could not be equal; empty if it could."""
    if find_spec("onnxmltools") is None:
        return "converting it needs onnxmltools; install it with: pip install 'interlock[xgboost]'"
    texts = [field.name for field in contract.inputs if field.datatype == "BYTES"]
    if texts:
        return f"its categories are texts ({', '.join(texts)}), which a graph of a booster does not take"
    if contract.is_classifier and len(contract.outputs) == 1:
        return "it gives classes without probabilities"
    return ""


def _converted(model_format: ModelFormat, booster: Any, width: int) -> Any:
    onnxmltools = framework("onnxmltools", model_format)
    types = framework("onnxmltools.convert.common.data_types", model_format)
    initial = [(MATRIX, types.FloatTensorType([None, width]))]
    if model_format == "lightgbm":
        return onnxmltools.convert_lightgbm(booster.booster, initial_types=initial, zipmap=False, target_opset=_OPSET)
    nameless = booster.copy()  # the converter knows columns as f0, f1, ... only
    nameless.feature_names = nameless.feature_types = None
    return onnxmltools.convert_xgboost(nameless, initial_types=initial, target_opset=_OPSET)
