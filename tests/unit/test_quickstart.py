"""The curl line that a newcomer copies is one that the endpoint takes."""

import shlex
from pathlib import Path

import msgspec
import pytest

from interlock.domain.contract import Contract, Field, Image, Time
from interlock.gateway import invocations, open_inference
from interlock.gateway.columns import ColumnReader, Rows
from interlock.quickstart import _example_row, curl_line

IMAGE = Field(name="photo", datatype="UINT8", shape=(8, 6, 3), image=Image())
TIMES = (
    Field(name="wall", datatype="BYTES", time=Time()),
    Field(name="instant", datatype="INT64", time=Time(zone="UTC", unit="s")),
    Field(name="day", datatype="BYTES", time=Time(is_date=True)),
    Field(name="small", datatype="UINT8"),
    Field(name="plan", datatype="BYTES", categories=("free",), declared=True),
)


def taken(contract: Contract, reference: Path | None = None) -> Rows:
    """The rows of the curl line's request, as the gateway reads it."""
    inputs = msgspec.to_builtins(contract.inputs)
    words = shlex.split(curl_line("http://x", "key", "e", _example_row(inputs, reference), inputs))
    body, reader = words[-1].encode(), ColumnReader(contract)
    if "/infer" in words[2]:
        rows = open_inference.read_rows(*open_inference.decode(body, None), reader)
    else:
        rows = invocations.read_rows(invocations.decode(body, b"application/json", reader), reader)
    if rows.undecoded is not None:
        reader.decode(rows)
    return rows


@pytest.mark.parametrize("fields", [TIMES, (IMAGE,), (*TIMES, IMAGE)])
def test_a_made_up_row_keeps_the_contract(fields: tuple[Field, ...]) -> None:
    assert taken(Contract(inputs=fields, outputs=())).count == 1


def test_a_row_of_the_reference_keeps_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("wall,instant,day,small,plan\n2026-03-01T12:00:00,2026-03-01T12:00:00Z,2026-03-01,3,free\n")
    rows = taken(Contract(inputs=TIMES, outputs=()), file)
    assert rows.columns["wall"].tolist() == rows.columns["instant"].tolist()  # type: ignore[union-attr]  # arrays


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_made_up_image_is_one_that_pillow_reads(channels: int) -> None:
    field = msgspec.structs.replace(IMAGE, shape=(-1, 6, channels))
    rows = taken(Contract(inputs=(field,), outputs=()))
    assert rows.shapes == ((16, 6, channels),)
