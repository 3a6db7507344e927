"""`interlock model test`: a version in a gateway of its own, on held-out rows; and what was found, for people."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect, split
from interlock.cli.output import cell, show_facts, show_json, show_table
from interlock.cli.plan_file import read_plan
from interlock.cli.working import working
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import split_ref

_MOST_CASES = 20


def run_test(
    ref: Annotated[str, typer.Argument(metavar="NAME:V", help="A version, like wine:3.")],
    data: Annotated[Path, typer.Option(help="Held-out rows: .csv, .parquet, .json or .jsonl.")],
    label: Annotated[str | None, typer.Option(help="Column of the file that holds the label.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Whose deadline and whose champion it is held against.")] = None,
    slices: Annotated[str | None, typer.Option(help="Columns by which quality is compared, like region,age.")] = None,
    protected: Annotated[
        str | None, typer.Option(help="Columns of protected groups, measured by Fairlearn (extra fairness).")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Release plan (JSON or TOML) whose section `test` says what must be shown.")
    ] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Test a version before anybody meets it. Exit code 1 when a gate of the test is not passed.

    Example: [bold]interlock model test wine:2 --data heldout.csv --label quality --endpoint wine[/bold]
    """
    split_ref(ref)
    if not data.exists():
        raise InvalidInputError(f"{data} does not exist; name a file on this machine")
    gates = read_plan(plan).get("test", {}) if plan is not None else None
    with connect(server, home) as client, working(f"testing {ref} in a gateway of its own"):
        found = client.test_model(
            ref,
            data,
            label=label,
            endpoint=endpoint,
            slices=split(slices),
            protected=split(protected),
            gates=gates,
        )
    if as_json:
        show_json(found)
    else:
        _print(found)
    sys.exit(0 if found["passed"] else 1)


def spell_tests(tests: Sequence[Mapping[str, Any]]) -> list[str]:
    """Stored tests, one line each, newest first."""
    return [
        f"{test['number']}: {'passed' if test['passed'] else 'not passed'} on {test['data']}, {test['at']}"
        for test in tests
    ]


def _print(found: Mapping[str, Any]) -> None:
    findings = found["findings"]
    verdict = "passed" if found["passed"] else "did not pass"
    print(f"application test {found['number']} of {found['version']} {verdict} ({findings['seconds']} s)\n")
    show_table(found["results"], ("gate", "outcome", "value", "bound", "reason"), empty="")
    if findings["quality"]:
        print()
        show_table(_figures(findings), ("metric", "value", "lower", "upper", "champion"), empty="")
    failed = [case for case in findings["robustness"] if case["outcome"] == "failed"]
    if failed:
        print()
        show_table(failed[:_MOST_CASES], ("field", "given", "said"), empty="")
    if findings["groups"]:
        print()
        show_table(findings["groups"], ("kind", "column", "value", "rows", "metrics"), empty="")
    speed = findings["speed"] or {}
    facts = {
        "milliseconds a request": _spell_quantiles(speed),
        "rows a second": speed.get("rows_per_second"),
        "notes": findings["notes"] or None,
    }
    print()
    show_facts(facts)


def _figures(findings: Mapping[str, Any]) -> list[dict[str, Any]]:
    theirs = findings["champion_quality"]
    return [
        {"metric": name, **figure, "champion": theirs.get(name, {}).get("value")}
        for name, figure in findings["quality"].items()
    ]


def _spell_quantiles(speed: Mapping[str, Any]) -> str | None:
    if not speed:
        return None
    return ", ".join(f"p{part} {cell(speed[f'p{part}_ms']).plain}" for part in (50, 95, 99))
