"""How much a label would teach: where the version was unsure, where another one disagrees, where inputs moved.

Called by `drawing` on rows of one version. Each criterion is a number per row, 0 (it says nothing for this row) to 1.
It refuses to guess: a version without probabilities is never unsure, and one without reference never drifted.
"""

import logging
from base64 import b64decode

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.model import ModelVersion
from interlock.predictions.profiling import features
from interlock.predictions.unlabelled import OTHER
from interlock.stats import bin_growth, two_sample
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import FeatureBins, ProfileSpec

_log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

# As drift verdicts: smaller distances are no drift, and fewer rows fill no bins.
_LEAST_SEVERITY = 0.04
_FEWEST_ROWS = 50


def uncertainty(contract: Contract, rows: pa.Table) -> Floats:
    """1 less the distance between the two most probable classes: 1 is a coin toss."""
    name = "output.probabilities"
    none = np.zeros(rows.num_rows)
    if not contract.is_classifier or name not in rows.column_names or not pa.types.is_list(rows[name].type):
        return none
    lists = rows[name].combine_chunks()
    whole = pc.fill_null(pc.equal(pc.list_value_length(lists), len(contract.classes)), False)
    flat = lists.filter(whole).flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    table = np.sort(flat.reshape(-1, len(contract.classes)), axis=1)
    if table.shape[1] < 2:
        return none
    none[whole.to_numpy(zero_copy_only=False)] = np.clip(1 - (table[:, -1] - table[:, -2]), 0.0, 1.0)
    return np.nan_to_num(none)


def disagreement(contract: Contract, rows: pa.Table) -> Floats:
    """Whether another version named another class; of numbers their distance, in shares of the largest."""
    output = "label" if contract.is_classifier else "prediction"
    ours, theirs = f"output.{output}", f"{OTHER}{output}"
    if not {ours, theirs} <= set(rows.column_names):
        return np.zeros(rows.num_rows)
    if contract.is_classifier:
        differs = pc.not_equal(rows[ours].cast(pa.string()), rows[theirs].cast(pa.string()))
        return np.asarray(pc.fill_null(differs, False).to_numpy(), dtype=np.float64)
    distance = np.abs(_numbers(rows[ours]) - _numbers(rows[theirs]))
    distance = np.where(np.isfinite(distance), distance, 0.0)
    largest = float(distance.max(initial=0.0))
    return distance / largest if largest > 0 else distance


def drift(version: ModelVersion, rows: pa.Table) -> Floats:
    """How much of the bins that a row falls into is new, of the input of which most is.

    Only inputs count that have drifted as a whole, by the measure and the least size of drift verdicts. Of a reference
    that cannot be read nothing is known.
    """
    found, reference = np.zeros(rows.num_rows), _reference(version)
    if reference is None or rows.num_rows < _FEWEST_ROWS:
        return found
    columns = features(rows, reference.spec)
    for bins in reference.spec.features:
        if not bins.name.startswith("output.") and f"input.{bins.name}" in rows.column_names:
            found = np.maximum(found, _new_share(bins, reference.counts(bins.name), columns[bins.name]))
    return found


def _reference(version: ModelVersion) -> Profile | None:
    if version.profile is None:
        return None
    try:
        spec = ProfileSpec.from_dict(version.profile["spec"])
        return Profile.from_bytes(spec, b64decode(version.profile["counts"]))
    except (ValueError, KeyError, TypeError):
        _log.exception("the reference profile of %s cannot be read", version.ref)
        return None


def _new_share(bins: FeatureBins, reference: NDArray[np.int64], values: NDArray[np.generic]) -> Floats:
    numbers = bin_growth.bin_numbers(bins, values)
    current = np.bincount(numbers, minlength=bins.size)
    if reference.sum() < _FEWEST_ROWS or two_sample.analyze(reference, current).jensen_shannon < _LEAST_SEVERITY:
        return np.zeros(len(numbers))
    return bin_growth.excess(reference, current)[numbers]


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
