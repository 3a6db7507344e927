import os
import time
from pathlib import Path

import pytest
from tests.pictures import encode, pixels, png

from interlock.domain.errors import InvalidInputError
from interlock.predictions.image_log import ImageLog, describe_image
from interlock.predictions.parts import LoggedImage
from interlock.stats import image_descriptors


def test_files_are_named_by_their_content_and_read_back(tmp_path: Path) -> None:
    log, file = ImageLog(tmp_path), png()
    raw = pixels(seed=5)
    images = [LoggedImage(file, 1.0), None, LoggedImage([*raw.shape, raw.tobytes()], 1.0), LoggedImage(file, 1.0)]
    columns = log.columns("wine", "input.p", images, ["a", "b", "c", "d"])
    names = columns["input.p"].to_pylist()
    assert names[0] == names[3]
    assert names[1] is None
    assert log.read("wine", names[0]) == file
    assert describe_image(log.read("wine", names[2])) == image_descriptors.describe(raw).to_dict()
    assert columns["input.p.width"].to_pylist() == [6, None, 6, 6]
    assert sorted(path.suffix for path in log.folder("wine").rglob("*.*")) == [".png", ".png"]


def test_what_no_row_names_is_swept_when_it_is_old_enough(tmp_path: Path) -> None:
    log = ImageLog(tmp_path)
    images = [LoggedImage(png(seed=seed), 1.0) for seed in range(3)]
    names = log.columns("wine", "input.p", images, ["a", "b", "c"])["input.p"].to_pylist()
    for name in names:
        os.utime(log.folder("wine") / name, (1000, 1000))
    log.columns("wine", "input.p", images[:1], ["d"])  # waits for its commit
    assert log.sweep("wine", {names[1]}, now_seconds=time.time()) == 1
    assert [(log.folder("wine") / name).exists() for name in names] == [True, True, False]
    assert log.sweep("none", set(), now_seconds=time.time()) == 0


def test_doing_it_again_writes_nothing_new(tmp_path: Path) -> None:
    log, images = ImageLog(tmp_path), [LoggedImage(png(seed=seed), 0.5) for seed in range(20)]
    ids = [f"p{number}" for number in range(20)]
    first = log.columns("wine", "input.p", images, ids)
    files = {path: path.stat().st_ino for path in log.folder("wine").rglob("*.png")}
    assert log.columns("wine", "input.p", images, ids) == first
    assert {path: path.stat().st_ino for path in log.folder("wine").rglob("*.png")} == files
    assert 0 < len(files) < 20
    assert first["input.p.height"].null_count == 0


@pytest.mark.parametrize("name", ["../../../etc/passwd", "ab/../../x.png", "/etc/passwd", "ab/cd.png", ""])
def test_only_names_of_kept_images_are_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError):
        ImageLog(tmp_path).read("wine", name)


def test_a_damaged_file_is_not_taken_for_the_image(tmp_path: Path) -> None:
    log = ImageLog(tmp_path)
    name = log.columns("wine", "input.p", [LoggedImage(png(), 1.0)], ["a"])["input.p"][0].as_py()
    (log.folder("wine") / name).write_bytes(b"other")
    with pytest.raises(InvalidInputError, match="is damaged"):
        log.read("wine", name)


def test_what_cannot_be_decoded_here_has_no_descriptors() -> None:
    assert describe_image(b"no image") == {}
    assert describe_image(encode(pixels(5, 4, 1), "JPEG"))["colourfulness"] == 0.0
