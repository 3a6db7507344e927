"""`interlock check-data`: is a file fit to be trained or measured on?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect, split
from interlock.cli.output import console, note, show_json, show_table
from interlock.cli.working import working
from interlock.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from interlock.comparison.check_result import DataChecks
    from interlock.domain.contract import Contract


def check_data(
    file: Annotated[Path, typer.Argument(help="Parquet, CSV, Delta or a folder of Parquet, of any size.")],
    reference: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What it should look like, and must not share rows with.")
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option(metavar="NAME:V", help="A registered version whose inputs it must fit (asks the server)."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN[,...]", help="Its labels; of several columns, agreement is measured.")
    ] = None,
    probabilities: Annotated[
        str | None,
        typer.Option(metavar="CLASS=COLUMN,...", help="Look for likely label errors by these (extra cleanlab)."),
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Only these, comma-separated. Default: all.")] = None,
    tolerance: Annotated[float, typer.Option(help="Share of rows that may be wrong in each check.")] = 0.01,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Check a file: schema, missing values, constant columns, ranges, duplicates, leakage, labels. No server is needed,
    but for --contract. Exit code 1 if a check fails.

    Example: [bold]interlock check-data test.parquet --reference train.parquet --label late[/bold]
    """
    from interlock.comparison.data_checks import check  # Arrow and DuckDB take a moment to import

    agreed = None if contract is None else _contract(contract, server, home)
    with working("reading"):
        found = check(
            file,
            reference,
            contract=agreed,
            labels=split(label),
            columns=split(columns),
            probabilities=_pairs(probabilities),
            tolerance=tolerance,
        )
    if as_json:
        show_json(found.to_dict())
    else:
        _tell(found)
    raise typer.Exit(0 if found.passed else 1)


def _contract(ref: str, server: str | None, home: Path) -> "Contract":
    import msgspec

    from interlock.domain.contract import Contract

    with connect(server, home) as client:
        return msgspec.convert(client.model(ref)["contract"], Contract)


def _pairs(text: str | None) -> dict[str, str]:
    found = {}
    for each in split(text):
        name, separator, column = each.partition("=")
        if not separator or not name or not column:
            raise InvalidInputError(f"probabilities == {each!r}, must be like late=p_late,ontime=p_ontime")
        found[name] = column
    return found


def _tell(found: "DataChecks") -> None:
    wrong = [each for each in found.checks if each.outcome in ("breach", "error")]
    unknown = [each for each in found.checks if each.outcome == "no_data"]
    said = f"{len(found.checks) - len(wrong) - len(unknown)} of {len(found.checks)} checks passed"
    console().print(f"{said}, on {found.rows:,} rows and {found.columns} columns", style="bold")
    rows = [
        {
            "check": each.name,
            "column": each.column,
            "says": each.outcome,
            "value": each.value,
            "expected": each.expected,
        }
        | {"what": each.reason}
        for each in (*wrong, *unknown)
    ]
    if rows:
        show_table(rows, ("check", "column", "says", "value", "expected", "what"), empty="")
    for name, why in found.skipped.items():
        note(f"not looked at: {name}: {why}")
