"""Images, times, tensors and privacy rules over a real server, into the spool and the log."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from onnx import TensorProto
from tests.graphs import numbers, texts
from tests.pictures import encode, pixels, png

from interlock.domain.contract import Contract, Field, Image, Time
from interlock.predictions.collector import Collector
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.hashing import KEY_NAME, Hasher
from interlock.settings import Settings
from interlock.stats import image_descriptors

PREDICTION = (Field(name="prediction", datatype="FP64"),)
PHOTO = Field(name="x", datatype="UINT8", shape=(8, 6, 3), image=Image(resize="bilinear"))
JOINED = Field(name="x", datatype="INT64", time=Time(zone="UTC", unit="s", model_takes="integer"))
COLOUR = Field(name="x", datatype="BYTES", categories=("red", "blue"))


def contract(field: Field) -> Contract:
    return Contract(inputs=(field,), outputs=PREDICTION, task="regression")


def prepare(world: Any) -> None:
    """An endpoint for each of four types."""
    world.register("photo:1", contract(PHOTO), numbers(TensorProto.FLOAT, 8, 6, 3))
    world.register("joined:1", contract(JOINED), numbers(TensorProto.INT64, 1))
    world.register("colour:1", contract(COLOUR), texts())
    world.register(
        "grid:1", contract(Field(name="x", datatype="INT64", shape=(2, -1))), numbers(TensorProto.INT64, 2, None)
    )

    for name in ("photo", "joined", "colour", "grid"):
        world.plan(name, f"{name}:1")


@pytest.fixture
def typed(world: Any, start: Callable[..., Any]) -> Iterator[Any]:
    prepare(world)
    with start(world) as found:
        yield found


def logged(world: Any, endpoint: str) -> pa.Table:
    """The log of an endpoint, after its gateway has gone."""
    settings: Settings = world.settings
    hasher = Hasher(settings.home)
    collector = Collector(settings.spools, settings.log, world.store, lambda: datetime.now(UTC), hasher=hasher)
    collector.step(commit_all=True)
    table = DeltaLog(settings.log).table("predictions", endpoint)
    assert table is not None
    return pa.table(table.to_pyarrow_table())


def test_an_image_is_answered_alike_however_it_comes(typed: Any) -> None:
    triton = pytest.importorskip("tritonclient.http")
    picture = pixels()
    coded = b64encode(encode(picture)).decode()
    expected = float(picture.sum())
    with triton.InferenceServerClient(typed.url.removeprefix("http://")) as client:
        encoded = triton.InferInput("x", [2], "BYTES")
        encoded.set_data_from_numpy(np.array([encode(picture)] * 2, dtype=object))
        raw = triton.InferInput("x", [2, 8, 6, 3], "UINT8")
        raw.set_data_from_numpy(np.stack([picture] * 2))
        for given in (encoded, raw):
            assert client.infer("photo", [given]).as_numpy("prediction").tolist() == [expected] * 2
        described = client.get_model_metadata("photo")["inputs"][0]
    assert described["shape"] == [-1, 8, 6, 3]
    assert described["parameters"] == {"content_type": "image", "formats": ["png", "jpeg"]}
    infer = typed.infer([{"name": "x", "datatype": "BYTES", "shape": [1], "data": [coded]}], endpoint="photo")
    assert infer.json()["outputs"][0]["data"] == [expected]
    for body in (
        {"instances": [coded]},
        {"dataframe_records": [{"x": coded}]},
        {"inputs": {"x": picture[None].tolist()}},
    ):
        answer = typed.client.post("/endpoints/photo/invocations", json=body)
        assert answer.json() == {"predictions": [expected]}
    csv = typed.client.post(
        "/endpoints/photo/invocations", content=f"x\n{coded}\n", headers={"Content-Type": "text/csv"}
    )
    assert csv.json() == {"predictions": [expected]}


def test_bad_images_are_refused_with_field_and_row(typed: Any) -> None:
    answer = typed.client.post("/endpoints/photo/invocations", json={"instances": ["aGVsbG8="]})
    assert answer.status_code == 400
    assert answer.json()["error"] == "x[0] is no image, must be PNG or JPEG"
    assert typed.world.records() == []


def test_large_images_take_the_detour_and_are_answered(typed: Any) -> None:
    big = b64encode(png(600, 400)).decode()
    answers = [typed.client.post("/endpoints/photo/invocations", json={"instances": [big]}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3


def test_kept_images_are_files_beside_their_descriptors(world: Any, start: Callable[..., Any]) -> None:
    picture = pixels()
    file = encode(picture)
    prepare(world)
    with start(world) as server:
        server.client.post("/endpoints/photo/invocations", json={"instances": [b64encode(file).decode()] * 2})
        server.client.post("/endpoints/photo/invocations", json={"inputs": {"x": picture[None].tolist()}})
    rows = logged(world, "photo")
    names = rows["input.x"].to_pylist()
    folder = world.settings.log / "images" / "photo"
    assert len(set(names)) == 2  # the same file is stored once
    assert (folder / names[0]).read_bytes() in (file, (folder / names[-1]).read_bytes())
    described = image_descriptors.describe(picture).to_dict()
    for name, value in described.items():
        assert rows[f"input.x.{name}"].to_pylist() == [value] * 3


def test_no_image_is_kept_where_the_plan_says_none(world: Any, start: Callable[..., Any]) -> None:
    prepare(world)
    world.plan("photo", "photo:1", image_share=0.0)
    with start(world) as server:
        server.client.post("/endpoints/photo/invocations", json={"instances": [b64encode(png()).decode()] * 3})
    rows = logged(world, "photo")
    assert rows["input.x"].to_pylist() == [None] * 3
    assert rows["input.x.width"].to_pylist() == [6] * 3
    assert not (world.settings.log / "images").exists()


def test_a_sample_of_images_is_kept_and_the_same_one_again(world: Any, start: Callable[..., Any]) -> None:
    prepare(world)
    world.plan("photo", "photo:1", image_share=0.3)
    with start(world) as server:
        files = [b64encode(png(seed=seed)).decode() for seed in range(60)]
        server.client.post("/endpoints/photo/invocations", json={"instances": files})
    kept = [name for name in logged(world, "photo")["input.x"].to_pylist() if name]
    assert 3 <= len(kept) <= 40


def test_times_come_as_text_or_integers_and_are_logged_as_timestamps(world: Any, start: Callable[..., Any]) -> None:
    rows = [{"x": "2001-09-09T01:46:40Z"}, {"x": 1_000_000_000}]
    prepare(world)
    with start(world) as server:
        answer = server.client.post("/endpoints/joined/invocations", json={"dataframe_records": rows})
        described = server.client.get("/v2/models/joined").json()["inputs"][0]
    assert answer.json() == {"predictions": [1e9, 1e9]}
    assert described == {
        "name": "x", "datatype": "INT64", "shape": [-1],
        "parameters": {"content_type": "datetime", "zone": "UTC", "unit": "s"},
    }  # fmt: skip
    column = logged(world, "joined")["input.x"]
    assert str(column.type) == "timestamp[us, tz=UTC]"
    assert [at.isoformat() for at in column.to_pylist()] == ["2001-09-09T01:46:40+00:00"] * 2


def test_rows_of_several_shapes_are_refused_in_one_request_and_answered_in_several(
    world: Any, start: Callable[..., Any]
) -> None:
    url, some = "/endpoints/grid/invocations", ([[1], [2]], [[1, 1], [2, 2]])
    prepare(world)
    with start(world) as server:
        ragged = server.client.post(url, json={"instances": list(some)})
        answers = [server.client.post(url, json={"instances": [row]}).json() for row in some]
    assert ragged.status_code == 400
    assert "ragged" in ragged.json()["error"]
    assert answers == [{"predictions": [3.0]}, {"predictions": [6.0]}]
    values = logged(world, "grid")["input.x"].to_pylist()
    assert sorted(values) == [[[1], [2]], [[1, 1], [2, 2]]]


def test_privacy_rules_hold_before_the_spool(world: Any, start: Callable[..., Any]) -> None:
    prepare(world)
    rules = {"input.x": "hash", "output.prediction": "drop", "unit": "hash"}
    world.plan("colour", "colour:1", privacy=rules)
    with start(world) as server:
        for unit, colour in (("anna", "vermilion"), ("otto", "vermilion")):
            answer = server.client.post(
                "/endpoints/colour/invocations", json={"instances": [colour]}, headers={"X-Interlock-Key": unit}
            )
            assert answer.json() == {"predictions": [0.0]}
    spooled = b"".join(path.read_bytes() for path in (world.settings.spools / "gw0").iterdir() if path.is_file())
    for secret in (b"vermilion", b"anna", b"otto"):
        assert secret not in spooled
    key = world.settings.home / KEY_NAME
    assert key.stat().st_mode & 0o777 == 0o600
    rows = logged(world, "colour")
    hasher = Hasher(world.settings.home)
    assert rows["input.x~hash"].to_pylist() == [hasher.digest("vermilion")] * 2
    assert sorted(rows["unit"].to_pylist()) == sorted([hasher.digest("anna"), hasher.digest("otto")])
    assert "output.prediction" not in rows.column_names
    assert rows["withheld"].to_pylist() == [["input.x", "output.prediction", "unit"]] * 2


def test_a_contracts_own_rule_holds_until_the_endpoint_says_otherwise(world: Any, start: Callable[..., Any]) -> None:
    secret = Field(name="x", datatype="BYTES", privacy="drop")
    world.plan("colour", world.register("colour:1", contract(secret), texts()))
    with start(world) as server:
        server.client.post("/endpoints/colour/invocations", json={"instances": ["red"]})
        plan = world.plan("colour", "colour:1", privacy={"input.x": "keep"})
        server.wait(lambda: serves(world, plan.generation))
        server.client.post("/endpoints/colour/invocations", json={"instances": ["blue"]})
    rows = logged(world, "colour")
    assert sorted(rows["input.x"].to_pylist(), key=str) == [None, "blue"]


def serves(world: Any, generation: int) -> bool:
    with world.store.read() as tx:
        states = tx.gateways.live(datetime(2026, 1, 1, tzinfo=UTC))
    return any(state.generations.get("colour", 0) >= generation for state in states)
