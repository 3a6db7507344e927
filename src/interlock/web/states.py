"""State in words, with the kind that gives it its shape and colour. Never a colour alone.

`ok` is good news, `watch` asks for a look, `breach` for an act, `unknown` says that nothing can be said yet.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from interlock.domain.alert import Alert, Severity, Symptom
from interlock.domain.application_gates import Outcome
from interlock.domain.release import Gate
from interlock.domain.verdict import Check, CheckOutcome, Signal, Verdict

Kind = Literal["ok", "watch", "breach", "unknown"]


class State(NamedTuple):
    """A kind, and the word that says it."""

    kind: Kind
    word: str


_RELEASES: dict[str, State] = {
    "draft": State("unknown", "loading"),
    "testing": State("unknown", "being tested"),
    "awaiting_approval": State("watch", "awaiting approval"),
    "running": State("ok", "running"),
    "paused": State("watch", "paused"),
    "inconclusive": State("unknown", "inconclusive"),
    "promoted": State("ok", "promoted"),
    "rolled_back": State("breach", "rolled back"),
    "rejected": State("breach", "rejected"),
    "cancelled": State("unknown", "cancelled"),
}
_CHECKS: dict[CheckOutcome, State] = {
    "ok": State("ok", "fine"),
    "breach": State("breach", "breach"),
    "no_data": State("unknown", "not enough data"),
    "error": State("watch", "check broke"),
}
# Worse service reaches callers now; inputs that changed are a reason to look.
_BREACHES: dict[Signal, Kind] = {
    "service": "breach",
    "rejected": "breach",
    "quality": "breach",
    "estimate": "watch",
    "input": "watch",
    "output": "watch",
    "concept": "watch",
}
_SIGNALS: dict[Signal, str] = {
    "service": "service",
    "rejected": "refused requests",
    "input": "inputs",
    "output": "outputs",
    "quality": "quality",
    "estimate": "estimated quality",
    "concept": "concept drift",
}


_SEVERITIES: dict[Severity, Kind] = {"critical": "breach", "warning": "watch", "info": "unknown"}


def release(state: str) -> State:
    """Of a release."""
    return _RELEASES[state]


def check(one: Check) -> State:
    """Of one check."""
    return said(one.signal, one.outcome)


def said(signal: Signal, outcome: CheckOutcome) -> State:
    """Of what a check of a signal said."""
    if outcome == "no_data" and signal == "estimate":
        return State("unknown", "no verdict")
    if outcome != "breach":
        return _CHECKS[outcome]
    word = {
        "input": "changed",
        "output": "changed",
        "quality": "low",
        "estimate": "low",
        "rejected": "refused",
        "concept": "errors rise",
    }.get(signal, "breach")
    return State(_BREACHES[signal], word)


def gate(one: Gate) -> State:
    """Of one gate of a release."""
    if one.outcome == "ok":
        return State("ok", "surely not worse") if one.non_inferior else State("ok", "no harm seen")
    return {
        "breach": State("breach", "harm"),
        "not_enough_data": State("unknown", "not enough data yet"),
        "not_comparable": State("unknown", "not comparable"),
        "error": State("watch", "gate broke"),
    }[one.outcome]


def application(outcome: Outcome) -> State:
    """Of one gate of an application test."""
    return {
        "ok": State("ok", "fine"),
        "breach": State("breach", "breach"),
        "not_enough_data": State("unknown", "not enough data"),
        "error": State("watch", "gate broke"),
    }[outcome]


def alert(one: Alert) -> State:
    """Of an incident."""
    if one.state == "resolved":
        return State("ok", "over")
    if one.state == "acknowledged":
        return State("watch", "acknowledged")
    return State(_SEVERITIES[one.severity], one.severity)


def symptom(one: Symptom) -> State:
    """Of a part of an incident."""
    return State("ok", "over") if one.over_at else State(_SEVERITIES[one.severity], one.severity)


def signal(name: Signal, verdicts: Sequence[Verdict]) -> State:
    """Of one signal (`quality`, `input`, ...) of an endpoint, from the newest verdicts."""
    checks = [one.check for one in verdicts if one.check.signal == name]
    broken = [one for one in checks if one.outcome == "breach"]
    if broken:
        return State(_BREACHES[name], _breach_word(name, broken))
    if any(one.outcome == "error" for one in checks):
        return State("watch", f"{_SIGNALS[name]}: a check broke")
    if any(one.outcome == "ok" for one in checks):
        return State(
            "ok", {"input": "as in training", "output": "as in training", "estimate": "likely fine"}.get(name, "fine")
        )
    return State("unknown", "not enough data" if checks else "not judged yet")


def quality(verdicts: Sequence[Verdict]) -> State:
    """Of an endpoint's quality: what labels say, or before they come what scores say."""
    by_labels, by_scores = signal("quality", verdicts), signal("estimate", verdicts)
    return by_labels if by_labels.kind != "unknown" or by_scores.kind == "unknown" else by_scores


def endpoint(verdicts: Sequence[Verdict]) -> State:
    """Of an endpoint as a whole: its worst signal."""
    found = [signal(name, verdicts) for name in _BREACHES]
    for kind in ("breach", "watch"):
        for state in found:
            if state.kind == kind:
                return state
    if any(state.kind == "ok" for state in found):
        return State("ok", "fine")
    return State("unknown", "not enough data" if verdicts else "not judged yet")


def _breach_word(name: Signal, broken: Sequence[Check]) -> str:
    if name == "quality":
        return "quality low"
    if name == "estimate":
        return "quality likely low"
    if name == "rejected":
        return "requests refused"
    if name == "concept":
        return "errors rise"
    if name in ("input", "output"):
        columns = list(dict.fromkeys(one.name.removeprefix("drift.") for one in broken))
        return f"{columns[0]} changed" if len(columns) == 1 else f"{len(columns)} {_SIGNALS[name]} changed"
    return "slow" if all(one.name.startswith("latency") for one in broken) else "failing"


def headline(by_endpoint: Iterable[tuple[str, State]], *, is_served: bool) -> str:
    """The first line of the overview.

    Args:
        is_served: Whether any gateway lives: without one, what verdicts say of yesterday is no comfort.
    """
    found = list(by_endpoint)
    if not is_served:
        return "No gateway answers"
    acts = [name for name, state in found if state.kind == "breach"]
    looks = [name for name, state in found if state.kind == "watch"]
    if acts:
        return f"{acts[0]} needs you" if len(acts) == 1 else f"{len(acts)} endpoints need you"
    if looks:
        return f"{looks[0]} is worth a look" if len(looks) == 1 else f"{len(looks)} endpoints are worth a look"
    if any(state.kind == "ok" for _, state in found):
        return "Nothing needs you"
    return "Nothing has been judged yet"
