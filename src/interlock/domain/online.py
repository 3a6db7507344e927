"""What an endpoint's owner says of online learning: which model learns, from which labels, and where snapshots go.

A plain value, so that it can stand in a file of its own or as a section of a larger one.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal

import msgspec

from interlock.domain.errors import InvalidInputError
from interlock.domain.names import split_ref

Begin = Literal["now", "beginning"]


class LabelBounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Labels that may teach. What is beyond is skipped, counted, and never learnt from later.

    Args:
        sources: Who may have said it.
        lowest, highest: Of labels that are numbers, both included. None: any.
        most_per_minute: Labels accepted in one minute of the clock; the first so many teach. None: any number.
    """

    sources: tuple[str, ...] = ("natural", "batch", "human", "annotator")
    lowest: float | None = None
    highest: float | None = None
    most_per_minute: int | None = None


class OnlineLearning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One endpoint's declaration.

    Args:
        model: `name:version` that learning begins with. None: the champion.
        serve: Whether a snapshot that passes the guard becomes the champion. Otherwise it is registered only: a shadow
            learner.
        every_labels: A snapshot is due when so many labels were learnt since the last one,
        every_seconds: or so long after it, if any label was learnt.
        margin: Share of the last good snapshot's loss that a snapshot may lose. It is published when it surely loses
            less, and given up when it surely loses more.
        bounds: Labels that may teach.
        begin: With labels that come from now on, or with the first label in the log.
    """

    model: str | None = None
    serve: bool = False
    every_labels: int = 1000
    every_seconds: float = 600.0
    margin: float = 0.05
    bounds: LabelBounds = LabelBounds()
    begin: Begin = "now"


def parse(document: Mapping[str, Any]) -> OnlineLearning:
    """Read a declaration out of what YAML or JSON gave.

    Raises:
        InvalidInputError: It breaks rules; all faults at once.

    Examples:
        >>> parse({"serve": True, "every_labels": 500}).every_labels
        500
    """
    try:
        found = msgspec.convert(dict(document), OnlineLearning)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"online_learning: {error}") from error
    if faults := faults_of(found):
        raise InvalidInputError(*(f"online_learning: {fault}" for fault in faults))
    return found


def faults_of(found: OnlineLearning) -> list[str]:
    """What of a declaration breaks a rule, whoever looks at it."""
    faults = [*_model_faults(found.model), *_bound_faults(found.bounds)]
    for name, value, least in (("every_labels", found.every_labels, 1), ("every_seconds", found.every_seconds, 1)):
        if not (isfinite(value) and value >= least):
            faults.append(f"{name} == {value:g}, must be a number of at least {least}")
    if not 0 < found.margin <= 1:
        faults.append(f"margin == {found.margin:g}, must be above 0 and at most 1")
    return faults


def _model_faults(model: str | None) -> list[str]:
    try:
        if model is not None:
            split_ref(model)
    except InvalidInputError as error:
        return [f"model: {error}"]
    return []


def _bound_faults(bounds: LabelBounds) -> list[str]:
    faults = []
    if not bounds.sources:
        faults.append("bounds.sources is empty, so no label could teach; name at least one")
    if bounds.lowest is not None and bounds.highest is not None and bounds.lowest > bounds.highest:
        faults.append(f"bounds.lowest == {bounds.lowest:g}, must not be above bounds.highest == {bounds.highest:g}")
    if bounds.most_per_minute is not None and bounds.most_per_minute < 1:
        faults.append(f"bounds.most_per_minute == {bounds.most_per_minute}, must be at least 1")
    return faults
