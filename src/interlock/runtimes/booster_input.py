"""The matrix that a native booster is fed with: numbers as they are, categories by their place in the model's list.

Called by `xgboost` and `lightgbm`, whose files hold the categories that they were trained with.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import UnloadableModelError
from interlock.domain.ports import Columns


class BoosterInput:
    """Columns to a float64 matrix in the model's order.

    Args:
        names: The model's columns; empty: it knows none, and the contract's order counts.
        categories: Categories of each categorical column that the file tells of.
        contract: What the columns hold.
        unseen_is_missing: Whether the framework takes an unseen category for a missing value; else it is refused.

    Raises:
        UnloadableModelError: The contract has times, or text where the model knows no categories.
    """

    def __init__(
        self,
        names: Sequence[str],
        categories: Mapping[str, Sequence[Any]],
        contract: Contract,
        *,
        unseen_is_missing: bool,
    ) -> None:
        inputs = [field.name for field in contract.inputs]
        self._names = list(names) if set(names) == set(inputs) else inputs
        self._codes = {name: _codes(values) for name, values in categories.items()}
        self._unseen_is_missing = unseen_is_missing
        self._is_vector = len(contract.inputs) == 1 and bool(contract.inputs[0].shape)
        times = [field.name for field in contract.inputs if field.time is not None]
        if times:
            raise UnloadableModelError(
                f"column(s) {', '.join(times)} hold dates or times, and boosters take numbers; give numbers, or "
                "wrap the model in a Python class"
            )
        texts = [field.name for field in contract.inputs if field.datatype == "BYTES" and field.name not in self._codes]
        if texts:
            raise UnloadableModelError(
                f"column(s) {', '.join(texts)} hold text, and the file names no categories for them; train on a pandas "
                "category column, or encode the text before"
            )

    def __call__(self, columns: Columns) -> NDArray[np.float64]:
        if self._is_vector:
            return np.asarray(columns[self._names[0]], dtype=np.float64)
        return np.column_stack([self._numbers(name, columns[name]) for name in self._names])

    def _numbers(self, name: str, values: NDArray[Any]) -> NDArray[np.float64]:
        codes = self._codes.get(name)
        if codes is None:
            return np.asarray(values, dtype=np.float64)
        given = values.tolist()
        if not self._unseen_is_missing:
            unseen = next((one for one in given if not _is_missing(one) and one not in codes), None)
            if unseen is not None:
                raise ValueError(f"{name} == {unseen!r}, a category that the model was not trained with")
        return np.array([codes.get(one, np.nan) for one in given], dtype=np.float64)


def _codes(values: Sequence[Any]) -> dict[Any, float]:
    return {value: float(code) for code, value in enumerate(values)}


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 (nan)
