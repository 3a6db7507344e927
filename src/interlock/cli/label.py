"""`interlock label`: tell what was true, from a file."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import note, show_json
from interlock.cli.progress import batches
from interlock.domain.errors import InvalidInputError

_LABELS_A_REQUEST = 2_000
_FIELDS = ("prediction_id", "request_id", "request_row", "label", "observed_at", "source", "weight")


def label(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    file: Annotated[Path, typer.Argument(help="Columns prediction_id (or request_id) and label.")],
    time_column: Annotated[str | None, typer.Option(help="Column that says when the label was observed.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Send labels from a file, by prediction id or by your own request id.

    Optional columns: request_row, observed_at, source, weight. Exit code 1 if any label was rejected.

    Example: [bold]interlock label wine landed.csv --time-column landed_at[/bold]
    """
    from interlock.client.data_file import read_columns  # Arrow takes a moment that other commands need not wait for

    labels = _labels(read_columns(file), time_column)
    accepted, rejected = 0, list[dict[str, Any]]()
    with connect(server, home) as client:
        for start in batches(len(labels), _LABELS_A_REQUEST):
            answer = client.label(endpoint, labels[start : start + _LABELS_A_REQUEST])
            accepted += answer["accepted"]
            rejected += [{**each, "index": each["index"] + start} for each in answer["rejected"]]
    if as_json:
        show_json({"accepted": accepted, "rejected": rejected})
    else:
        print(f"{accepted} accepted, {len(rejected)} rejected")
        for each in rejected[:10]:
            note(f"row {each['index'] + 1}: {each['error']}")
    raise typer.Exit(1 if rejected else 0)


def _labels(columns: dict[str, list[Any]], time_column: str | None) -> list[dict[str, Any]]:
    if time_column is not None:
        if time_column not in columns:
            raise InvalidInputError(f"time column {time_column!r} is not in the file; it has {', '.join(columns)}")
        columns = {**columns, "observed_at": columns[time_column]}
    faults = [] if "label" in columns else ["the file has no column 'label'"]
    if not {"prediction_id", "request_id"} & columns.keys():
        faults.append("the file has neither a column 'prediction_id' nor 'request_id'")
    if faults:
        raise InvalidInputError(*faults, f"it has: {', '.join(columns)}")
    sent = {name: [_plain(value) for value in columns[name]] for name in _FIELDS if name in columns}
    return [
        {name: value for name, value in zip(sent, row, strict=True) if value is not None}
        for row in zip(*sent.values(), strict=True)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.astimezone()).isoformat()
    return value
