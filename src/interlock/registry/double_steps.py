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
