"""How to call an endpoint, as text to copy: the right address and names, and a row that the contract takes."""

import json
import shlex
from typing import Any

from interlock.client.rows import encode_inputs
from interlock.domain.contract import Contract, Field

# Of the protocol's datatypes, where the names differ.
_NUMPY = {
    "BOOL": "bool", "FP16": "float16", "FP32": "float32", "FP64": "float64",
    **{f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)},
}  # fmt: skip


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


def triton(gateway: str, endpoint: str, contract: Contract) -> str:
    """The same with NVIDIA's client, which speaks the Open Inference Protocol; empty for images.

    Args:
        gateway: As of `curl`.
    """
    if any(field.image is not None for field in contract.inputs):
        return ""
    kinds = {field.name: field.datatype for field in contract.inputs}
    lines = []
    for name, value in example(contract).items():
        kind = "object" if kinds[name] == "BYTES" else _NUMPY.get(kinds[name], "float64")
        array = f"np.array([{value!r}], dtype={kind!r})"
        lines.append(f"    {name!r}: ({array}, {kinds[name]!r}),\n")
    host, scheme = gateway.partition("://")[2], gateway.partition("://")[0]
    secure = ", ssl=True" if scheme == "https" else ""
    return (
        "import os\n\nimport numpy as np\nimport tritonclient.http as http\n\n"
        f"client = http.InferenceServerClient({host!r}{secure})\n"
        f"row = {{\n{''.join(lines)}}}\ninputs = []\n"
        "for name, (array, kind) in row.items():\n"
        "    given = http.InferInput(name, list(array.shape), kind)\n"
        "    given.set_data_from_numpy(array)\n    inputs.append(given)\n"
        'key = {"Authorization": "Bearer " + os.environ["INTERLOCK_API_KEY"]}\n'
        f"answer = client.infer({endpoint!r}, inputs, headers=key)\nprint(answer.get_response())"
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
