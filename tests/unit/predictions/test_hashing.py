import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interlock.predictions.hashing import KEY_NAME, Hasher, spelt


def test_a_hash_is_that_of_the_homes_key(tmp_path: Path) -> None:
    hasher = Hasher(tmp_path)
    found = hasher.digest("anna")
    key = (tmp_path / KEY_NAME).read_bytes()
    assert found == hashlib.blake2b(b"anna", key=key, digest_size=16).hexdigest()
    assert Hasher(tmp_path).digest("anna") == found


def test_the_key_is_for_its_owner_and_another_homes_is_another(tmp_path: Path) -> None:
    homes = [tmp_path / "a", tmp_path / "b"]
    for home in homes:
        home.mkdir()
    assert len({Hasher(home).digest("anna") for home in homes}) == 2
    assert (homes[0] / KEY_NAME).stat().st_mode & 0o777 == 0o600
    assert os.listdir(homes[0]) == [KEY_NAME]


def test_many_that_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: Hasher(tmp_path).digest("anna"), range(40)))) == 1


def test_a_damaged_key_is_not_used(tmp_path: Path) -> None:
    (tmp_path / KEY_NAME).write_bytes(b"short")
    with pytest.raises(ValueError, match="has 5 bytes, must have 32"):
        Hasher(tmp_path).digest("anna")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"), (True, "true"), (3, "3"), (3.5, "3.5"), (None, None), (float("nan"), None),
        (datetime.fromisoformat("2026-03-01T12:00:00"), "2026-03-01T12:00:00"),
    ],
)  # fmt: skip
def test_values_are_spelt_as_categories_are(value: Any, text: str | None) -> None:
    assert spelt(value) == text


def test_arrays_are_hashed_with_their_shape(tmp_path: Path) -> None:
    hasher = Hasher(tmp_path)
    flat = np.arange(4.0)
    assert hasher.of(flat) == hasher.of(flat.copy())
    assert hasher.of(flat) != hasher.of(flat.reshape(2, 2))
    assert hasher.of(np.array(["a", "b"], dtype=object)) != hasher.of(np.array(["ab", ""], dtype=object))
    assert hasher.of(None) is None
