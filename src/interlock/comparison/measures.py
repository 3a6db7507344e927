"""Drift measures by name: which exist, for what kind of column, and what each is computed from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.errors import InvalidInputError
from interlock.stats import kolmogorov_smirnov, two_sample
from interlock.stats.evidently import jensen_shannon_evidently, psi_evidently
from interlock.stats.nannyml import hellinger_nannyml, jensen_shannon_nannyml
from interlock.stats.psi import population_stability_index
from interlock.stats.total_variation import l_infinity, total_variation
from interlock.stats.wasserstein import wasserstein_distance, wasserstein_sigma
from interlock.stats.weighted_values import WeightedValues

Counts = NDArray[np.int64]

# From counts per bin of both sides, missing values as the last bin.
_FROM_BINS: dict[str, Callable[[Any, Any], float]] = {
    "psi": population_stability_index,
    "total_variation": total_variation,
    "l_infinity": l_infinity,
    "chi2_p": lambda reference, current: two_sample.analyze(reference, current).p_value,
}

# From the known values of both sides, or from their rows per level.
_FROM_VALUES: dict[str, Callable[[Any, Any], float]] = {
    "psi_evidently": psi_evidently,
    "jensen_shannon_evidently": jensen_shannon_evidently,
    "jensen_shannon_nannyml": jensen_shannon_nannyml,
    "hellinger_nannyml": hellinger_nannyml,
}

_FROM_NUMBERS: dict[str, Callable[[WeightedValues, WeightedValues], float]] = {
    "wasserstein": wasserstein_distance,
    "wasserstein_sigma": wasserstein_sigma,
    "ks": lambda reference, current: kolmogorov_smirnov.analyze(reference, current).statistic,
    "ks_p": lambda reference, current: kolmogorov_smirnov.analyze(reference, current).p_value,
}

NAMES = (
    "psi",
    "psi_evidently",
    "jensen_shannon_evidently",
    "jensen_shannon_nannyml",
    "hellinger_nannyml",
    "wasserstein",
    "wasserstein_sigma",
    "ks",
    "ks_p",
    "chi2_p",
    "total_variation",
    "l_infinity",
)
"""Every measure, in the order in which they are shown."""

DEFAULT = ("psi", "total_variation", "l_infinity", "chi2_p")
"""Those that come from counts per bin, in one pass."""


@dataclass(frozen=True)
class Compared:
    """Both sides of one column, as measures need them.

    Args:
        bins: Rows per bin of each side, missing values last.
        values: Known values or rows per level of each side, where a measure asks for them.
    """

    bins: tuple[Counts, Counts]
    values: tuple[Any, Any] | None = None


def choose(names: Sequence[str] | str | None) -> tuple[str, ...]:
    """Which measures are meant.

    Args:
        names: Names, "all", or None for the default ones.

    Raises:
        InvalidInputError: There is no measure of a name.

    Examples:
        >>> choose(["ks", "psi"]), len(choose("all"))
        (('psi', 'ks'), 12)
    """
    if names is None:
        return DEFAULT
    asked = {names} if isinstance(names, str) else set(names)
    if asked == {"all"}:
        return NAMES
    if unknown := sorted(asked - set(NAMES)):
        raise InvalidInputError(f"measures == {', '.join(unknown)}, must be all, or some of {', '.join(NAMES)}")
    return tuple(name for name in NAMES if name in asked)


def need_values(names: Sequence[str]) -> bool:
    """Whether counts per bin are not enough."""
    return any(name not in _FROM_BINS for name in names)


def compute(names: Sequence[str], compared: Compared) -> dict[str, float | None]:
    """Measures that exist for this kind of column; None where a side has no values."""
    found: dict[str, float | None] = {}
    for name in names:
        if name in _FROM_BINS:
            found[name] = _FROM_BINS[name](*compared.bins)
            continue
        measure = _FROM_VALUES.get(name) or _FROM_NUMBERS[name]
        if compared.values is None or not all(compared.values):
            found[name] = None
        elif name in _FROM_VALUES or isinstance(compared.values[0], WeightedValues):
            found[name] = measure(*compared.values)
    return found
