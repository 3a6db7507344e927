"""What was measured of how fast a model grows old on its endpoint, and how often to retrain because of it."""

from datetime import datetime
from typing import Literal

import msgspec

AdviceState = Literal["running", "done", "failed"]


class AgeLoss(msgspec.Struct, frozen=True, kw_only=True):
    """How much worse models of this age were than the freshest one on the same rows.

    Args:
        days: Older than the freshest.
        excess: Mean difference of the loss.
        comparisons: Of how many models and stretches of time.
    """

    days: float
    excess: float
    comparisons: int


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """What retraining so often would cost and bring.

    Args:
        days: Between two runs.
        excess, lower, upper: Loss above that of a model that is always fresh, on average between two runs, and bounds.
        gain: Loss saved against one model for all the time that the log covers.
        machine_share: Part of the time that a run takes.
        why_not: Why it cannot be proposed; empty if it can.
    """

    days: float
    excess: float
    lower: float
    upper: float
    gain: float
    machine_share: float
    why_not: str = ""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The value for `triggers`, in hours, and what it could as well be, as sure as the measurement is."""

    every_hours: float
    shortest_hours: float
    longest_hours: float


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What the log showed.

    Args:
        rows: Labelled rows that were read.
        loss: Its name.
        fresh_loss: Mean loss of the freshest model of each stretch.
        per_day, lower, upper: Growth of the loss a day of age, and one-sided bounds at 95 %; None where there are none.
        models, stretches: What was compared: models taught up to different days, and stretches of time they answered.
        span_days: The oldest age that was seen.
        run_seconds: Of one run: the median of past ones, or of the trainings here.
        runs_known: Past runs that this is from; 0: from the trainings here.
        label_delay_days: By then nine in ten labels have come.
    """

    rows: int
    loss: str
    fresh_loss: float
    per_day: float
    lower: float | None
    upper: float | None
    models: int
    stretches: int
    span_days: float
    run_seconds: float
    runs_known: int
    label_delay_days: float


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """One asking for advice, the newest of its endpoint."""

    endpoint: str
    state: AdviceState
    created_at: datetime
    created_by: str
    tolerated: float
    starts: int
    ended_at: datetime | None = None
    progress: float = 0.0
    told: str = ""
    error: str = ""
    measured: Measured | None = None
    ages: tuple[AgeLoss, ...] = ()
    intervals: tuple[Interval, ...] = ()
    proposal: Proposal | None = None
    reason: str = ""
