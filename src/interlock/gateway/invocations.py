"""MLflow's scoring protocol: `invocations` in its four JSON forms and as CSV.

Answers as MLflow's server does (`{"predictions": [...]}`), with one difference on purpose: a model that fails is a 5xx.
For a classifier the predictions are class labels, as in training; with `params: {"output": "all"}` records of every
output.
"""

import csv
import io
from typing import Any, NoReturn

import msgspec

from interlock.domain.contract import RESERVED_PARAMETERS, Field
from interlock.domain.errors import InvalidInputError
from interlock.gateway import lenient_json
from interlock.gateway.calls import Prediction
from interlock.gateway.columns import ColumnReader, Rows
from interlock.gateway.errors import RefusedError
from interlock.gateway.exchange import JSON, Answer
from interlock.gateway.faults import Faults, shown
from interlock.gateway.tensors import Tensor, flatten

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_OF_LANGUAGE_MODELS = ("messages", "prompt", "input")


class Split(msgspec.Struct, gc=False):
    """`DataFrame.to_dict(orient="split")`."""

    data: list[list[Any]]
    columns: list[str] | None = None
    index: Any = None


class Invocation(msgspec.Struct, gc=False):
    """The JSON of a request: one of four forms, and parameters beside it."""

    dataframe_split: Split | None = None
    dataframe_records: list[dict[str, Any]] | None = None
    instances: list[Any] | None = None
    inputs: dict[str, Any] | list[Any] | None = None
    params: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(Invocation)
_encoder = msgspec.json.Encoder()


def decode(body: bytes, content_type: bytes, reader: ColumnReader) -> Invocation:
    """Read a body of any type that MLflow takes.

    Raises:
        InvalidInputError: It is not an invocation.
        RefusedError: The content type is none of them.
    """
    kind, _, parameters = content_type.partition(b";")
    kind = kind.strip().lower()
    if parameters:
        _check_charset(parameters)
    if kind == b"text/csv":
        return Invocation(dataframe_split=_csv(body, reader))
    # curl says x-www-form-urlencoded when told nothing else; the body is JSON all the same.
    if kind not in (b"", b"application/json", b"application/x-www-form-urlencoded") and not kind.endswith(b"+json"):
        raise RefusedError(
            415, "type", f"Content-Type == {kind.decode('latin-1')[:60]!r}, must be application/json or text/csv"
        )
    found = lenient_json.decode(body, _decoder, Invocation)
    given = [form for form in _FORMS if getattr(found, form) is not None]
    if len(given) != 1:
        _refuse_form(given, body)
    known = (*RESERVED_PARAMETERS, *reader.parameters)
    for name in found.params or ():
        if name not in known:
            raise InvalidInputError(f"params: {shown(name)} is not known; there is {' and '.join(known)}")
    return found


def _check_charset(parameters: bytes) -> None:
    for parameter in parameters.lower().split(b";"):
        name, _, value = parameter.strip().partition(b"=")
        if name == b"charset" and value.strip(b'"') == b"utf-8":
            continue
        if name:
            named = parameter.strip().decode("latin-1")[:60]
            raise RefusedError(415, "type", f"Content-Type has {named!r}, may have charset=utf-8 and nothing else")


def _refuse_form(given: list[str], body: bytes) -> NoReturn:
    forms = ", ".join(_FORMS)
    if not given:
        chat = [name for name in _OF_LANGUAGE_MODELS if name in lenient_json.names(body)]
        if chat:
            raise InvalidInputError(
                f"the body has {chat[0]!r}, which asks a language model; this endpoint takes one of {forms}"
            )
    raise InvalidInputError(f"the body has {' and '.join(given) or 'none'} of {forms}, must have one")


def wants_all(request: Invocation) -> bool:
    """Whether the caller asks for every output.

    Raises:
        InvalidInputError: `params.output` is something else than "all" or "prediction".
    """
    output = (request.params or {}).get("output", "prediction")
    if output not in ("all", "prediction"):
        raise InvalidInputError(f'params.output == {shown(output)}, must be "all" or "prediction"')
    return bool(output == "all")


def read_rows(request: Invocation, reader: ColumnReader) -> Rows:
    """Check the rows against a contract.

    Raises:
        InvalidInputError: Anything is wrong; all faults at once.
    """
    faults = Faults()
    tensors = _tensors(request, reader, faults)
    if faults and not tensors:
        faults.raise_now()
    params = request.params or {}
    given = [(name, params[name]) for name in reader.parameters if name in params]
    for_all = [tensor for name, value in given if (tensor := _column(name, [value], reader, faults))]
    return reader.read(tensors, faults, for_all)


def _tensors(request: Invocation, reader: ColumnReader, faults: Faults) -> list[Tensor]:
    if request.dataframe_split is not None:
        return _from_split(request.dataframe_split, reader, faults)
    if request.dataframe_records is not None:
        return _from_records("dataframe_records", request.dataframe_records, reader, faults)
    if request.instances is not None:
        if all(type(row) is dict for row in request.instances):
            return _from_records("instances", request.instances, reader, faults)
        return _from_rows("instances", request.instances, reader, faults)
    given = request.inputs
    if isinstance(given, dict):
        return [tensor for name, values in given.items() if (tensor := _column(name, values, reader, faults))]
    return _from_rows("inputs", given or [], reader, faults)


def _from_split(split: Split, reader: ColumnReader, faults: Faults) -> list[Tensor]:
    if split.columns is None:
        return _from_rows("dataframe_split.data", split.data, reader, faults)
    names, width = split.columns, len(split.columns)
    if not split.data:
        faults.add("dataframe_split.data: 0 rows, must be at least 1")
    for at, row in enumerate(split.data):
        if len(row) != width:
            faults.add(f"dataframe_split.data[{at}] has {len(row)} values, must have {width}, one for each column")
    if faults:
        return []
    columns = zip(*split.data, strict=True)
    return [
        tensor
        for name, values in zip(names, columns, strict=True)
        if (tensor := _column(name, list(values), reader, faults))
    ]


def _from_records(form: str, records: list[dict[str, Any]], reader: ColumnReader, faults: Faults) -> list[Tensor]:
    if not records:
        faults.add(f"{form}: 0 rows, must be at least 1")
        return []
    names = dict.fromkeys(name for record in records for name in record)
    tensors: list[Tensor] = []
    for name in names:
        absent = next((at for at, record in enumerate(records) if name not in record), None)
        field = reader.field(name)
        if absent is not None and (field is None or not field.nullable):
            faults.add(f"{form}[{absent}] lacks {shown(name)}, which other rows have")
        elif tensor := _column(name, [record.get(name) for record in records], reader, faults):
            tensors.append(tensor)
    return tensors


def _from_rows(form: str, rows: list[Any], reader: ColumnReader, faults: Faults) -> list[Tensor]:
    """Rows without names: a matrix in the order of the contract, or the only input."""
    if not rows:
        faults.add(f"{form}: 0 rows, must be at least 1")
        return []
    if type(rows[0]) is not list:
        rows = [[row] for row in rows] if reader.single_vector is None else rows
    shape = _shape_of(rows)
    flat = flatten(form, rows, shape, faults)
    return [] if flat is None else [Tensor(reader.single_vector or form, shape, flat)]


def _column(name: str, values: Any, reader: ColumnReader, faults: Faults) -> Tensor | None:
    if type(values) is not list:
        faults.add(f"{name}: {shown(values)}, must be a list with one value for each row")
        return None
    field: Field | None = reader.field(name)
    if field is None or not field.shape:
        return Tensor(name, (len(values),), values)
    shape = _shape_of(values)
    flat = flatten(name, values, shape, faults)
    return None if flat is None else Tensor(name, shape, flat)


def _shape_of(values: list[Any]) -> list[int]:
    shape: list[int] = []
    level: Any = values
    while type(level) is list and len(shape) < 8:
        shape.append(len(level))
        level = level[0] if level else None
    return shape


def _csv(body: bytes, reader: ColumnReader) -> Split:
    try:
        lines = list(csv.reader(io.StringIO(body.decode())))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"the body is not CSV in UTF-8: {error}") from error
    if not lines:
        raise InvalidInputError("the body is empty, must be CSV with a line of column names")
    fields = [reader.field(name) for name in lines[0]]
    rows: list[list[Any]] = [
        [_cell(text, field) for text, field in zip(line, fields, strict=True)] if len(line) == len(fields) else line
        for line in lines[1:]
        if line
    ]
    return Split(data=rows, columns=lines[0])


def _cell(text: str, field: Field | None) -> Any:
    """What a CSV cell means to its field; what it cannot mean stays text, and is refused as such."""
    if field is None or field.datatype == "BYTES":
        return None if not text and field is not None and field.nullable else text
    if field.datatype == "BOOL":
        return {"true": True, "false": False}.get(text.lower(), text)
    if not text:
        return None
    try:
        return int(text) if field.datatype in ("INT32", "INT64") else float(text)
    except ValueError:
        return text


def encode(prediction: Prediction, *, every_output: bool) -> Answer:
    """The answer's body."""
    names = [field.name for field in prediction.contract.outputs]
    if every_output or (len(names) > 1 and not prediction.contract.is_classifier):
        rows = zip(*(prediction.plain(name) for name in names), strict=True)
        predictions: list[Any] = [dict(zip(names, row, strict=True)) for row in rows]
    else:
        predictions = prediction.plain(names[0])
    return Answer(_encoder.encode({"predictions": predictions}), 200, [JSON])
