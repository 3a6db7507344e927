"""A daily report as one HTML document: for a mail, a file, a printer.

Mail programs show no scripts, no SVG and no style sheets, so pictures are tables whose cells have colours and heights,
and every style stands where it is used. Nothing is loaded from elsewhere. Every name and value is escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from interlock.domain.verdict import Check
from interlock.monitoring.daily_report import DailyReport, DayQuality
from interlock.monitoring.daily_text import title

_BODY = "margin:0;padding:24px;background:#f7f7f5;color:#1d2126;font:15px/1.5 system-ui,-apple-system,Arial,sans-serif"
_CARD = "background:#fff;border:1px solid #e1e3e6;border-radius:8px;padding:16px 20px;margin:0 0 16px"
_HEAD = (
    "text-align:left;font-size:12px;font-weight:600;color:#5b6470;padding:4px 12px 4px 0;border-bottom:1px solid #ccc"
)
_CELL = "padding:6px 12px 6px 0;border-bottom:1px solid #eef0f2;vertical-align:top"
_NUMBER = ";text-align:right;white-space:nowrap"
_SOFT = "color:#5b6470"
_COLOURS = {"ok": "#17774a", "breach": "#b3261e", "error": "#9a5b00", "no_data": "#6b7280"}
_SAID = {"ok": "fine", "breach": "needs a look", "error": "check broke", "no_data": "not enough data"}
_NONE = "–"

_BAR_HEIGHT = 80
_MOST_CHECKS = 40


def page(report: DailyReport) -> str:
    """Draw a report.

    Returns:
        A whole HTML document.
    """
    parts = (
        _facts(report), _traffic(report), *(_quality(each) for each in report.quality), _checks(report),
        _listed("Incidents", report.incidents, ("id", "severity", "state", "title"), "none that day"),
        _listed("Releases", report.releases, ("id", "candidate", "strategy", "state", "reason"), "none under way"),
    )  # fmt: skip
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title(report))}</title></head>"
        f'<body style="{_BODY}"><div style="max-width:860px;margin:0 auto">'
        f'<h1 style="font-size:22px;margin:0 0 16px">{escape(report.endpoint)}, {report.date} '
        f"{_state(report.status)}</h1>{''.join(parts)}"
        f'<p style="{_SOFT};font-size:13px">A day of event time in UTC, from the labels there are now.</p>'
        "</div></body></html>\n"
    )


def _state(outcome: str) -> str:
    colour, said = _COLOURS.get(outcome, "#6b7280"), _SAID.get(outcome, outcome)
    return (
        f'<span style="color:{colour};font-size:14px;font-weight:600;white-space:nowrap">&#9679; {escape(said)}</span>'
    )


def _card(heading: str, inner: str, note: str = "") -> str:
    small = f' <span style="{_SOFT};font-weight:400">{escape(note)}</span>' if note else ""
    return f'<div style="{_CARD}"><h2 style="font-size:15px;margin:0 0 8px">{escape(heading)}{small}</h2>{inner}</div>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: frozenset[int] = frozenset()) -> str:
    """Cells are HTML already."""

    def style(base: str, place: int) -> str:
        return base + (_NUMBER if place in numbers else "")

    heads = "".join(f'<th style="{style(_HEAD, place)}">{escape(name)}</th>' for place, name in enumerate(head))
    body = "".join(
        "<tr>" + "".join(f'<td style="{style(_CELL, place)}">{cell}</td>' for place, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<table style="width:100%;border-collapse:collapse;font-size:14px"><tr>{heads}</tr>{body}</table>'


def _facts(report: DailyReport) -> str:
    facts = (
        (f"{report.requests:,}", "requests"), (f"{report.rows:,}", "rows"), (f"{report.failures:,}", "failed"),
        (f"{report.refused:,}", "refused"), (f"{sum(each.labels for each in report.quality):,}", "labels"),
    )  # fmt: skip
    cells = "".join(
        f'<td style="padding-right:32px"><div style="font-size:22px;font-weight:600">{value}</div>'
        f'<div style="{_SOFT};font-size:13px">{name}</div></td>'
        for value, name in facts
    )
    return f'<div style="{_CARD}"><table><tr>{cells}</tr></table></div>'


def _traffic(report: DailyReport) -> str:
    rows = [
        (
            f"<b>{escape(each.version)}</b>", f"{each.requests:,}", f"{each.rows:,}", f"{each.failures:,}",
            *(_NONE if value is None else f"{value:,.3g} ms" for value in (each.p50_ms, each.p95_ms, each.p99_ms)),
        )
        for each in report.traffic
    ]  # fmt: skip
    head = ("version", "requests", "rows", "failed", "p50", "p95", "p99")
    table = _table(head, rows, frozenset(range(1, 7))) if rows else f'<p style="{_SOFT}">No request was answered.</p>'
    return _card("Traffic", f"{_bars(report.by_hour)}{table}", "rows by hour, latency of requests")


def _bars(by_hour: Sequence[int]) -> str:
    highest = max(by_hour, default=0)
    if not highest:
        return ""
    cells = "".join(
        f'<td style="vertical-align:bottom;padding:0 1px;height:{_BAR_HEIGHT}px" title="{hour:02d}:00, {rows:,} rows">'
        f'<div style="background:#1f5fbf;height:{round(_BAR_HEIGHT * rows / highest)}px;font-size:0">&nbsp;</div></td>'
        for hour, rows in enumerate(by_hour)
    )
    hours = "".join(f'<td style="{_SOFT};font-size:11px">{hour if hour % 6 == 0 else ""}</td>' for hour in range(24))
    return (
        '<table role="img" aria-label="rows by hour" style="width:100%;table-layout:fixed;border-collapse:collapse;'
        f'margin:0 0 12px"><tr>{cells}</tr><tr>{hours}</tr></table>'
    )


def _checks(report: DailyReport) -> str:
    order = ("breach", "error", "ok", "no_data")
    ranked = sorted(report.checks, key=lambda one: (order.index(one.outcome), -(one.value or 0.0)))
    rows = [
        (
            f'<b>{escape(one.name)}</b> <span style="{_SOFT}">{escape(one.version or "")}</span>',
            _state(one.outcome),
            _NONE if one.value is None else f"{one.value:.4g}",
            f"{one.rows:,}",
            escape(_why(one)),
        )
        for one in ranked[:_MOST_CHECKS]
    ]
    left = len(ranked) - _MOST_CHECKS
    more = f'<p style="{_SOFT}">and {left} more, none of them worse</p>' if left > 0 else ""
    table = _table(("check", "says", "value", "rows", "what"), rows, frozenset((2, 3)))
    return _card("Service, drift and quality", table + more, "worst first; of drift 0 is none and 1 is all")


def _why(check: Check) -> str:
    return str(check.details.get("reason") or check.expected)


def _quality(found: DayQuality) -> str:
    coverage = _NONE if found.coverage is None else f"{found.coverage:.1%}"
    note = f"{found.labels:,} labels for {found.rows:,} rows ({coverage})"
    if found.unusable:
        note += f", {found.unusable:,} unusable"
    if not found.labels:
        return _card(f"Quality of {found.version}", f'<p style="{_SOFT}">No labels have come yet.</p>', note)
    rows = [(escape(name), f"{one['value']:.4g}", _interval(one)) for name, one in found.measures.items()]
    inner = _table(("measure", "value", "95 % interval"), rows, frozenset((1, 2)))
    return _card(f"Quality of {found.version}", inner + _classes(found) + _confusion(found), note)


def _interval(one: dict[str, float]) -> str:
    return f"{one['lower']:.4g} to {one['upper']:.4g}" if "lower" in one else _NONE


def _classes(found: DayQuality) -> str:
    rows = [
        (f"<b>{escape(each.name)}</b>", *map(_share, (each.precision, each.recall, each.f1)), f"{each.support:,}")
        for each in found.classes
    ]
    head = ("class", "precision", "recall", "F1", "support")
    return f"<br>{_table(head, rows, frozenset(range(1, 5)))}" if rows else ""


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


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
        f'<p style="{_SOFT};font-size:13px;margin:12px 0 4px">{unit}: down what happened, across what was predicted</p>'
    )
    return said + _table(("", *names), rows, frozenset(range(1, len(names) + 1)))


def _shaded(value: float, whole: float) -> str:
    share = value / whole if whole else 0.0
    red, green, blue = (round(255 - share * (255 - full)) for full in (0x9C, 0xBD, 0xF0))
    return f'<div style="background:#{red:02x}{green:02x}{blue:02x};padding:2px 6px">{value:,.6g}</div>'


def _listed(heading: str, found: Sequence[dict[str, Any]], names: Sequence[str], empty: str) -> str:
    rows = [[escape(str(each.get(name, ""))) for name in names] for each in found]
    return _card(heading, _table(names, rows) if rows else f'<p style="{_SOFT};margin:0">{escape(empty)}</p>')
