"""How much of a window's traffic its contract refused. Called once for every window that anything came in.

What is refused reaches no model, so nothing else shows it: a caller who sends a text for a number sees errors, and the
columns that are left look as they always did.
"""

from collections import Counter
from collections.abc import Sequence

from interlock.domain.verdict import Check
from interlock.stats import failure_rate
from interlock.store.rejections import Rejection

MOST_REJECTED = 0.01
"""A share surely above one in a hundred is a breach; the same as for failures."""

_TOLD = 5


def check(rejections: Sequence[Rejection], answered: int, *, alpha: float) -> Check:
    """Judge the share of refused requests.

    Args:
        rejections: Those of the window.
        answered: Requests that passed the contract, whatever became of them.
        alpha: Probability of a false alarm that the check may spend.
    """
    refused = sum(one.requests for one in rejections if not one.rule)
    found = failure_rate.analyze(refused, refused + answered, alpha=alpha)
    reasons: Counter[tuple[str, str]] = Counter()
    for one in rejections:
        if one.rule:
            reasons[one.field, one.rule] += one.requests
    told = [{"field": name, "rule": rule, "requests": count} for (name, rule), count in reasons.most_common(_TOLD)]
    most = "; most often " + ", ".join(f"{each['field'] or 'the request'} {each['rule']}" for each in told)
    return Check(
        name="rejected",
        signal="rejected",
        version=None,
        outcome="breach" if found.lower > MOST_REJECTED else "ok",
        value=found.rate,
        expected=f"not surely above {MOST_REJECTED:g}",
        rows=refused + answered,
        details={
            "lower": found.lower,
            "upper": found.upper,
            "reasons": told,
            "reason": f"{refused} of {refused + answered} requests were refused{most if told else ''}",
        },
    )
