"""`interlock annotate`: which rows are worth a label, and what people said of them."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, At, Home, Server, connect, time_of
from interlock.cli.output import note, show_facts, show_json, show_table
from interlock.cli.working import working
from interlock.domain.errors import InvalidInputError

Endpoint = Annotated[str, typer.Argument(help="The endpoint's name.")]
_EXAMPLES = 10

app = typer.Typer(name="annotate", help="Rows for people to label, and their answers.", no_args_is_help=True)


@app.command("export")
def export_tasks(
    endpoint: Endpoint,
    budget: Annotated[int, typer.Option(help="How many rows.")] = 200,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: ENDPOINT-tasks.json or .csv in this folder.")
    ] = None,
    format: Annotated[
        Literal["label-studio", "csv"] | None, typer.Option(help="Default: as the file's name ends; else label-studio.")
    ] = None,
    since: At = None,
    until: At = None,
    random_share: Annotated[
        float, typer.Option(help="Part of every row's chance that is the same for all: over 0, at most 1.")
    ] = 0.25,
    seed: Annotated[int | None, typer.Option(help="Of the draw; default: any.")] = None,
    where: Annotated[
        str, typer.Option(metavar="CONDITION", help="Rows wanted most, like 'temp > 30 and score < 0.6'.")
    ] = "",
    show_predicted: Annotated[
        bool, typer.Option("--show-predicted", help="Tell annotators what the model answered; they tend to agree.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the labelling interface for Label Studio.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="First commit what waits in the spool.")] = True,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Draw rows without a label that are worth one, and write them for annotators.

    Wanted are rows of which the model was unsure, where another version answered otherwise, and of regions that grew
    against the reference; every row can come. Each keeps its weight, so that quality stays unbiased. By default the
    rows since the last export. With --where, rows like these come in place of the usual criteria, and of the others
    as many as --random-share says. Exit code 1 if there is nothing to label.

    Example: [bold]interlock annotate export flights --budget 200 --out tasks.json --config label-studio.xml[/bold]
    """
    from interlock.client import annotation_tasks

    form, path = _form(format, out, endpoint)
    asked = {"since": time_of("since", since), "until": time_of("until", until), "seed": seed}
    options: dict[str, Any] = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in asked.items()
        if value is not None
    } | ({"where": where} if where else {})
    with connect(server, home) as client, working("drawing"):
        found = client.export_annotations(endpoint, budget, random_share=random_share, fresh=fresh, **options)
    if found["tasks"]:
        annotation_tasks.write(path, found, form, show_predicted=show_predicted)
        if config is not None:
            _write_text(config, annotation_tasks.labelling_config(found["question"]) + "\n")
    reasons = _counts([task["reason"] for task in found["tasks"]])
    told = {**found["export"], "file": str(path) if found["tasks"] else None, "reasons": reasons}
    if as_json:
        show_json({**told, "overlaps": found["overlaps"]})
    else:
        _tell_export(told, found["overlaps"])
    raise typer.Exit(0 if found["tasks"] else 1)


@app.command("import")
def import_answers(
    endpoint: Endpoint,
    file: Annotated[Path, typer.Argument(help="What Label Studio exports (JSON), or CSV.")],
    annotator: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose answers these are, where the file does not tell.")
    ] = None,
    rule: Annotated[
        Literal["majority", "unanimous"], typer.Option(help="How several answers become one label.")
    ] = "majority",
    fewest: Annotated[int, typer.Option(help="Answers that a case needs before it has a label.")] = 1,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Bring annotators' answers back: what stands becomes labels of the source `annotator`, with their weights.

    Answers of several people, in one file or in one each, are kept and counted together. Exit code 1 if any was
    refused.

    Example: [bold]interlock annotate import flights answers.json --fewest 2[/bold]
    """
    from interlock.client import annotation_answers

    answers = annotation_answers.read(file, annotator=annotator)
    with connect(server, home) as client, working("sending"):
        found = client.annotate(endpoint, answers, rule=rule, fewest=fewest)
    if as_json:
        show_json(found)
    else:
        _tell_import(found)
    raise typer.Exit(1 if found["rejected"] else 0)


@app.command()
def show(
    endpoint: Endpoint,
    id: Annotated[int, typer.Argument(help="Of the export, as `annotate list` tells it.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write its tasks once more: Label Studio, or .csv."),
    ] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show what an earlier export drew, and write its tasks once more: also of one that was made on the pages.

    Example: [bold]interlock annotate show flights 3 --out tasks.json[/bold]
    """
    from interlock.client import annotation_tasks

    with connect(server, home) as client:
        found = client.annotation_export(endpoint, id)
    if out is not None:
        annotation_tasks.write(out, found, _form(None, out, endpoint)[0])
    told = {**found["export"], "reasons": _counts([task["reason"] for task in found["tasks"]])}
    if as_json:
        show_json({**told, "tasks": found["tasks"]})
    else:
        show_facts({**told, "file": str(out) if out else None})


@app.command("list")
def list_exports(endpoint: Endpoint, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List what was drawn, how much of it is answered, and how far annotators agree.

    Example: [bold]interlock annotate list flights[/bold]
    """
    with connect(server, home) as client:
        found = client.annotations(endpoint)
    if as_json:
        show_json(found)
        return
    columns = ("id", "created_at", "since", "until", "rows", "drawn", "answered", "chosen", "evidence")
    show_table(found["exports"], columns, empty=f"nothing was drawn; `interlock annotate export {endpoint}`")
    _tell_agreement(found["agreement"])


def _form(given: Literal["label-studio", "csv"] | None, out: Path | None, endpoint: str) -> tuple[Any, Path]:
    form = given or ("csv" if out is not None and out.suffix.lower() == ".csv" else "label-studio")
    return form, out or Path(f"{endpoint}-tasks.{'csv' if form == 'csv' else 'json'}")


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}") from error


def _counts(values: list[str]) -> dict[str, int]:
    return {value: values.count(value) for value in dict.fromkeys(values)}


def _tell_export(told: dict[str, Any], overlaps: list[int]) -> None:
    if not told["drawn"]:
        print("nothing to label: every row of that time has a label, or was drawn before")
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in told["reasons"].items())
    print(f"{told['drawn']} of {told['rows']} rows drawn ({reasons}): {told['file']}")
    if overlaps:
        note(
            f"export {', '.join(map(str, overlaps))} drew from the same time: labels of both count for the same rows; "
            "quality is unbiased where exports have times of their own"
        )


def _tell_import(found: dict[str, Any]) -> None:
    print(f"{found['accepted']} answers, {len(found['rejected'])} refused")
    print(f"{found['labelled']} labels; {found['too_few']} cases need more answers, {found['contested']} are contested")
    for each in found["rejected"][:_EXAMPLES]:
        note(f"answer {each['index'] + 1}: {each['error']}")
    _tell_agreement(found["agreement"])


def _tell_agreement(found: dict[str, Any]) -> None:
    if not found["several"]:
        return
    names = ("annotators", "cases", "several", "krippendorff_alpha", "fleiss_kappa")
    show_facts({name: found[name] for name in names})
    pairs = [{**pair, "annotators": " and ".join(pair["annotators"])} for pair in found["pairs"]]
    if pairs:
        show_table(pairs, ("annotators", "cases", "agreement", "kappa"), empty="")
