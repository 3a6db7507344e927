import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from interlock.client.contract_file import read_contract
from interlock.client.yaml_file import Dumper, Loader, YamlFile
from interlock.domain.alert_rule import parse
from interlock.domain.errors import InvalidInputError
from interlock.monitoring.alert_rules import DEFAULTS


def read(folder: Path, text: str) -> YamlFile:
    path = folder / "f.yaml"
    path.write_text(text)
    return YamlFile(path)


def refused(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidInputError) as error:
        read(folder, text)
    return [fault.removeprefix(f"{folder}/") for fault in error.value.faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"), ("yes", "yes"), ("no", "no"), ("true", True), ("False", False), ("~", None), ("", None),
        ("12", 12), ("-3", -3), ("1e-3", 0.001), ("1.", 1.0), (".5", 0.5), ("-.inf", -math.inf), ("012", "012"),
        ("12:30:00", "12:30:00"), ("wine:1", "wine:1"), ("2013-01-01", "2013-01-01"), ("0x10", "0x10"),
        ("1_000", "1_000"), ("'1'", "1"), ("[1, off]", [1, "off"]),
    ],
)  # fmt: skip
def test_plain_words_mean_what_yaml_1_2_says(tmp_path: Path, text: str, value: Any) -> None:
    assert read(tmp_path, f"key: {text}").content == {"key": value}


def test_keys_are_texts(tmp_path: Path) -> None:
    assert read(tmp_path, "off: true\n1: x\ntrue: y").content == {"off": True, "1": "x", "true": "y"}


def test_a_sentence_gets_the_line_of_its_place_or_of_the_nearest_one_around_it(tmp_path: Path) -> None:
    found = read(tmp_path, "# a comment\na:\n  b.c:\n    - {x: 1}\n    - y: 2\n")
    name = str(tmp_path / "f.yaml")
    assert found.at("a.b.c: odd") == f"{name}:3: a.b.c: odd"
    assert found.at("a.b.c[1].y: odd") == f"{name}:5: a.b.c[1].y: odd"
    assert found.at("a.b.c[1].z: is missing") == f"{name}:5: a.b.c[1].z: is missing"
    assert found.at("q.r: odd") == f"{name}: q.r: odd"
    assert found.at("odd") == f"{name}: odd"


def test_what_is_no_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "a: 1\nb: [1,\n")[0].startswith("f.yaml:3: is not YAML: ")
    assert refused(tmp_path, "a: 1\na: 2\nb: {c: 1, c: 2}") == [
        "f.yaml:2: a: is there twice",
        "f.yaml:3: b.c: is there twice",
    ]
    assert refused(tmp_path, "{[1]: 2}") == ["f.yaml:1: a key must be a word"]
    assert "alias inside" in refused(tmp_path, "a: &x [*x]")[0]
    assert "undefined alias" in refused(tmp_path, "a: *nobody")[0]
    assert refused(tmp_path, "a: !!python/object:os.system x")[0].startswith(
        "f.yaml:1: is not YAML: could not determine"
    )


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none.yaml cannot be read: No such file"):
        YamlFile(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"a: \xff")
    with pytest.raises(InvalidInputError, match="not text in UTF-8"):
        YamlFile(tmp_path / "bytes.yaml")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_VALUES)
def test_what_is_written_is_read_as_the_same(value: Any) -> None:
    assert yaml.load(yaml.dump(value, Dumper=Dumper), Loader=Loader) == value


def test_the_rules_file_of_the_docs_means_what_it_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text()
    example = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    rules = parse(read(tmp_path, example).content, [rule.name for rule in DEFAULTS])
    assert [(rule.name, rule.off) for rule in rules] == [("accuracy-below-60", False), ("drift", True)]


def test_a_category_named_no_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").write_text("inputs:\n  smoker: {type: category, categories: [yes, no, off]}\n")
    assert read_contract(tmp_path / "contract.yaml")["inputs"]["smoker"]["categories"] == ["yes", "no", "off"]


def test_a_file_that_is_no_mapping_is_refused_with_what_it_should_hold(tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").write_text("- inputs\n")
    with pytest.raises(InvalidInputError, match="must be a mapping with inputs, outputs or classes"):
        read_contract(tmp_path / "contract.yaml")
