"""Several answers to one case become one label, or none yet. Called by `annotations`.

    no answer ──a──► too few ──b──► resolved
                        │  └────c──► contested ──b──► resolved

a: somebody answers; b: answers are enough, and the rule names one label; c: they are enough, and it names none (a tie,
or by `unanimous` any other view). More answers may resolve what is contested, and change what was resolved: the ledger
keeps all labels, and the last one counts.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any, Literal, NamedTuple

from interlock.domain.annotation import Answer, Rule
from interlock.predictions.feedback_rows import text_of

State = Literal["too_few", "contested", "resolved"]


class Resolution(NamedTuple):
    """The state of a case, and its label once it is resolved."""

    state: State
    label: Any = None


def resolve(answers: Sequence[Answer], *, rule: Rule, fewest: int, is_classes: bool) -> Resolution:
    """Find what stands.

    Args:
        answers: To one case, one of each annotator.
        rule: `majority`: what more people say than anything else. `unanimous`: what all say.
        fewest: Answers that are needed before anything stands.
        is_classes: Numbers have no majority: their median stands.

    Examples:
        >>> from datetime import UTC, datetime
        >>> said = [Answer(prediction_id="p", annotator=name, label=label, at=datetime(2026, 1, 1, tzinfo=UTC))
        ...     for name, label in (("ann", "late"), ("ben", "late"), ("cem", "on time"))]
        >>> resolve(said, rule="majority", fewest=2, is_classes=True).label
        'late'
        >>> resolve(said, rule="unanimous", fewest=2, is_classes=True).state
        'contested'
    """
    if len(answers) < max(1, fewest):
        return Resolution("too_few")
    if not is_classes:
        return Resolution("resolved", float(median(each.label for each in answers)))
    votes = Counter(text_of(each.label) for each in answers).most_common()
    is_clear = len(votes) == 1 or (rule == "majority" and votes[0][1] > votes[1][1])
    if not is_clear:
        return Resolution("contested")
    return Resolution("resolved", next(each.label for each in answers if text_of(each.label) == votes[0][0]))
