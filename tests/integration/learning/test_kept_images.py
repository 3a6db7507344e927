"""Retraining on pictures: those that the log kept teach and judge, those that it did not are counted and left out."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tests import pictures
from tests.integration.learning.conftest import World

from interlock import bootstrap
from interlock.domain import declaration
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.image_log import ImageLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS
from interlock.predictions.parts import LoggedImage
from interlock.process.home import prepare
from interlock.registry.endpoints import Endpoints
from interlock.registry.registration import Registration
from interlock.registry.service import Registry
from interlock.settings import Settings

ROWS = 600
SIDE = 8
START = datetime(2026, 1, 1, tzinfo=UTC)


def photographs(rows: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noise whose upper half (class 1) or lower half (class 0) is a little brighter: shape (rows, 8, 8, 3)."""
    rng = np.random.default_rng(seed)
    found, labels = rng.integers(0, 160, (rows, SIDE, SIDE, 3)), rng.integers(0, 2, rows)
    found[labels == 1, : SIDE // 2] += 40
    found[labels == 0, SIDE // 2 :] += 40
    return found.astype(np.uint8), labels


class PictureWorld(World):
    """A server's home with an endpoint that looks at pictures."""

    def serve_pictures(self) -> None:
        """Register a model that has seen 60 pictures, sent in any size."""
        pixels, labels = photographs(60, 1)
        model = LogisticRegression(max_iter=200).fit(pixels.reshape(60, -1), labels)
        skops.io.dump(model, self.folder / "v1.skops")
        files = pa.array([pictures.encode(each) for each in pixels], pa.binary())
        pq.write_table(pa.table({"photo": files, "vehicle": labels}), self.folder / "v1.parquet")
        contract = declaration.parse({"inputs": {"photo": {"type": "image", "resize": "nearest", "keep": 0.5}}})
        registry = Registry(self.store, self.settings.artifacts, bootstrap.now)
        version = registry.register(
            Registration(
                name="vehicles",
                source=self.folder / "v1.skops",
                reference=self.folder / "v1.parquet",
                label="vehicle",
                contract=contract,
            )
        )
        Endpoints(self.store, bootstrap.now).create(self.endpoint, version.ref, actor=self.actor)

    def log_pictures(self, rows: int, share: float) -> list[bytes]:
        """Commit predictions of pictures, as the collector does, and their labels. Returns the files."""
        self.commits += 1
        pixels, labels = photographs(rows, 2)
        files = [pictures.encode(each) for each in pixels]
        ids = [f"{self.commits:04d}-{at:07d}" for at in range(rows)]
        images = ImageLog(self.settings.log).columns(
            self.endpoint, "input.photo", [LoggedImage(file, share) for file in files], ids
        )
        events = pa.array([START + timedelta(minutes=self.commits * 1000 + at) for at in range(rows)]).cast(
            PREDICTIONS.field("event_at").type
        )
        table = {name: pa.nulls(rows, PREDICTIONS.field(name).type) for name in PREDICTIONS.names}
        constant = {"version": "vehicles:1", "assigned_version": "vehicles:1", "role": "champion"}
        table |= {name: pa.array([value] * rows) for name, value in (constant | {"attempt_status": "ok"}).items()}
        table |= {"prediction_id": pa.array(ids), "event_at": events, "date": events.cast(pa.date32())} | images
        log = DeltaLog(self.settings.log)
        log.append("predictions", self.endpoint, pa.table(table), {"test": self.commits})
        log.append("labels", self.endpoint, pa.table(self._said(ids, labels, events)), {"test": self.commits})
        return files

    @staticmethod
    def _said(ids: list[str], labels: NDArray[np.int64], events: pa.Array) -> dict[str, Any]:
        rows = len(ids)
        text = pa.array([str(label) for label in labels])
        found = {name: pa.nulls(rows, LABELS.field(name).type) for name in LABELS.names}
        return found | {
            "prediction_id": pa.array(ids),
            "label": text,
            "label_text": text,
            "label_number": pa.array(labels.astype(float)),
            "observed_at": events,
            "at": events,
            "source": pa.array(["natural"] * rows),
            "batch_row": pa.array(range(rows), pa.int32()),
        }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PictureWorld]:
    settings = Settings(home=tmp_path / "home")
    prepare(settings)
    bootstrap.migrate(settings)
    store = bootstrap.build_store(settings)
    found = PictureWorld(settings, store, tmp_path, endpoint="vehicles")
    found.serve_pictures()
    stop = threading.Event()
    collector = threading.Thread(target=bootstrap.build_collector(settings).run, args=(stop,))
    collector.start()
    yield found
    stop.set()
    collector.join()
    store.close()


def test_the_champions_recipe_learns_from_pictures_and_takes_what_the_champion_took(world: PictureWorld) -> None:
    world.log_pictures(ROWS, 1.0)
    world.declare(trainer="sklearn")
    run = world.perform()
    assert run.state == "registered", run.reason
    assert run.data is not None
    assert (run.data.training_rows + run.data.heldout_rows, run.data.unkept_images) == (ROWS, 0)
    assert run.judgement is not None
    assert run.judgement.rows == run.data.heldout_rows == 120
    assert run.judgement.candidate_failures == 0
    assert run.judgement.candidate_loss < run.judgement.champion_loss
    with world.store.read() as tx:
        old, new = (tx.models.get(ref).contract.input("photo") for ref in ("vehicles:1", "vehicles:2"))
    assert new == old
    assert new is not None
    assert new.image is not None
    assert (new.image.resize, new.image.keep) == ("nearest", 0.5)


def test_a_trainer_gets_pictures_as_they_were_sent_and_as_the_model_sees_them(world: PictureWorld) -> None:
    files = world.log_pictures(ROWS, 1.0)
    (world.folder / "sent").write_bytes(msgspec.msgpack.encode(files))
    world.trainer(
        """
import msgspec
from pathlib import Path
from interlock.domain.errors import InvalidInputError
sent = msgspec.msgpack.decode(Path(context.parameters["sent"]).read_bytes())
table = context.arrow()
assert table["photo"].to_pylist() == sent[: table.num_rows]
assert context.pandas()["photo"].tolist() == context.polars()["photo"].to_list() == sent[: table.num_rows]
pixels = context.pixels("photo")
assert (str(pixels.dtype), pixels.shape) == ("uint8", (table.num_rows, 8, 8, 3))
parts = [context.pixels("photo", batch) for batch in context.batches(100)]
assert sum(len(part) for part in parts) == len(pixels) and (parts[0] == pixels[:100]).all()
try:
    context.pixels("label")
except InvalidInputError as error:
    print(error)
return context.load_parent().fit(pixels.reshape(len(pixels), -1), table[context.label].to_numpy())
""",
        parameters={"sent": str(world.folder / "sent")},
    )
    run = world.perform()
    assert run.state == "registered", run.reason
    assert "input 'label' is no image; there is photo" in world.runs.log(run.id, 10_000)


def test_rows_whose_picture_was_not_kept_are_counted_and_left_out(world: PictureWorld) -> None:
    world.log_pictures(2 * ROWS, 0.5)
    page = (Path(__file__).parents[3] / "docs" / "retraining.md").read_text()
    block = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[1]  # in parts, as the page shows
    (world.folder / "parts.py").write_text(block)
    world.declare(trainer="python:parts.train_in_parts", code=str(world.folder))
    run = world.perform()
    assert run.judgement is not None, run.reason
    assert run.judgement.candidate_failures == 0
    assert run.data is not None
    assert run.data.unkept_images == pytest.approx(ROWS, abs=100)
    assert run.data.training_rows + run.data.heldout_rows == 2 * ROWS - run.data.unkept_images


def test_where_no_picture_was_kept_nothing_is_learnt_and_the_reason_says_so(world: PictureWorld) -> None:
    world.log_pictures(ROWS, 0.0)
    world.declare(trainer="sklearn")
    run = world.perform()
    assert run.state == "failed"
    assert run.reason.startswith(f"the log kept the images (input.photo) of none of {ROWS} labelled rows")
    assert "interlock endpoint change vehicles --images all" in run.reason
    assert world.versions() == ["vehicles:1"]


def test_a_picture_that_has_gone_fails_the_run_by_name(world: PictureWorld) -> None:
    world.log_pictures(ROWS, 1.0)
    gone = sorted((world.settings.log / "images" / "vehicles").glob("*/*.png"))[0]
    gone.unlink()
    world.trainer("return context.arrow()")
    run = world.perform()
    assert run.state == "failed"
    assert run.reason.startswith(f"image {gone.parent.name}/{gone.name} cannot be read")


def test_pictures_that_come_twice_are_seen_to_be_the_same(world: PictureWorld) -> None:
    for _ in range(2):
        world.log_pictures(ROWS, 1.0)
    world.declare(trainer="sklearn", holdout=0.5)
    run = world.perform()
    assert run.state == "failed"
    assert run.reason.startswith(f"{ROWS} of {ROWS} held-out rows stand among the training rows with the same inputs")
