"""`interlock model`: register, list, show, diff, test, lineage."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli import application_tests, held_out
from interlock.cli.contract_fields import FIELD_COLUMNS, spell_field
from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import note, show_facts, show_json, show_table
from interlock.cli.working import working
from interlock.client.source import check_there
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import check_name, split_ref
from interlock.domain.sizes import size_bytes

app = typer.Typer(name="model", help="Model versions.", no_args_is_help=True)
app.command("test")(application_tests.run_test)
app.command("held-out")(held_out.held_out)

Ref = Annotated[str, typer.Argument(metavar="NAME:V", help="A version, like wine:3.")]


@app.command()
def register(
    name: Annotated[str, typer.Argument(help="The model's name.")],
    source: Annotated[
        str,
        typer.Argument(
            help="Model file, MLflow model folder, models:/name/version, runs:/run/path, python:module.Class, or a "
            "model on another server: http://host/v2/models/x."
        ),
    ],
    reference: Annotated[
        Path | None, typer.Option(help="CSV or Parquet of rows like those to come, not trained on.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Column of the reference that holds the label.")] = None,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Loading it runs code that came with it, and you trust that.")
    ] = False,
    no_compile: Annotated[
        bool, typer.Option("--no-compile", help="Serve the original in its own process; look for no ONNX twin.")
    ] = False,
    parent: Annotated[str | None, typer.Option(help="The version it was made from, NAME:V.")] = None,
    trained_on: Annotated[str | None, typer.Option(help="The pin it was trained on, ENDPOINT@NAME.")] = None,
    contract: Annotated[
        Path | None, typer.Option(help="YAML or JSON of what you declare: types, ranges, images, privacy.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="Interpreter that runs it, a path on the server; it needs msgspec and numpy.")
    ] = None,
    code: Annotated[
        Path | None, typer.Option(help="File or folder to send with python:module.Class; default: ./module.py.")
    ] = None,
    token_env: Annotated[
        str | None, typer.Option(help="Variable INTERLOCK_REMOTE_... of the server, with the other server's token.")
    ] = None,
    memory: Annotated[str | None, typer.Option(help="Most memory of its process, like 2G.")] = None,
    startup_seconds: Annotated[float | None, typer.Option(help="How long loading it may take; default: 60.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Register a model as the next version of a name.

    Example: [bold]interlock model register wine model.skops --reference heldout.csv --label quality[/bold]
    """
    check_name("model", name)
    check_there(source)
    for path in (reference, contract):
        if path is not None and not path.exists():
            raise InvalidInputError(f"{path} does not exist; name a file on this machine")
    memory_bytes = size_bytes("memory", memory) if memory is not None else None
    with connect(server, home) as client, working(f"loading, checking and measuring {source.rpartition('/')[2]}"):
        found = client.register(
            name,
            source,
            reference=reference,
            label=label,
            trust_pickle=trust_pickle,
            compile=not no_compile,
            parent=parent,
            trained_on=trained_on,
            contract=contract,
            python=python,
            code=code,
            token_env=token_env,
            memory_bytes=memory_bytes,
            startup_seconds=startup_seconds,
        )
    if as_json:
        show_json(found)
        return
    print(f"registered {found['ref']}")
    show_facts(_facts(found))
    for warning in found["warnings"]:
        note(f"warning: {warning}")


@app.command("list")
def list_versions(
    name: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List versions.

    Example: [bold]interlock model list wine[/bold]
    """
    with connect(server, home) as client:
        found = client.models(name)
    if as_json:
        show_json({"models": found})
    else:
        columns = ("ref", "model_format", "serving_format", "placement", "row_us", "created_at", "created_by")
        show_table(found, columns, empty="no models yet; `interlock model register NAME FILE` adds one")


@app.command()
def show(
    ref: Annotated[str, typer.Argument(metavar="NAME[:V]", help="A version, or a name for its newest.")],
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show a version: contract, proof of its compiled twin, measurements, warnings.

    Example: [bold]interlock model show wine:3[/bold]
    """
    with connect(server, home) as client:
        found = client.model(ref if ":" in ref else client.models(ref)[-1]["ref"])
        tests = client.model_tests(found["ref"])
    if as_json:
        show_json({**found, "tests": [_summary(test) for test in tests]})
        return
    show_facts({**_facts(found), "application tests": application_tests.spell_tests(tests) or "none"})
    for side in ("inputs", "outputs"):
        print(f"\n{side}")
        show_table([spell_field(field) for field in found["contract"][side]], FIELD_COLUMNS, empty="none")


@app.command()
def diff(first: Ref, second: Ref, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """What callers of the first would notice if the second answered. Exit code 1 if it would break them.

    Example: [bold]interlock model diff wine:1 wine:2[/bold]
    """
    for ref in (first, second):
        split_ref(ref)
    with connect(server, home) as client:
        found = client.diff(first, second)
    if as_json:
        show_json(found)
    else:
        show_table(found["differences"], ("kind", "name", "what"), empty=f"{first} and {second} have the same contract")
    sys.exit(1 if found["breaking"] else 0)


def _summary(test: dict[str, Any]) -> dict[str, Any]:
    return {name: test[name] for name in ("number", "passed", "at", "by", "endpoint", "champion", "data", "results")}


@app.command()
def lineage(ref: Ref, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show where a version comes from and where it went: data, run, version, releases, endpoints; then its parents.

    Example: [bold]interlock model lineage wine:3[/bold]
    """
    split_ref(ref)
    with connect(server, home) as client:
        found = client.lineage(ref)
    if as_json:
        show_json({"lineage": found})
        return
    for number, each in enumerate(found):
        print(f"{'' if number == 0 else chr(10)}{each['version']}{'' if number == 0 else ', its parent'}")
        show_facts(_ancestry(each))


def _ancestry(each: dict[str, Any]) -> dict[str, Any]:
    """One step of a lineage, in the order in which it happened."""
    run, facts = each["run"] or {}, each["facts"]
    data, code, judgement = run.get("data") or {}, run.get("code") or {}, run.get("judgement") or {}
    rows = f"{data['training_rows']} rows to learn from, {data['heldout_rows']} held out" if data else None
    return {
        "data": each["data"]["pin"] or facts.get("reference_sha256"),
        "rows": rows,
        "run": f"{run['id']} ({run['mode']}, {run['cause']})" if run else each["origin"],
        "code": code.get("commit") or code.get("trainer"),
        "judged": judgement.get("reason"),
        "version": f"{each['version']}, sha256 {each['digest'][:16]}..., {each['created_at']} by {each['created_by']}",
        "releases": [f"{one['id']} on {one['endpoint']}: {one['state']}" for one in each["releases"]],
        "endpoints": [f"{name} as {role}" for name, role in each["endpoints"].items()],
    }


def _facts(found: dict[str, Any]) -> dict[str, Any]:
    parity = found.get("parity") or {}
    return {
        "version": found["ref"],
        "stored as": f"{found['model_format']}, sha256 {found['digest'][:16]}...",
        "served as": f"{found['serving_format']}, {found['placement']}",
        "runs with": _spell_runner(found["runner"]),
        "microseconds a row": found["row_us"],
        "twin": _spell_parity(parity),
        "worst row": parity.get("worst_row"),
        "task": found["contract"]["task"],
        "made with": found["frameworks"],
        "created": f"{found['created_at']} by {found['created_by']}",
        "warnings": [*found["warnings"], *found["load_warnings"]] or None,
    }


def _spell_runner(runner: dict[str, Any]) -> str | None:
    """What was asked for, of the interpreter and limits of its process."""
    named = {"python": runner["python"], "memory": runner["memory_bytes"], "startup": runner["startup_seconds"]}
    return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None) or None


def _spell_parity(parity: dict[str, Any]) -> str | None:
    if not parity:
        return None
    worst = parity["worst_difference"]
    difference = f"worst difference {worst:.2g}" if worst is not None else "no difference measured"
    if not parity["proven"]:
        return f"not used: {parity['reason']}" + (f" ({difference})" if worst is not None else "")
    return f"proven equal on {parity['rows']} rows, {difference}"
