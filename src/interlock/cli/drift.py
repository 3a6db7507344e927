"""`interlock drift`: do the rows of two files differ more than chance explains?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.options import AsJson, split
from interlock.cli.output import console, note, show_json, show_table
from interlock.cli.progress import bar
from interlock.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from interlock.comparison.drift_result import DriftResult


def drift(
    reference: Annotated[Path, typer.Argument(help="Rows that things should look like: Parquet, CSV, or a folder.")],
    current: Annotated[Path, typer.Argument(help="Rows to be judged.")],
    columns: Annotated[
        str | None, typer.Option(help="Only these, comma-separated. Default: all that both have.")
    ] = None,
    categorical: Annotated[str | None, typer.Option(help="Columns whose numbers are names, comma-separated.")] = None,
    measures: Annotated[
        str | None, typer.Option(help="Names, comma-separated, or all. Default: those that one pass gives.")
    ] = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Measures that need all values: from two thousand bins instead.")
    ] = False,
    alpha: Annotated[float, typer.Option(help="Probability that any column is called drifted when none has.")] = 0.01,
    fail_on_drift: Annotated[bool, typer.Option("--fail-on-drift", help="Exit code 1 if any column drifted.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report that opens offline.", metavar="FILE")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two files column by column: Parquet, CSV, Delta or a folder of Parquet, of any size. No server is needed.

    Drifted means both: chance does not explain the difference (--alpha, over all columns together), and at least two
    rows in a hundred would have to be others.

    Example: [bold]interlock drift train.parquet today.parquet --html drift.html[/bold]
    """
    from interlock.comparison.drift import drift as compare  # Arrow and scipy take a moment to import

    with bar() as show:
        result = compare(
            reference,
            current,
            split(columns) or None,
            measures=split(measures) or None,
            categorical=split(categorical),
            approximate=approximate,
            alpha=alpha,
            progress=show,
        )
    if html is not None:
        _write(html, result, reference.name, current.name)
    if as_json:
        show_json(result.to_dict())
    else:
        _tell(result)
    raise typer.Exit(1 if fail_on_drift and result.drifted else 0)


def _write(path: Path, result: "DriftResult", reference: str, current: str) -> None:
    from interlock.comparison.drift_page import page

    try:
        path.write_text(page(result, reference, current), encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"html == {path}, cannot be written: {error.strerror}") from error
    note(f"wrote {path}")


def _tell(result: "DriftResult") -> None:
    drifted = [name for name, column in result.columns.items() if column.drifted]
    rows = f"{result.rows['reference']:,} and {result.rows['current']:,} rows"
    console().print(f"{len(drifted)} of {len(result.columns)} columns drifted, on {rows}:", style="bold")
    show_table(list(_lines(result)), ("column", "kind", "drifted", "severity", "p_value", "missing", "what"), empty="")
    for name, why in result.skipped.items():
        note(f"not compared: {name}: {why}")


def _lines(result: "DriftResult") -> Any:
    ranked = sorted(result.columns.items(), key=lambda item: (-item[1].drifted, -item[1].severity, item[0]))
    for name, column in ranked:
        yield {
            "column": name,
            "kind": column.kind,
            "drifted": "drifted" if column.drifted else "no",
            "severity": f"{column.severity:.2f}",
            "p_value": f"{column.p_value:.2g}",
            "missing": f"{column.missing['current']:.1%}",
            "what": column.reason,
        }
