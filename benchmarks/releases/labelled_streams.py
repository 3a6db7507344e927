"""Rows that two versions answered, and labels as the world gives them: late, by what they say, in part, or by consent.

The versions lean to different sides and are sure of different rows, so that a selection of rows by their label or by
an answer favours one of them. What the challenger's mean loss is beside the champion's is set by its noise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field

BINARY = Contract(
    inputs=(),
    outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(0, 1),
)
LABEL_ONLY = Contract(inputs=(), outputs=(Field(name="label", datatype="INT64"),), task="binary", classes=(0, 1))

SHARE = 0.01
HOUR = 3600.0

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Answered:
    """Rows in the order of time.

    Args:
        at: Seconds since the release began.
        label: 0 or 1.
        champion, challenger: Probabilities of 1.
        by_challenger: Whether its answer reached the caller.
    """

    at: Floats
    label: NDArray[np.int64]
    champion: Floats
    challenger: Floats
    by_challenger: Bools

    @property
    def said_yes(self) -> Bools:
        """Whether the answer that reached the caller was yes."""
        return np.where(self.by_challenger, self.challenger, self.champion) >= 0.5


Delay = Callable[[np.random.Generator, Answered], Floats]
"""Seconds until the label of each row comes; infinite for never."""


def at_once(_rng: np.random.Generator, rows: Answered) -> Floats:
    """Every label comes with its row."""
    return np.zeros(len(rows.at))


def hours_late(rng: np.random.Generator, rows: Answered) -> Floats:
    """Labels come after four hours on average."""
    return rng.exponential(4 * HOUR, len(rows.at))


def by_label(_rng: np.random.Generator, rows: Answered) -> Floats:
    """A yes is known after ten minutes, a no after eight hours."""
    return np.where(rows.label == 1, HOUR / 6, 8 * HOUR)


def in_part(rng: np.random.Generator, rows: Answered) -> Floats:
    """Seven labels in ten never come, whichever."""
    return np.where(rng.random(len(rows.at)) < 0.7, np.inf, HOUR)


def by_consent(_rng: np.random.Generator, rows: Answered) -> Floats:
    """Only where the answer was yes does anybody see what became of it."""
    return np.where(rows.said_yes, HOUR, np.inf)


DELAYS: Mapping[str, Delay] = {
    "at once": at_once,
    "hours late": hours_late,
    "late by what they say": by_label,
    "70% missing at random": in_part,
    "only where the model said yes": by_consent,
}


def answer(rng: np.random.Generator, rows: int, span_seconds: float, noise: float) -> Answered:
    """Let both versions answer.

    Args:
        noise: Of the challenger's log odds, where the truth is rather no; where it is rather yes it is the better one.
    """
    truth = rng.normal(-1, 1.5, rows)
    champion, challenger = _said(truth, rng.normal(0, 1, (2, rows)), noise)
    return Answered(
        at=np.linspace(0, span_seconds, rows),
        label=(rng.random(rows) < _odds(truth)).astype(np.int64),
        champion=champion,
        challenger=challenger,
        by_challenger=rng.random(rows) < SHARE,
    )


def _said(truth: Floats, errors: Floats, noise: float) -> tuple[Floats, Floats]:
    """What both versions say: they lean to different sides, and are sure of different rows."""
    champion = truth + 0.3 + errors[0] * np.where(truth > 0, 0.9, 0.3)
    return _odds(champion), _odds(truth - 0.3 + errors[1] * np.where(truth > 0, 0.3, noise))


class Tuned:
    """Very many rows by which the challenger's noise is set.

    Args:
        zero_one: Whether losses are wrong answers instead of Brier scores.
    """

    def __init__(self, *, zero_one: bool = False) -> None:
        rng = np.random.default_rng(0)
        self._truth, self._errors = rng.normal(-1, 1.5, 1_000_000), rng.normal(0, 1, (2, 1_000_000))
        self._zero_one = zero_one

    @property
    def champion_loss(self) -> float:
        return self._losses(1.0)[0]

    def noise(self, worse: float) -> float:
        """The noise at which the challenger's mean loss is the champion's plus `worse`."""
        low, high = 0.0, 8.0
        while high - low > 1e-4:
            middle = (low + high) / 2
            champion, challenger = self._losses(middle)
            low, high = (low, middle) if challenger - champion > worse else (middle, high)
        return (low + high) / 2

    def _losses(self, noise: float) -> tuple[float, float]:
        happens = _odds(self._truth)
        losses = []
        for said in _said(self._truth, self._errors, noise):
            sure = (said >= 0.5).astype(np.float64) if self._zero_one else said
            losses.append(float((happens * (1 - sure) ** 2 + (1 - happens) * sure**2).mean()))
        return losses[0], losses[1]


def paired_table(rows: Answered, delay: Floats, now: float, usual_delay: float = np.nan) -> pa.Table:
    """Rows up to `now` as the log gives them to the quality gate, with the labels that have come."""
    here = rows.at <= now
    at, known = rows.at[here], (rows.at + delay)[here] <= now
    observed = np.where(known, (at + np.where(known, delay[here], 0)) * 1e6, 0).astype(np.int64)
    time = pa.timestamp("us", tz="UTC")
    label = rows.label[here]
    count = len(at)
    ok = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array(["ok"])).cast(pa.string())
    columns = {
        "prediction_id": pa.array(np.arange(count)).cast(pa.string()),
        "unit": pa.array(np.arange(count)).cast(pa.string()),
        "event_at": pa.array((at * 1e6).astype(np.int64), time),
        "step": pa.array(np.zeros(count, np.int32)),
        "by_challenger": pa.array(rows.by_challenger[here]),
        "champion_status": ok,
        "challenger_status": ok,
        "label": pa.array(np.where(label == 1, "1", "0"), pa.string(), mask=~known),
        "label_number": pa.array(label.astype(np.float64), mask=~known),
        "observed_at": pa.array(observed, time, mask=~known),
        "usual_delay_seconds": pa.array(np.full(count, usual_delay), mask=np.full(count, np.isnan(usual_delay))),
    }
    for side, said in (("champion", rows.champion[here]), ("challenger", rows.challenger[here])):
        columns[f"{side}.label"] = pa.array((said >= 0.5).astype(np.int64))
        flat = pa.array(np.stack((1 - said, said), axis=1).ravel())
        columns[f"{side}.probabilities"] = pa.ListArray.from_arrays(
            np.arange(0, 2 * count + 1, 2, dtype=np.int32), flat
        )
    return pa.table(columns)


def _odds(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logit)))
