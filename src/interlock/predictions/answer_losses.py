"""The loss of every answer to logged rows, from rows that stand beside their labels.

Called by the quality gate of releases, by replays, and by A/B tests with the answers that callers got. Brier score for
classifiers with probabilities, share of wrong answers for those without, absolute error for regression. It refuses to
average: who calls knows the units.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Scalar
from interlock.stats import losses

LOSS_NAMES = {"brier": "Brier score", "zero_one": "share of wrong answers", "absolute_error": "mean absolute error"}


@dataclass(frozen=True, slots=True)
class RowLosses:
    """Losses of the rows that have them; `usable` says which of all rows those are."""

    champion: NDArray[np.float64]
    challenger: NDArray[np.float64]
    usable: NDArray[np.bool_]


def loss_of(contract: Contract) -> str | None:
    """Which loss compares versions with this contract; None if its task is unknown."""
    if contract.is_classifier:
        return "brier" if any(field.name == "probabilities" for field in contract.outputs) else "zero_one"
    return "absolute_error" if contract.task == "regression" else None


def row_losses(loss: str, contract: Contract, rows: pa.Table) -> RowLosses:
    """Compute the losses of both versions.

    Args:
        loss: As of `loss_of`.
        contract: The champion's.
        rows: `label`, `label_number`, and the answers of both as `champion.<output>` and `challenger.<output>`.
    """
    champion, challenger = (losses_of(loss, contract, rows, side) for side in ("champion", "challenger"))
    usable = np.isfinite(champion) & np.isfinite(challenger)
    return RowLosses(champion[usable], challenger[usable], usable)


def losses_of(loss: str, contract: Contract, rows: pa.Table, side: str) -> NDArray[np.float64]:
    """Compute the losses of the answers in `<side>.<output>`.

    Returns:
        One a row; nan where there is no label of the contract, or no answer that fits it.
    """
    found = np.full(rows.num_rows, np.nan)
    if loss == "absolute_error":
        target, answered = (rows[name].to_numpy().astype(np.float64) for name in ("label_number", f"{side}.prediction"))
        usable = np.isfinite(target) & np.isfinite(answered)
        found[usable] = losses.absolute_error(target[usable], answered[usable])
        return found
    happened = class_indices(contract, rows["label"])
    usable = happened >= 0
    if loss == "brier":
        table = matrix(rows[f"{side}.probabilities"], len(contract.classes))
        usable &= np.isfinite(table).all(axis=1)
        found[usable] = losses.brier(happened[usable], table[usable])
        return found
    said = class_indices(contract, rows[f"{side}.label"].cast(pa.string()))
    found[usable] = losses.zero_one(happened[usable], said[usable])
    return found


def class_indices(contract: Contract, labels: pa.ChunkedArray) -> NDArray[np.int64]:
    """Index of each label (as text) among the contract's classes, -1 for what is none of them."""
    spelled = {spelling: index for index, name in enumerate(contract.classes) for spelling in _spellings(name)}
    encoded = labels.combine_chunks().dictionary_encode()
    known = np.array([spelled.get(str(text), -1) for text in encoded.dictionary.to_pylist()], dtype=np.int64)
    indices = encoded.indices.fill_null(-1).to_numpy()
    return np.where(indices < 0, -1, known[indices]) if len(known) else np.full(len(indices), -1, dtype=np.int64)


def matrix(values: pa.ChunkedArray, classes: int) -> NDArray[np.float64]:
    """One row of probabilities each; nan where a row has none or the wrong number."""
    lists = values.combine_chunks()
    found = np.full((len(lists), classes), np.nan)
    fits = pc.fill_null(pc.equal(pc.list_value_length(lists), classes), False)
    flat = lists.filter(fits).flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    found[fits.to_numpy(zero_copy_only=False)] = flat.reshape(-1, classes)
    return found


def _spellings(name: Scalar) -> set[str]:
    """How a class may be written: JSON, Python or SQL; 1, 1.0 and true are one class where classes are numbers."""
    spellings = {str(name)}
    if isinstance(name, bool | int | float):
        spellings |= {str(float(name)), f"{float(name):g}"}
        if name in (0, 1):
            spellings |= {"true", "True"} if name else {"false", "False"}
    return spellings
