"""Parts of a page that mail programs show too: every style stands where it is used, nothing is loaded from elsewhere.

Used by the daily report and by the report of a window. Text is escaped here; cells of tables are HTML already.
"""

from collections.abc import Iterable, Sequence
from html import escape

from interlock.domain.verdict import Check

_BODY = "margin:0;padding:24px;background:#f7f7f5;color:#1d2126;font:15px/1.5 system-ui,-apple-system,Arial,sans-serif"
CARD = "background:#fff;border:1px solid #e1e3e6;border-radius:8px;padding:16px 20px;margin:0 0 16px"
_HEAD = (
    "text-align:left;font-size:12px;font-weight:600;color:#5b6470;padding:4px 12px 4px 0;border-bottom:1px solid #ccc"
)
_CELL = "padding:6px 12px 6px 0;border-bottom:1px solid #eef0f2;vertical-align:top"
_NUMBER = ";text-align:right;white-space:nowrap"
SOFT = "color:#5b6470"
_COLOURS = {"ok": "#17774a", "breach": "#b3261e", "error": "#9a5b00", "no_data": "#6b7280"}
_SAID = {"ok": "fine", "breach": "needs a look", "error": "check broke", "no_data": "not enough data"}
NONE = "–"
_MOST_CHECKS = 40


def document(title: str, headline: str, parts: Iterable[str], note: str) -> str:
    """A whole HTML document. `headline` and `parts` are HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title></head>"
        f'<body style="{_BODY}"><div style="max-width:860px;margin:0 auto">'
        f'<h1 style="font-size:22px;margin:0 0 16px">{headline}</h1>{"".join(parts)}'
        f'<p style="{SOFT};font-size:13px">{escape(note)}</p></div></body></html>\n'
    )


def state(outcome: str) -> str:
    colour, said = _COLOURS.get(outcome, "#6b7280"), _SAID.get(outcome, outcome)
    return (
        f'<span style="color:{colour};font-size:14px;font-weight:600;white-space:nowrap">&#9679; {escape(said)}</span>'
    )


def card(heading: str, inner: str, note: str = "") -> str:
    small = f' <span style="{SOFT};font-weight:400">{escape(note)}</span>' if note else ""
    return f'<div style="{CARD}"><h2 style="font-size:15px;margin:0 0 8px">{escape(heading)}{small}</h2>{inner}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: frozenset[int] = frozenset()) -> str:
    """Cells are HTML already."""

    def style(base: str, place: int) -> str:
        return base + (_NUMBER if place in numbers else "")

    heads = "".join(f'<th style="{style(_HEAD, place)}">{escape(name)}</th>' for place, name in enumerate(head))
    body = "".join(
        "<tr>" + "".join(f'<td style="{style(_CELL, place)}">{cell}</td>' for place, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<table style="width:100%;border-collapse:collapse;font-size:14px"><tr>{heads}</tr>{body}</table>'


def checks(found: Iterable[Check], *, most: int | None = _MOST_CHECKS) -> str:
    """A card of checks, the worst first; of no more than `most`."""
    order = ("breach", "error", "ok", "no_data")
    ranked = sorted(found, key=lambda one: (order.index(one.outcome), -(one.value or 0.0)))
    rows = [
        (
            f'<b>{escape(one.name)}</b> <span style="{SOFT}">{escape(one.version or "")}</span>',
            state(one.outcome),
            NONE if one.value is None else f"{one.value:.4g}",
            f"{one.rows:,}",
            escape(_why(one)),
        )
        for one in ranked[:most]
    ]
    left = 0 if most is None else len(ranked) - most
    more = f'<p style="{SOFT}">and {left} more, none of them worse</p>' if left > 0 else ""
    drawn = table(("check", "says", "value", "rows", "what"), rows, frozenset((2, 3)))
    return card("Service, drift and quality", drawn + more, "worst first; of drift 0 is none and 1 is all")


def _why(check: Check) -> str:
    return str(check.details.get("reason") or check.expected)
