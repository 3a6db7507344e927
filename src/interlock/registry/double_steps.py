"""What sklearn-onnx needs to compute the steps before a tree in double precision.

Called by `compile`. scikit-learn scales and imputes in double and casts to float in the tree. A twin that scales in
float sends rows that lie exactly on a threshold, which rounded data have many of, to the other side.
"""

from typing import Any

import numpy as np

from interlock.runtimes.frameworks import framework


def with_float_last(pipeline: Any) -> Any:
    """The same fitted pipeline with a cast to float before its last step, as trees do it themselves."""
    cast = framework("skl2onnx.sklapi", "sklearn").CastTransformer(dtype=np.float32)
    *before, last = pipeline.steps
    return type(pipeline)([*before, ("interlock_cast", cast.fit(np.zeros((1, 1)))), last])


def converters() -> dict[str, Any]:
    """Arguments for the converter: its own imputer exists in float only."""
    imputer = framework("sklearn.impute", "sklearn").SimpleImputer
    return {
        "custom_conversion_functions": {imputer: _convert_imputer},
        "custom_shape_calculators": {imputer: _imputer_shape},
    }


def _imputer_shape(operator: Any) -> None:
    types = framework("skl2onnx.common.data_types", "sklearn")
    operator.outputs[0].type = types.DoubleTensorType([None, len(operator.raw_operator.statistics_)])


def _convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    """Put the learnt statistic where a value is nan."""
    algebra = framework("skl2onnx.algebra.onnx_ops", "sklearn")
    imputer = operator.raw_operator
    statistics = np.asarray(imputer.statistics_)
    plain = statistics.dtype.kind == "f" and np.isfinite(statistics).all() and not imputer.add_indicator
    if not plain or imputer.missing_values == imputer.missing_values:  # only nan differs from itself
        raise NotImplementedError("an imputer of texts, of other values than nan, or with indicators")
    opset = container.target_opset
    given = operator.inputs[0]
    filled = algebra.OnnxWhere(
        algebra.OnnxIsNaN(given, op_version=opset),
        statistics.reshape(1, -1).astype(np.float64),
        given,
        op_version=opset,
        output_names=operator.outputs[:1],
    )
    filled.add_to(scope, container)
