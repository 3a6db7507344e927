"""Online detectors of concept drift from River (extra `online`), by name. Called by `concept_drift`.

They are the field's own, with River's defaults. None of them is calibrated to a false-alarm budget:
`docs/concept-drift.md` has what they cost under no drift at all. `dummy` alarms at random, and is what the others must
beat.
"""

from collections.abc import Callable
from typing import Any, Protocol

from interlock.domain.endpoint import Detector
from interlock.domain.errors import InvalidInputError

MOST_ERRORS: dict[Detector, int] = {
    "adwin": 20_000, "page_hinkley": 20_000, "ddm": 20_000, "dummy": 20_000,
    "kswin": 1_000,  # a test of Kolmogorov and Smirnov at every row: 0.6 ms each
}  # fmt: skip
"""Of a stream, as many errors as a detector is given."""

NEEDS_MISTAKES: frozenset[Detector] = frozenset({"ddm"})
"""Those whose theory is of right and wrong only."""


class OnlineDetector(Protocol):
    """What River's detectors have in common."""

    def update(self, x: float) -> Any:
        """Take in the next error."""

    @property
    def drift_detected(self) -> bool:
        """Whether it alarms at this error."""


def make(name: Detector, seed: int) -> OnlineDetector:
    """A detector that has seen nothing yet.

    Args:
        name: Which.
        seed: Of those that draw at random.

    Raises:
        InvalidInputError: River is not installed.
    """
    try:
        from river import drift
        from river.drift import binary
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            "detectors of concept drift need the extra online; pip install 'interlock[online]'"
        ) from error
    kinds: dict[Detector, Callable[[], OnlineDetector]] = {
        "adwin": drift.ADWIN,
        "page_hinkley": lambda: drift.PageHinkley(mode="up"),
        "kswin": lambda: drift.KSWIN(seed=seed),
        "ddm": binary.DDM,
        "dummy": lambda: drift.DummyDriftDetector(trigger_method="random", t_0=2000, w=500, seed=seed),
    }
    return kinds[name]()
