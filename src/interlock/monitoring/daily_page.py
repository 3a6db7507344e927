"""A daily report as one HTML document: for a mail, a file, a printer.

Mail programs show no scripts, no SVG and no style sheets, so pictures are tables whose cells have colours and heights.
Every name and value is escaped.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

from interlock.monitoring.daily_report import DailyReport, DayQuality
from interlock.monitoring.daily_text import title
from interlock.monitoring.plain_html import CARD, NONE, SOFT, card, checks, document, state, table

_BAR_HEIGHT = 80


def page(report: DailyReport) -> str:
    """Draw a report.

    Returns:
        A whole HTML document.
    """
    parts = (
        _facts(report), _traffic(report), *(_quality(each) for each in report.quality), checks(report.checks),
        _listed("Incidents", report.incidents, ("id", "severity", "state", "title"), "none that day"),
        _listed("Releases", report.releases, ("id", "candidate", "strategy", "state", "reason"), "none under way"),
    )  # fmt: skip
    return document(
        title(report),
        f"{escape(report.endpoint)}, {report.date} {state(report.status)}",
        parts,
        "A day of event time in UTC, from the labels there are now.",
    )


def _facts(report: DailyReport) -> str:
    facts = (
        (f"{report.requests:,}", "requests"), (f"{report.rows:,}", "rows"), (f"{report.failures:,}", "failed"),
        (f"{report.refused:,}", "refused"), (f"{sum(each.labels for each in report.quality):,}", "labels"),
    )  # fmt: skip
    cells = "".join(
        f'<td style="padding-right:32px"><div style="font-size:22px;font-weight:600">{value}</div>'
        f'<div style="{SOFT};font-size:13px">{name}</div></td>'
        for value, name in facts
    )
    return f'<div style="{CARD}"><table><tr>{cells}</tr></table></div>'


def _traffic(report: DailyReport) -> str:
    rows = [
        (
            f"<b>{escape(each.version)}</b>", f"{each.requests:,}", f"{each.rows:,}", f"{each.failures:,}",
            *(NONE if value is None else f"{value:,.3g} ms" for value in (each.p50_ms, each.p95_ms, each.p99_ms)),
        )
        for each in report.traffic
    ]  # fmt: skip
    head = ("version", "requests", "rows", "failed", "p50", "p95", "p99")
    drawn = table(head, rows, frozenset(range(1, 7))) if rows else f'<p style="{SOFT}">No request was answered.</p>'
    return card("Traffic", f"{_bars(report.by_hour)}{drawn}", "rows by hour, latency of requests")


def _bars(by_hour: Sequence[int]) -> str:
    highest = max(by_hour, default=0)
    if not highest:
        return ""
    cells = "".join(
        f'<td style="vertical-align:bottom;padding:0 1px;height:{_BAR_HEIGHT}px" title="{hour:02d}:00, {rows:,} rows">'
        f'<div style="background:#1f5fbf;height:{round(_BAR_HEIGHT * rows / highest)}px;font-size:0">&nbsp;</div></td>'
        for hour, rows in enumerate(by_hour)
    )
    hours = "".join(f'<td style="{SOFT};font-size:11px">{hour if hour % 6 == 0 else ""}</td>' for hour in range(24))
    return (
        '<table role="img" aria-label="rows by hour" style="width:100%;table-layout:fixed;border-collapse:collapse;'
        f'margin:0 0 12px"><tr>{cells}</tr><tr>{hours}</tr></table>'
    )


def _quality(found: DayQuality) -> str:
    coverage = NONE if found.coverage is None else f"{found.coverage:.1%}"
    note = f"{found.labels:,} labels for {found.rows:,} rows ({coverage})"
    if found.unusable:
        note += f", {found.unusable:,} unusable"
    if not found.labels:
        return card(f"Quality of {found.version}", f'<p style="{SOFT}">No labels have come yet.</p>', note)
    rows = [(escape(name), f"{one['value']:.4g}", _interval(one)) for name, one in found.measures.items()]
    inner = table(("measure", "value", "95 % interval"), rows, frozenset((1, 2)))
    return card(f"Quality of {found.version}", inner + _classes(found) + _confusion(found), note)


def _interval(one: dict[str, float]) -> str:
    return f"{one['lower']:.4g} to {one['upper']:.4g}" if "lower" in one else NONE


def _classes(found: DayQuality) -> str:
    rows = [
        (f"<b>{escape(each.name)}</b>", *map(_share, (each.precision, each.recall, each.f1)), f"{each.support:,}")
        for each in found.classes
    ]
    head = ("class", "precision", "recall", "F1", "support")
    return f"<br>{table(head, rows, frozenset(range(1, 5)))}" if rows else ""


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _confusion(found: DayQuality) -> str:
    """Darker is more of the row's class."""
    if not found.confusion:
        return ""
    names = [each.name for each in found.classes]
    rows = [
        (f"<b>{escape(name)}</b>", *(_shaded(value, sum(counts)) for value in counts))
        for name, counts in zip(names, found.confusion, strict=True)
    ]
    unit = "weights" if found.is_weighted else "rows"
    said = (
        f'<p style="{SOFT};font-size:13px;margin:12px 0 4px">{unit}: down what happened, across what was predicted</p>'
    )
    return said + table(("", *names), rows, frozenset(range(1, len(names) + 1)))


def _shaded(value: float, whole: float) -> str:
    share = value / whole if whole else 0.0
    red, green, blue = (round(255 - share * (255 - full)) for full in (0x9C, 0xBD, 0xF0))
    return f'<div style="background:#{red:02x}{green:02x}{blue:02x};padding:2px 6px">{value:,.6g}</div>'


def _listed(heading: str, found: Sequence[dict[str, Any]], names: Sequence[str], empty: str) -> str:
    rows = [[escape(str(each.get(name, ""))) for name in names] for each in found]
    return card(heading, table(names, rows) if rows else f'<p style="{SOFT};margin:0">{escape(empty)}</p>')
