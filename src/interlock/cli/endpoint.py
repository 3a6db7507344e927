"""`interlock endpoint`: create, list, show, change, delete."""

from typing import Annotated, Any

import typer

from interlock.cli.contract_fields import FIELD_COLUMNS, spell_field
from interlock.cli.endpoint_learning import learn
from interlock.cli.endpoint_retraining import retraining
from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect, split
from interlock.cli.output import show_facts, show_json, show_table
from interlock.cli.working import working
from interlock.domain.endpoint import Durability, WhenFull
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import check_name, split_ref

app = typer.Typer(name="endpoint", help="Names that callers use.", no_args_is_help=True)
app.command()(retraining)
app.command()(learn)

_FACTS = (
    "name", "model", "traffic", "deadline_ms", "durability", "when_full", "label_key", "retention_days", "created_at"
)  # fmt: skip

Name = Annotated[str, typer.Argument(help="The endpoint's name.")]
RetentionDays = Annotated[
    int | None, typer.Option(help="Full days of events that the log keeps; 0 for ever. Upkeep drops the rest.")
]
DeadlineMs = Annotated[float | None, typer.Option(help="How long a model may take; 1000 by default.")]
HowDurable = Annotated[
    Durability | None,
    typer.Option(help="What a record survives before its answer leaves: the death of the process, or of the machine."),
]
LabelKey = Annotated[str | None, typer.Option(help="What identifies a case in files of labels: an input, or unit.")]
IfFull = Annotated[
    WhenFull | None,
    typer.Option(help="When a record cannot be written: refuse the caller, or answer and count it as unrecorded."),
]
ConceptDetectors = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,...",
        help="Online detectors of concept drift: adwin, page_hinkley, kswin, ddm, dummy; none: none.",
    ),
]
Privacy = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN=RULE,...",
        help="What the log gets of an input, of output.NAME, or of unit (the sticky key): keep, hash or drop.",
    ),
]
Images = Annotated[
    str | None, typer.Option(metavar="all|none|SHARE", help="Which images the log keeps; descriptors it always keeps.")
]


@app.command()
def create(
    name: Name,
    model: Annotated[str, typer.Option(metavar="NAME:V", help="The version that answers.")],
    deadline_ms: DeadlineMs = None,
    durability: HowDurable = None,
    when_full: IfFull = None,
    label_key: LabelKey = None,
    retention_days: RetentionDays = None,
    concept_detectors: ConceptDetectors = None,
    privacy: Privacy = None,
    images: Images = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Create an endpoint; returns once every live gateway serves it.

    Example: [bold]interlock endpoint create wine --model wine:1[/bold]
    """
    check_name("endpoint", name)
    split_ref(model)
    with connect(server, home) as client, working(f"loading {model}"):
        options = _given(
            deadline_ms=deadline_ms, durability=durability, when_full=when_full, label_key=label_key,
            retention_days=retention_days, concept_detectors=_detectors(concept_detectors),
            privacy=_rules(privacy), images=_images(images),
        )  # fmt: skip
        found = client.create_endpoint(name, model, **options)
        gateway = client.gateway.url
    if as_json:
        show_json(found)
    else:
        print(f"{model} answers at {gateway}/v2/models/{name}/infer and {gateway}/endpoints/{name}/invocations")


@app.command()
def change(
    name: Name,
    deadline_ms: DeadlineMs = None,
    durability: HowDurable = None,
    when_full: IfFull = None,
    label_key: LabelKey = None,
    retention_days: RetentionDays = None,
    concept_detectors: ConceptDetectors = None,
    privacy: Privacy = None,
    images: Images = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Change how an endpoint serves and what its log gets, without a pause; what is not named stays.

    Example: [bold]interlock endpoint change wine --durability disk --privacy email=hash,unit=hash[/bold]
    """
    options = _given(
        deadline_ms=deadline_ms, durability=durability, when_full=when_full, label_key=label_key,
        retention_days=retention_days, concept_detectors=_detectors(concept_detectors),
            privacy=_rules(privacy), images=_images(images),
    )  # fmt: skip
    if not options:
        raise InvalidInputError("nothing to change; name an option, as --help lists them")
    with connect(server, home) as client:
        found = client.change_endpoint(name, **options)
    if as_json:
        show_json(found)
    else:
        show_facts({**{field: found[field] for field in _FACTS}, "log": _spell_log(found)})


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@app.command("list")
def list_endpoints(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List endpoints.

    Example: [bold]interlock endpoint list[/bold]
    """
    with connect(server, home) as client:
        found = client.endpoints()
    if as_json:
        show_json({"endpoints": found})
    else:
        columns = ("name", "model", "traffic", "deadline_ms", "created_at", "created_by")
        show_table(found, columns, empty="no endpoints yet; `interlock endpoint create NAME --model NAME:V` makes one")


@app.command()
def show(name: Name, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show an endpoint: who answers, with what share, and what it takes.

    Example: [bold]interlock endpoint show wine[/bold]
    """
    with connect(server, home) as client:
        found = client.endpoint(name)
    if as_json:
        show_json(found)
        return
    show_facts({**{field: found[field] for field in _FACTS}, "log": _spell_log(found)})
    print("\ninputs")
    show_table([spell_field(field) for field in found["contract"]["inputs"]], FIELD_COLUMNS, empty="none")


@app.command()
def delete(name: Name, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Stop serving an endpoint. Its log stays.

    Example: [bold]interlock endpoint delete wine[/bold]
    """
    with connect(server, home) as client:
        client.delete_endpoint(name)
    if as_json:
        show_json({"deleted": name})
    else:
        print(f"deleted {name}; its log stays")


def _rules(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    rules = {}
    for part in split(text):
        column, _, rule = part.rpartition("=")
        if not column or rule not in ("keep", "hash", "drop"):
            raise InvalidInputError(f"--privacy {part!r}, must be COLUMN=keep, COLUMN=hash or COLUMN=drop")
        rules[column] = rule
    return rules


def _detectors(text: str | None) -> list[str] | None:
    if text is None:
        return None
    return [] if text == "none" else list(split(text))


def _images(text: str | None) -> str | float | None:
    if text is None or text in ("all", "none"):
        return text
    try:
        return float(text)
    except ValueError:
        raise InvalidInputError(f"--images {text!r}, must be all, none, or a share like 0.01") from None


def _spell_log(found: dict[str, Any]) -> str:
    said = [f"{column} {'hashed' if rule == 'hash' else 'dropped'}" for column, rule in found["withheld"].items()]
    if found["image_share"] is not None:
        said.append(f"images kept: {found['image_share']:.4g}")
    return ", ".join(said) or "every column is kept"
