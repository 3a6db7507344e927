"""Missing values in scikit-learn's pipelines as ONNX: what sklearn-onnx's own converters leave out.

Called by `compile`. Its imputer knows numbers in single precision only, no texts and no indicators; its ordinal encoder
gives a missing text the code of some category. What is not handled here is left to the original converters.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.runtimes.frameworks import framework

MISSING_TEXT = "\ue000missing"
"""Stands for a missing text in graphs that impute or encode it: private-use characters, no one's category."""

_ML = "ai.onnx.ml"


def converters() -> dict[str, Any]:
    """Arguments for the converter."""
    imputer, encoder = _classes()
    return {
        "custom_conversion_functions": {imputer: _convert_imputer, encoder: _convert_encoder},
        "custom_shape_calculators": {imputer: _imputer_shape, encoder: _encoder_shape},
    }


def marks_missing_texts(part: Any) -> bool:
    """Whether a step would be converted so that it looks for `MISSING_TEXT`."""
    return isinstance(part, _classes())


def _classes() -> tuple[type, type]:
    imputer: type = framework("sklearn.impute", "sklearn").SimpleImputer
    encoder: type = framework("sklearn.preprocessing", "sklearn").OrdinalEncoder
    return imputer, encoder


# Imputers


def _is_ours(operator: Any) -> bool:
    """An imputer of nan (or None, in texts) that keeps every column, of inputs that are not of whole numbers."""
    types = framework("skl2onnx.common.data_types", "sklearn")
    imputer = operator.raw_operator
    marks = imputer.missing_values
    looks_for_none = marks is None or marks != marks  # noqa: PLR0124 (nan)
    tensors = (types.StringTensorType, types.DoubleTensorType, types.FloatTensorType)
    kinds = {type(given.type) for given in operator.inputs}
    return looks_for_none and len(kinds) == 1 and kinds <= set(tensors) and not _lacks_statistic(imputer)


def _lacks_statistic(imputer: Any) -> bool:
    return any(one is None or one != one for one in np.asarray(imputer.statistics_).tolist())  # noqa: PLR0124 (nan)


def _imputer_shape(operator: Any) -> None:
    if not _is_ours(operator):
        original = framework("skl2onnx.shape_calculators.imputer", "sklearn")
        original.calculate_sklearn_imputer_output_shapes(operator)
        return
    given = operator.inputs[0].type
    width = len(operator.raw_operator.statistics_) + len(_indicated(operator.raw_operator))
    operator.outputs[0].type = type(given)([None, width])


def _indicated(imputer: Any) -> NDArray[np.int64]:
    """Columns of whose missing values the imputer adds a column."""
    if not imputer.add_indicator:
        return np.empty(0, dtype=np.int64)
    return np.asarray(imputer.indicator_.features_, dtype=np.int64)


def _convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    """Put the learnt statistic where a value is missing, and beside it whether it was."""
    if not _is_ours(operator):
        framework("skl2onnx.operator_converters.imputer_op", "sklearn").convert_sklearn_imputer(
            scope, operator, container
        )
        return
    writer = _Writer(scope, container)
    given, imputer = writer.joined(operator.inputs), operator.raw_operator
    statistics = np.asarray(imputer.statistics_)
    if statistics.dtype == object or statistics.dtype.kind in "US":
        _convert_text_imputer(writer, operator, given, statistics)
        return
    is_double = isinstance(operator.inputs[0].type, framework("skl2onnx.common.data_types", "sklearn").DoubleTensorType)
    dtype = np.float64 if is_double else np.float32
    missing = writer.node("IsNaN", [given])
    filled = writer.node("Where", [missing, writer.constant(statistics.astype(dtype).reshape(1, -1)), given])
    columns = _indicated(imputer)
    if len(columns):
        chosen = writer.node("Gather", [missing, writer.constant(columns)], axis=1)
        numbers = writer.node("Cast", [chosen], to=writer.type_of(dtype))
        filled = writer.node("Concat", [filled, numbers], axis=1)
    writer.node("Identity", [filled], operator.outputs[0].full_name)


def _convert_text_imputer(writer: "_Writer", operator: Any, given: str, statistics: NDArray[Any]) -> None:
    if len(_indicated(operator.raw_operator)):
        raise NotImplementedError("an imputer of texts that adds indicators")
    mark = writer.node(
        "LabelEncoder", [given], domain=_ML, keys_strings=[MISSING_TEXT], values_int64s=[1], default_int64=0
    )
    missing = writer.node("Cast", [mark], to=writer.type_of(np.bool_))
    texts = writer.constant(statistics.astype(str).astype(object).reshape(1, -1))
    writer.node("Where", [missing, texts, given], operator.outputs[0].full_name)


# Ordinal encoders


def _encodes_texts(operator: Any) -> bool:
    types = framework("skl2onnx.common.data_types", "sklearn")
    encoder = operator.raw_operator
    are_texts = all(isinstance(given.type, types.StringTensorType) for given in operator.inputs)
    knows_unknown = encoder.handle_unknown == "use_encoded_value"
    return are_texts and knows_unknown and not getattr(encoder, "_infrequent_enabled", False)


def _encoder_shape(operator: Any) -> None:
    if not _encodes_texts(operator):
        original = framework("skl2onnx.shape_calculators.ordinal_encoder", "sklearn")
        original.calculate_sklearn_ordinal_encoder_output_shapes(operator)
        return
    types = framework("skl2onnx.common.data_types", "sklearn")
    operator.outputs[0].type = types.FloatTensorType([None, len(operator.raw_operator.categories_)])


def _convert_encoder(scope: Any, operator: Any, container: Any) -> None:
    """Give each text its code, a missing one the code for that, and any other the one of what is not known."""
    if not _encodes_texts(operator):
        original = framework("skl2onnx.operator_converters.ordinal_encoder", "sklearn")
        original.convert_sklearn_ordinal_encoder(scope, operator, container)
        return
    writer = _Writer(scope, container)
    encoder, given = operator.raw_operator, writer.joined(operator.inputs)
    columns = []
    for at, categories in enumerate(encoder.categories_):
        keys, values = _codes(categories, encoder.encoded_missing_value)
        column = writer.node("ArrayFeatureExtractor", [given, writer.constant(np.array([at]))], domain=_ML)
        unknown = float(encoder.unknown_value)
        columns.append(
            writer.node(
                "LabelEncoder", [column], domain=_ML, keys_strings=keys, values_floats=values, default_float=unknown
            )
        )
    writer.node("Concat", columns, operator.outputs[0].full_name, axis=1)


def _codes(categories: NDArray[Any], missing_code: float) -> tuple[list[str], list[float]]:
    keys, values = [], []
    for code, category in enumerate(categories.tolist()):
        is_nan = category != category  # noqa: PLR0124 (nan)
        keys.append(MISSING_TEXT if is_nan or category is None else str(category))
        values.append(float(missing_code) if is_nan else float(code))  # None is a category like others
    return keys, values


class _Writer:
    """Adds nodes and constants under names of their own."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container
        self._onnx = framework("onnx", "sklearn")

    def node(self, kind: str, inputs: list[str], output: str = "", *, domain: str = "", **attributes: Any) -> str:
        output = output or self._scope.get_unique_variable_name(f"interlock_{kind}")
        version = 2 if domain == _ML and kind == "LabelEncoder" else 1 if domain == _ML else None
        name = self._scope.get_unique_operator_name(kind)
        self._container.add_node(kind, inputs, output, op_domain=domain, op_version=version, name=name, **attributes)
        return output

    def joined(self, inputs: list[Any]) -> str:
        """Variables side by side."""
        names = [given.full_name for given in inputs]
        return names[0] if len(names) == 1 else self.node("Concat", names, axis=1)

    def constant(self, values: NDArray[Any]) -> str:
        name: str = self._scope.get_unique_variable_name("interlock_constant")
        kind = self._onnx.TensorProto.STRING if values.dtype == object else self.type_of(values.dtype)
        flat = [text.encode() for text in values.reshape(-1)] if values.dtype == object else values.reshape(-1).tolist()
        self._container.add_initializer(name, kind, list(values.shape), flat)
        return name

    def type_of(self, dtype: Any) -> int:
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
