"""What annotators see of a row."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from interlock.domain.annotation import Task
from interlock.domain.contract import Contract, Field, Image
from interlock.predictions.image_log import ImageLog
from interlock.review.task_rows import describe

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTENT = b"\x89PNG what a picture"
CONTRACT = Contract(
    inputs=(
        Field(name="x", datatype="FP64"),
        Field(name="secret", datatype="BYTES"),
        Field(name="photo", datatype="UINT8", shape=(8, 8, 3), image=Image()),
    ),
    outputs=(Field(name="label", datatype="BYTES"),),
    task="multiclass",
    classes=("car", "truck"),
)


def kept(log: ImageLog, endpoint: str) -> str:
    """The name of an image that the log keeps."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    file = log.folder(endpoint) / digest[:2] / f"{digest}.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    return f"{digest[:2]}/{digest}.png"


def test_inputs_are_shown_with_kept_images_as_pictures_and_without_what_was_withheld(tmp_path: Path) -> None:
    log = ImageLog(tmp_path)
    rows = pa.table(
        {
            "event_at": [NOON] * 3,
            "version": ["m:1"] * 3,
            "input.x": [None, 2, None],
            "input.x~2": [1.5, None, 2.5],
            "input.secret~hash": ["h1", "h2", "h3"],
            "input.photo": [kept(log, "road"), "ab/ab00.png", None],
            "output.label": ["car", "truck", "car"],
        }
    )
    tasks = [Task(prediction_id=f"p{number}", export=1, chance=0.25, reason="random") for number in range(3)]
    found = list(describe(tasks, rows, CONTRACT, log, "road"))
    picture = f"data:image/png;base64,{base64.b64encode(CONTENT).decode()}"
    assert [each["inputs"]["photo"] for each in found] == [picture, None, None], "gone, and never kept"
    assert {each["inputs"]["secret"] for each in found} == {None}
    assert [each["predicted"] for each in found] == ["car", "truck", "car"]
    assert [each["weight"] for each in found] == [4.0] * 3
    assert found[0]["inputs"]["x"] == 1.5
