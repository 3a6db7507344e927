"""The result of a comparison as one HTML file that opens offline: no script, no font, no picture from elsewhere.

Called by `interlock drift --html`. Drawn from counts per bin only, so its size depends on the number of columns, never
on the number of rows. Every name and value is escaped.
"""

from html import escape

from interlock.comparison.drift_result import ColumnDrift, DriftResult, Picture

# Beyond so many columns only the most severe are drawn: the file stays under 2 MB.
_MOST_DRAWN = 200
_MOST_LISTED = 3_000

_BARS_WIDTH, _BARS_HEIGHT, _BASE = 420, 150, 118

_STYLE = """
:root { color-scheme: light dark; --surface: #f7f7f5; --card: #fff; --ink: #1d2126; --ink-soft: #5b6470;
  --line: #e1e3e6;
  --clear: #17774a; --stop: #b3261e; --clear-bg: #e6f4ec; --stop-bg: #fce8e6; --caution: #9a5b00; --unknown: #6b7280;
  --unknown-bg: #eef0f2; --champion: #3a4a5e; --challenger: #1f5fbf; }
@media (prefers-color-scheme: dark) { :root { --surface: #14171b; --card: #1c2026; --ink: #e8eaed; --ink-soft: #9aa4b1;
  --line: #2c323a; --clear: #5fd195; --stop: #ff8a80; --clear-bg: #16301f; --stop-bg: #3a1a18; --caution: #f0b45a;
  --unknown: #a3acb8; --unknown-bg: #262b32; --champion: #aebccd; --challenger: #7fb0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--surface); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
  Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 28px 64px; display: grid; gap: 20px; }
h1 { font-size: 24px; line-height: 1.25; margin: 0; font-weight: 640; }
h2 { font-size: 15px; margin: 0; font-weight: 620; }
h2 small { font-weight: 400; color: var(--ink-soft); margin-left: 8px; } p { color: var(--ink-soft); margin: 4px 0 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; min-width: 0; }
.split { display: grid; gap: 20px; grid-template-columns: repeat(auto-fill, minmax(min(340px, 100%), 1fr)); }
.scroll { overflow-x: auto; } table { width: 100%; border-collapse: collapse; margin-top: 6px; }
th { text-align: left; font-size: 12px; font-weight: 550; color: var(--ink-soft); padding: 6px 12px 6px 0;
  border-bottom: 1px solid var(--line); } td { padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; } .number { text-align: right; white-space: nowrap; }
.state { display: inline-flex; gap: 7px; align-items: center; padding: 2px 10px 2px 8px; border-radius: 99px;
  font-size: 13px; font-weight: 600; white-space: nowrap; }
.state::before { content: ""; width: 9px; height: 9px; border-radius: 50%; background: currentColor; }
.ok { color: var(--clear); background: var(--clear-bg); } .breach { color: var(--stop); background: var(--stop-bg); }
.breach::before { border-radius: 2px; } .unknown { color: var(--unknown); background: var(--unknown-bg); }
.unknown::before { background: none; border: 2px dashed currentColor; }
svg text { fill: var(--ink-soft); font: 11px system-ui, sans-serif; } svg { display: block; margin-top: 8px; }
.before { fill: var(--champion); opacity: .45; } .now { fill: var(--challenger); } .axis { stroke: var(--line); }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 12px; margin: 8px 0 0; font-size: 13px; }
dt { color: var(--ink-soft); } dd { margin: 0; text-align: right; }
@media (max-width: 640px) { main { padding: 18px 14px 48px; } .card { padding: 14px; } }
"""


def page(result: DriftResult, reference: str, current: str) -> str:
    """Draw a result.

    Args:
        result: What was found.
        reference: What the reference is called, a file's name.
        current: What the current rows are called.

    Returns:
        A whole HTML document.
    """
    ranked = sorted(result.columns.items(), key=lambda item: (-item[1].drifted, -item[1].severity, item[0]))
    drawn = "".join(_card(name, column) for name, column in ranked[:_MOST_DRAWN])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Drift: {escape(current)} against {escape(reference)}</title><style>{_STYLE}</style></head>"
        f"<body><main><header><h1>{escape(_headline(ranked))}</h1>"
        f"<p>{escape(_lead(result, reference, current))}</p></header>"
        f"{_table(ranked[:_MOST_LISTED])}{_skipped(result)}"
        f'<section class="split">{drawn}</section>{_left_out(ranked)}</main></body></html>\n'
    )


def _headline(ranked: list[tuple[str, ColumnDrift]]) -> str:
    drifted = [name for name, column in ranked if column.drifted]
    if not drifted:
        return f"Nothing drifted: {len(ranked)} columns are as in the reference"
    named = ", ".join(drifted[:3]) + (f" and {len(drifted) - 3} more" if len(drifted) > 3 else "")
    return f"{len(drifted)} of {len(ranked)} columns drifted: {named}"


def _lead(result: DriftResult, reference: str, current: str) -> str:
    return (
        f"{current} ({result.rows['current']:,} rows) against {reference} ({result.rows['reference']:,} rows). "
        f"Drifted: chance does not explain it (at most {result.alpha:.3g} for any column), and at least "
        f"{result.least_change:.0%} of the rows would have to be others. Bars are shares of rows: reference grey, "
        "current blue."
    )


def _table(ranked: list[tuple[str, ColumnDrift]]) -> str:
    rows = "".join(
        f"<tr><td><b>{escape(name)}</b></td><td>{column.kind}</td><td>{_state(column)}</td>"
        f'<td>{_severity(column)}</td><td class="number">{column.severity:.2f}</td>'
        f'<td class="number">{column.p_value:.2g}</td><td class="number">{column.missing["current"]:.1%}</td>'
        f"<td>{escape(column.reason)}</td></tr>"
        for name, column in ranked
    )
    head = (
        "<th>column</th><th>kind</th><th>state</th><th>severity</th><th></th>"
        '<th class="number">p</th><th class="number">missing</th><th>what</th>'
    )
    return (
        '<section class="card"><h2>All columns<small>most severe first; p is of the column alone</small></h2>'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _state(column: ColumnDrift) -> str:
    state, said = ("breach", "drifted") if column.drifted else ("ok", "as before")
    return f'<span class="state {state}">{said}</span>'


def _severity(column: ColumnDrift) -> str:
    colour = "var(--stop)" if column.drifted else "var(--champion)"
    return (
        '<svg viewBox="0 0 120 10" width="120" style="margin:0" aria-hidden="true">'
        '<rect width="120" height="10" rx="5" fill="var(--line)"/>'
        f'<rect width="{120 * min(1.0, column.severity):.0f}" height="10" rx="5" fill="{colour}"/></svg>'
    )


def _skipped(result: DriftResult) -> str:
    if not result.skipped:
        return ""
    items = "".join(
        f"<tr><td><b>{escape(name)}</b></td><td>{escape(why)}</td></tr>"
        for name, why in list(result.skipped.items())[:_MOST_LISTED]
    )
    return (
        '<section class="card"><h2><span class="state unknown">not compared</span></h2>'
        f'<div class="scroll"><table><tbody>{items}</tbody></table></div></section>'
    )


def _left_out(ranked: list[tuple[str, ColumnDrift]]) -> str:
    left = len(ranked) - _MOST_DRAWN
    return f"<p>{left:,} less severe columns are not drawn; --json has them all.</p>" if left > 0 else ""


def _card(name: str, column: ColumnDrift) -> str:
    measures = "".join(
        f"<dt>{escape(measure)}</dt><dd>{'-' if value is None else format(value, '.4g')}</dd>"
        for measure, value in list(column.measures.items())[:24]
    )
    return (
        f'<section class="card"><h2>{escape(name)}<small>{column.kind}</small></h2>{_state(column)}'
        f"<p>{escape(column.reason)}</p>{_bars(name, column.picture)}<dl>{measures}</dl></section>"
    )


def _bars(name: str, picture: Picture) -> str:
    """A pair of bars per bin; bins that no row is in are left out."""
    used = [
        (label, before, now)
        for label, before, now in zip(picture.labels, picture.reference, picture.current, strict=True)
        if before or now
    ]
    if not used:
        return ""
    highest = max(max(before, now) for _, before, now in used)
    step = (_BARS_WIDTH - 20) / len(used)
    bars = "".join(
        _pair(10 + step * place, step, before / highest, now / highest, f"{label}: {before:.1%} → {now:.1%}")
        for place, (label, before, now) in enumerate(used)
    )
    return (
        f'<svg viewBox="0 0 {_BARS_WIDTH} {_BARS_HEIGHT}" width="100%" role="img" '
        f'aria-label="shares of {escape(name, quote=True)} by bin">'
        f'<line class="axis" x1="10" x2="{_BARS_WIDTH - 10}" y1="{_BASE}" y2="{_BASE}"/>{bars}'
        f'<text x="10" y="12">{highest:.1%}</text>{_ends([label for label, _, _ in used])}</svg>'
    )


def _pair(left: float, step: float, before: float, now: float, said: str) -> str:
    width = step * 0.42
    heights = before * (_BASE - 20), now * (_BASE - 20)
    return (
        f"<g><title>{escape(said)}</title>"
        f'<rect class="before" x="{left:.1f}" y="{_BASE - heights[0]:.1f}" width="{width:.1f}" '
        f'height="{heights[0]:.1f}"/>'
        f'<rect class="now" x="{left + width:.1f}" y="{_BASE - heights[1]:.1f}" width="{width:.1f}" '
        f'height="{heights[1]:.1f}"/></g>'
    )


def _ends(labels: list[str]) -> str:
    first, last = _clipped(labels[0]), _clipped(labels[-1])
    return (
        f'<text x="10" y="{_BASE + 16}">{escape(first)}</text>'
        f'<text x="{_BARS_WIDTH - 10}" y="{_BASE + 30}" text-anchor="end">{escape(last)}</text>'
    )


def _clipped(label: str) -> str:
    return label if len(label) <= 40 else label[:39] + "…"
