import threading
from pathlib import Path

import pytest
from tests.integration.store import revisions

from interlock.domain.errors import HomeError
from interlock.store import Store


def filled(url: str, folder: Path) -> Store:
    """A store of this program, with rows in every table that the oldest one had."""
    revisions.write("0001", folder / "old.db")
    store = Store(url)
    store.load(folder / "old.db")
    return store


def test_a_copy_has_every_row_as_it_is_stored(tmp_path: Path, url: str) -> None:
    store = filled(url, tmp_path)
    store.save(tmp_path / "copy.db")
    assert revisions.rows(f"sqlite:///{tmp_path / 'copy.db'}") == revisions.rows(url)
    store.close()


def test_a_copy_goes_back_into_another_kind_of_database(tmp_path: Path, url: str) -> None:
    store = filled(f"sqlite:///{tmp_path / 'first.db'}", tmp_path)
    store.save(tmp_path / "copy.db")
    other = Store(url)
    other.load(tmp_path / "copy.db")
    assert revisions.rows(url) == revisions.rows(f"sqlite:///{tmp_path / 'first.db'}")
    store.close()
    other.close()


def test_a_database_with_anything_in_it_is_left_alone(tmp_path: Path, url: str) -> None:
    store = filled(url, tmp_path)
    before = revisions.rows(url)
    with pytest.raises(HomeError, match="not empty"):
        store.load(tmp_path / "old.db")
    assert revisions.rows(url) == before
    store.close()


def test_a_copy_is_of_one_moment_while_others_write(tmp_path: Path, url: str) -> None:
    store, stop = filled(url, tmp_path), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with store.transaction() as tx:
                tx.cursors.set("a", str(number))
                tx.cursors.set("z", str(number))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            store.save(tmp_path / f"{number}.db")
            found = revisions.rows(f"sqlite:///{tmp_path / f'{number}.db'}")["cursors"]
            values = {row["name"]: row["value"] for row in found}
            assert values.get("a") == values.get("z")
    finally:
        stop.set()
        thread.join()
    store.close()
