import os
import stat
from pathlib import Path

import pytest

from interlock.domain.errors import HomeError
from interlock.process.home import FORMAT, check_format, locked, prepare, write_atomically
from interlock.settings import Settings


def test_first_start_makes_a_folder_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    prepare(Settings(home=home))
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (home / "format").read_text() == f"{FORMAT}\n"


def test_a_second_start_finds_the_folder_as_it_was(tmp_path: Path) -> None:
    prepare(Settings(home=tmp_path))
    (tmp_path / "artifacts" / "kept").write_text("kept")
    prepare(Settings(home=tmp_path))
    assert (tmp_path / "artifacts" / "kept").read_text() == "kept"


def test_a_folder_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    prepare(Settings(home=tmp_path))
    (tmp_path / "format").write_text("2\n")
    with pytest.raises(HomeError, match=r"has format 2, this Interlock knows up to 1; update Interlock"):
        prepare(Settings(home=tmp_path))
    assert (tmp_path / "format").read_text() == "2\n"


@pytest.mark.parametrize("written", ["", "one", "-1"])
def test_a_damaged_format_is_named(tmp_path: Path, written: str) -> None:
    (tmp_path / "format").write_text(written)
    with pytest.raises(HomeError, match="must be a number"):
        check_format(tmp_path)


def test_a_folder_that_is_no_home_is_named(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="is not an Interlock home folder"):
        check_format(tmp_path)


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeError, match="cannot be used"):
        prepare(Settings(home=tmp_path / "home"))


def test_only_one_holds_the_folder_and_the_other_is_told_who(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(HomeError, match=f"in use by process {os.getpid()}"), locked(tmp_path):
        pass
    with locked(tmp_path):  # free again
        pass


def test_writing_atomically_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_atomically(tmp_path / "state", "one")
    write_atomically(tmp_path / "state", "two")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("state", "two")]
