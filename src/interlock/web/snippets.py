"""How to call an endpoint, as text to copy: the right address and names, and a row that the contract takes."""

import json
import shlex
from typing import Any

from interlock.client.rows import encode_inputs
from interlock.domain.contract import Contract, Field


def curl(gateway: str, endpoint: str, contract: Contract) -> str:
    """A command line; empty for images, which nobody writes into one.

    Args:
        gateway: Its address, as the reader of the page reaches it.
    """
    if any(field.image is not None for field in contract.inputs):
        return ""
    row = example(contract)
    if any(field.shape for field in contract.inputs):
        known = {field.name: (field.datatype, [-1, *field.shape]) for field in contract.inputs}
        path, body = f"/v2/models/{endpoint}/infer", {"inputs": encode_inputs({n: [v] for n, v in row.items()}, known)}
    else:
        path, body = f"/endpoints/{endpoint}/invocations", {"dataframe_records": [row]}
    return (
        f"curl {gateway}{path} \\\n"
        '  -H "Authorization: Bearer $INTERLOCK_API_KEY" \\\n'
        f"  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(json.dumps(body))}"
    )


def python(control: str, endpoint: str, contract: Contract) -> str:
    """The same in Python.

    Args:
        control: Address of the control port, from which a client learns the gateway's.
    """
    images = {field.name for field in contract.inputs if field.image is not None}
    row = "".join(
        f"    {name!r}: {f'Path({value!r}).read_bytes()' if name in images else repr(value)},\n"
        for name, value in example(contract).items()
    )
    return (
        ("from pathlib import Path\n\n" if images else "")
        + "from interlock import Client\n\n"
        + f"client = Client({control!r})  # the key comes from INTERLOCK_API_KEY\n"
        + f"answer = client.predict({endpoint!r}, [{{\n{row}}}])\nprint(answer.values, answer.version)"
    )


def example(contract: Contract) -> dict[str, Any]:
    """One row that the contract takes: the middle of what was seen."""
    return {field.name: _value(field) for field in contract.inputs if not field.is_parameter}


def _value(field: Field) -> Any:
    if field.image is not None:
        return "picture.png"
    value = _scalar(field)
    for size in reversed(field.shape):
        value = [value] * (1 if size == -1 else size)
    return value


def _scalar(field: Field) -> Any:
    if field.time is not None:
        return "2026-01-31" if field.time.is_date else "2026-01-31T12:00:00" + ("Z" if field.time.zone else "")
    if field.categories:
        return field.categories[0]
    if field.datatype == "BOOL":
        return True
    if field.is_text:
        return "text"
    middle = ((field.minimum or 0.0) + (field.maximum or 0.0)) / 2
    return float(f"{middle:.4g}") if field.is_float else int(middle)
