"""What docs/contracts.md shows is run: its contract file, its request, its table of columns."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from interlock.domain.contract import Contract, Field, Time
from interlock.domain.declaration import DeclaredField, parse
from interlock.gateway.columns import ColumnReader
from interlock.gateway.open_inference import decode, read_rows
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import field_types
from interlock.registry import declared_fields
from interlock.stats import image_descriptors

PAGE = (Path(__file__).parents[3] / "docs" / "contracts.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def documented() -> Contract:
    """The contract of the page's file, for a model whose countries were learnt."""
    (file,) = blocks("yaml")
    declaration = parse(yaml.safe_load(file))
    learnt = [Field(name="country", datatype="BYTES", categories=("de", "fr"))]
    learnt += [Field(name=name, datatype="BYTES") for name in declaration.inputs if name != "country"]
    inputs = declared_fields.inputs(learnt, declaration, is_guess=True)
    probabilities = Field(name="probabilities", datatype="FP64", shape=(2,))
    return declared_fields.outputs(Contract(inputs=inputs, outputs=(probabilities,)), declaration)


def test_the_file_means_what_the_page_says() -> None:
    found = {field.name: field for field in documented().inputs}
    assert (found["age"].minimum, found["age"].maximum, found["age"].nullable) == (0.0, 120.0, True)
    assert found["plan"].categories == ("free", "pro", "team")
    assert (found["country"].categories, found["country"].declared) == (("de", "fr"), True)
    assert found["signup"].time == Time(zone="Europe/Berlin", unit="s")
    assert found["clicks"].shape == (-1,)
    assert found["photo"].image is not None
    assert found["photo"].image.keep == 0.01
    assert found["email"].privacy == "hash"
    assert documented().outputs[0].privacy == "drop"


def test_every_key_is_in_the_table() -> None:
    keys = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))))
    assert set(DeclaredField.__struct_fields__) <= keys


def test_the_request_is_taken() -> None:
    (body,) = blocks("json")
    names = [tensor["name"] for tensor in json.loads(body)["inputs"]]
    contract = documented()
    reader = ColumnReader(Contract(inputs=tuple(f for f in contract.inputs if f.name in names), outputs=()))
    rows = reader.join([read_rows(*decode(body.encode(), None), reader)])
    assert rows["signup"][0] == rows["signup"][1]


@pytest.mark.parametrize(
    ("field", "column"),
    [
        (Field(name="x", datatype="FP32"), "double"),
        (Field(name="x", datatype="UINT32"), "bigint"),
        (Field(name="x", datatype="BOOL"), "boolean"),
        (Field(name="x", datatype="BYTES"), "string"),
        (Field(name="x", datatype="BYTES", time=Time(is_date=True)), "date"),
        (Field(name="x", datatype="BYTES", time=Time()), "timestamp"),
        (Field(name="x", datatype="FP32", shape=(3,)), "array<double>"),
        (Field(name="x", datatype="INT64", shape=(3,)), "array<bigint>"),
        (Field(name="x", datatype="UINT8", shape=(3,)), "array<smallint>"),
        (Field(name="x", datatype="BYTES", shape=(-1,)), "array<string>"),
    ],
)
def test_the_log_has_the_columns_of_the_table(field: Field, column: str, tmp_path: Path) -> None:
    kinds = field_types(Contract(inputs=(field,), outputs=()))
    log = DeltaLog(tmp_path)
    table = pa.table({"input.x": pa.nulls(1, kinds["input.x"]), "date": pa.nulls(1, pa.date32())})
    log.append("predictions", "e", table, {"test": 1})
    delta = log.table("predictions", "e")
    assert delta is not None
    kind = json.loads(delta.schema().to_json())["fields"][0]["type"]
    # Delta's own words for what SQL calls so.
    words = {"long": "bigint", "short": "smallint"}
    element = kind if isinstance(kind, str) else kind["elementType"]
    found = words.get(element, element)
    assert (found if isinstance(kind, str) else f"array<{found}>") == column
    assert f"`{column}`" in PAGE


def test_every_descriptor_is_named() -> None:
    for name in image_descriptors.NAMES:
        assert f"`{name}`" in PAGE or f".{name}`" in PAGE
