"""What was measured in a run of the demo, as one JSON document and as tables.

Every figure comes from the running product's own answers, or from what the callers counted. Nothing is written in
advance.
"""

from collections.abc import Iterable
from typing import Any

from interlock.client.client import Client
from interlock.demo.narrator import Narrator
from interlock.demo.replay import Counts


def gather(client: Client, endpoint: str, counts: Counts, releases: Iterable[str], seconds: float) -> dict[str, Any]:
    """Ask the product what happened.

    Args:
        releases: Ids of the releases, in order.
        seconds: Length of the whole run.

    Returns:
        The document of `interlock demo --once --json`.
    """
    return {
        "requests": counts.requests,
        "caller_failures": counts.failures,
        "fallbacks": counts.fallbacks,
        "labels": counts.labels,
        "releases": [client.release(release) for release in releases],
        "drift": client.drift_by_month(endpoint),
        "quality": client.quality_by_month(endpoint),
        "log": client.reconciliation()[endpoint],
        "seconds": round(seconds, 1),
    }


def tell(narrator: Narrator, summary: dict[str, Any]) -> None:
    """Show the document to a person."""
    narrator.chapter("What was measured")
    narrator.table("Releases", [_release(release) for release in summary["releases"]])
    narrator.table("Quality, from labels that came after landing", _quality(summary["quality"]))
    narrator.table("What drifted (severity, 0 to 1)", _drift(summary["drift"]))
    if summary["loop"] is not None:
        for sentence in loop_in_words(summary["loop"]):
            narrator.say(sentence)
    log = summary["log"]
    narrator.say(
        f"{summary['requests']:,} requests, {summary['caller_failures']} of them without an answer; "
        f"{summary['labels']:,} labels; {summary['seconds']:.0f} seconds."
    )
    narrator.say(
        f"Log: {log['acknowledged']:,} rows acknowledged = {log['logged']:,} logged + {log['waiting']:,} waiting "
        f"+ {log['quarantined']:,} quarantined + {log['unrecorded']:,} unrecorded."
    )


def month_in_words(month: str, quality: list[dict[str, Any]], drift: list[dict[str, Any]]) -> str:
    """How one month was: the quality of the version that answered most, and what drifted.

    Examples:
        >>> quality = [{"version": "m:1", "month": "2013-05", "metric": "roc_auc", "value": 0.656, "labels": 11131}]
        >>> drift = [{"month": "2013-05", "column": "temp", "severity": 0.85, "drifted": True}]
        >>> month_in_words("2013-05", quality, drift)
        '2013-05 in review: m:1 had an AUC of 0.656 on 11,131 labels; drifted: temp 0.85'
    """
    found = [
        row for row in quality if row["month"] == month and row["metric"] == "roc_auc" and row["value"] is not None
    ]
    if not found:
        return f"{month} in review: no labels yet"
    best = max(found, key=lambda row: int(row["labels"]))
    drifted = [line["drifted"] for line in _drift([row for row in drift if row["month"] == month]) if line["drifted"]]
    return (
        f"{month} in review: {best['version']} had an AUC of {best['value']:.3f} on {best['labels']:,} labels; "
        f"drifted: {drifted[0] if drifted else 'nothing'}"
    )


def loop_in_words(loop: dict[str, Any]) -> list[str]:
    """What the last chapter came to, as far as it did.

    Examples:
        >>> quality = {"before": 0.87, "lowest": 0.47, "changed": 0.63, "after": 0.84}
        >>> days = {"alert": 8.0, "retrained": 8.0, "promoted": 17.0, "recovered": None}
        >>> loop_in_words({"quality": quality, "days_after_change": days, "missed": "", "acts_by_people": 0})
        ... # doctest: +NORMALIZE_WHITESPACE
        ['Accuracy: 0.870 before the change, 0.470 on the worst day, 0.630 until the promotion, 0.840 after.',
         'Days after the change: alert 8, retrained 8, promoted 17, recovered never. Acts of people: 0.']
    """
    quality, days = loop["quality"], loop["days_after_change"]
    until = "until the promotion" if days["promoted"] is not None else "until the end"
    after = "" if quality["after"] is None else f", {quality['after']:.3f} after"
    told = ", ".join(f"{name} {'never' if day is None else f'{day:g}'}" for name, day in days.items())
    acts = "" if loop["acts_by_people"] is None else f" Acts of people: {loop['acts_by_people']}."
    found = [
        f"Accuracy: {_share(quality['before'])} before the change, {_share(quality['lowest'])} on the worst day, "
        f"{_share(quality['changed'])} {until}{after}.",
        f"Days after the change: {told}.{acts}",
    ]
    return [*found, loop["missed"]] if loop["missed"] else found


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _release(release: dict[str, Any]) -> dict[str, Any]:
    decision = release["decision"] or {"reason": "no decision: the data ended before the evidence sufficed"}
    return {
        "candidate": release["candidate"],
        "against": release["champion"],
        "state": release["state"].replace("_", " "),
        "decision": decision["reason"],
    }


def _quality(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line per month and version, its metrics beside each other."""
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["month"], row["version"])):
        line = lines.setdefault((row["month"], row["version"]), {"month": row["month"], "version": row["version"]})
        line["labels"] = f"{row['labels']:,}"
        if row["metric"] in ("roc_auc", "brier"):
            line[row["metric"]] = None if row["value"] is None else f"{row['value']:.3f}"
    return list(lines.values())


def _drift(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line per month: what drifted most."""
    months: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        months.setdefault(row["month"], []).extend([row] if row["drifted"] else [])
    return [
        {
            "month": month,
            "drifted": ", ".join(
                f"{row['column']} {row['severity']:.2f}"
                for row in sorted(drifted, key=lambda row: -row["severity"])[:5]
            ),
        }
        for month, drifted in sorted(months.items())
    ]
