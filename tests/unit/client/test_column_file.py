from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from interlock.client.column_file import ColumnFile
from interlock.domain.errors import InvalidInputError


def read(path: Path, *columns: str, value: str | None = None, likely: Any = None) -> dict[str, list[Any]]:
    blocks = list(ColumnFile(path).blocks(columns, value=value, likely=likely))
    return {name: [each for block in blocks for each in block[name]] for name in columns}


@pytest.fixture
def csv(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (tmp_path / "f.csv").write_text(text)
        return tmp_path / "f.csv"

    return write


def test_keys_stay_as_they_are_written_and_values_get_their_type(csv: Callable[[str], Path]) -> None:
    path = csv("id,label,more\n007,1,x\n,0,\nNA,1,y\n")
    assert read(path, "id", "label", value="label", likely=pa.int64()) == {
        "id": ["007", None, "NA"],
        "label": [1, 0, 1],
    }
    assert read(path, "label", value="label", likely=pa.bool_()) == {"label": [True, False, True]}
    assert read(path, "label", value="label", likely=pa.string()) == {"label": ["1", "0", "1"]}


def test_one_value_of_another_type_makes_all_of_them_text(csv: Callable[[str], Path]) -> None:
    late = csv("label\n" + "1\n" * 2_000_000 + "late\n")
    assert late.stat().st_size > 4_000_000, "the odd one is not in the first block"
    found = read(late, "label", value="label", likely=pa.int64())["label"]
    assert (len(found), found[0], found[-1]) == (2_000_001, "1", "late")


def test_a_file_is_read_in_small_blocks(tmp_path: Path, csv: Callable[[str], Path]) -> None:
    rows = 5_000
    pa.parquet.write_table(pa.table({"id": [str(n) for n in range(rows)]}), tmp_path / "f.parquet")
    for path in (csv("id\n" + "\n".join(map(str, range(rows)))), tmp_path / "f.parquet"):
        blocks = list(ColumnFile(path).blocks(["id"]))
        assert [len(block["id"]) for block in blocks] == [2000, 2000, 1000]
        assert blocks[2]["id"][-1] == "4999"


def test_parquet_and_json_say_their_types(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    pa.parquet.write_table(pa.table({"at": [at], "label": [1.5]}), tmp_path / "f.parquet")
    assert read(tmp_path / "f.parquet", "at", "label", value="label", likely=pa.int64()) == {"at": [at], "label": [1.5]}
    (tmp_path / "f.jsonl").write_text('{"label": true}\n{"label": 2}\n')
    assert read(tmp_path / "f.jsonl", "label") == {"label": [True, 2]}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.txt", b"", "must be one of .csv, .parquet, .json, .jsonl"),
        ("f.csv", b"", "is not a readable csv file"),
        ("f.parquet", b"PAR1 and no more", "is not a readable parquet file"),
        ("f.csv", b"a,b\n1\n", "is not a readable csv file"),
        ("missing.csv", None, "there is no such file"),
        ("missing.parquet", None, "there is no such file"),
    ],
)
def test_what_is_no_file_of_rows_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInputError, match=said):
        read(tmp_path / name, "a")
