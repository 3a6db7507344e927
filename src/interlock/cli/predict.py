"""`interlock predict`: ask an endpoint about the rows of a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_json, show_table
from interlock.cli.progress import batches

_ROWS_A_REQUEST = 500
# Of a camera's size they fill the body that a gateway takes.
_IMAGES_A_REQUEST = 4
_SHOWN = 20


def predict(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    data: Annotated[Path, typer.Option(help="Rows: .csv, .parquet, .json or .jsonl.")],
    key: Annotated[str | None, typer.Option(help="Sticky key of the unit that all rows are about.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Predict the rows of a file. Columns that the endpoint does not take are left out; an image is named by its file.

    Example: [bold]interlock predict wine --data new.csv --json[/bold]
    """
    from interlock.client.data_file import read_columns  # Arrow takes a moment that other commands need not wait for

    columns = read_columns(data)
    found: list[dict[str, Any]] = []
    with connect(server, home) as client:
        inputs = client.metadata(endpoint)["inputs"]
        taken = {field["name"] for field in inputs}
        rows = len(next(iter(columns.values())))
        columns = {name: values for name, values in columns.items() if name in taken} or columns
        images = {field["name"] for field in inputs if field.get("parameters", {}).get("content_type") == "image"}
        for name in images & columns.keys():
            columns[name] = [_file(data.parent, value) for value in columns[name]]
        most = _IMAGES_A_REQUEST if images else _ROWS_A_REQUEST
        for start in batches(rows, most):
            part = {name: values[start : start + most] for name, values in columns.items()}
            answer = client.predict(endpoint, part, key=key)
            found += [
                {"prediction_id": id, "prediction": value, "version": answer.version}
                for id, value in zip(answer.ids, answer.values, strict=True)
            ]
    if as_json:
        show_json({"endpoint": endpoint, "predictions": found})
        return
    show_table(found[:_SHOWN], ("prediction_id", "prediction", "version"), empty="no rows")
    if len(found) > _SHOWN:
        print(f"... and {len(found) - _SHOWN} more; --json prints all")


def _file(folder: Path, value: Any) -> Any:
    """The file that a text names, beside the file of rows; a text that names none is an image in base64."""
    if isinstance(value, str) and len(value) < 1000 and (folder / value).is_file():
        return folder / value
    return value
