"""Files that are written are read as what they were written from, whatever stands in them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.client.config_file import ConfigFile
from interlock.client.config_text import render
from interlock.client.yaml_file import YamlFile
from interlock.domain.configuration import Configuration, check, parse
from interlock.domain.errors import InterlockError
from interlock.domain.release import ReleasePlan

# What YAML can hold: no surrogates, and no other noncharacters.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=20)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,9}", fullmatch=True)
REFS = st.builds("{}:{}".format, NAMES, st.integers(1, 99))
SHARES = st.floats(0, 1)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def some_of(least: dict[str, st.SearchStrategy[Any]], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(least, optional=fields)


PLANS = some(
    steps=st.lists(SHARES, max_size=3), alpha=SHARES, min_units=st.integers(0, 9), step_hours=st.none() | SHARES,
    require_labels=st.sampled_from(["auto", "yes", "no"]), require_approval=st.booleans(),
)  # fmt: skip
VERSIONS = some_of(
    {"source": TEXTS},
    digest=st.just("0" * 64), version=st.integers(1, 9), reference=TEXTS, label=TEXTS, compile=st.booleans(),
    contract=st.dictionaries(TEXTS, st.none() | st.integers() | TEXTS),
)  # fmt: skip
ENDPOINTS = some_of(
    {"model": REFS},
    deadline_ms=st.floats(1, 9000), durability=st.sampled_from(["process", "disk"]), label_key=TEXTS,
    retention_days=st.integers(0, 999), images=st.sampled_from(["all", "none"]) | SHARES,
    privacy=st.dictionaries(TEXTS, st.sampled_from(["keep", "hash", "drop"]), max_size=3),
    release=some(strategy=st.sampled_from(["canary", "shadow"]), plan=PLANS),
)  # fmt: skip
RULES = some_of({"name": TEXTS}, check=TEXTS, below=st.floats(allow_nan=False), off=st.booleans(), days=st.integers())
CHANNELS = some_of({"least_severity": st.sampled_from(["info", "critical"])}, endpoints=st.lists(NAMES, max_size=2))
DOCUMENTS = some(
    models=st.dictionaries(NAMES, st.lists(VERSIONS, min_size=1, max_size=3), max_size=3),
    endpoints=st.dictionaries(NAMES, ENDPOINTS, max_size=3),
    alert_rules=st.lists(RULES, max_size=3),
    channels=st.dictionaries(NAMES, CHANNELS, max_size=3),
)


@given(document=DOCUMENTS, note=TEXTS)
def test_a_rendered_file_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any], note: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "rendered.yaml"
    places = [f"{section}.{name}" for section in ("endpoints", "channels") for name in document.get(section, {})]
    path.write_text(render(document, dict.fromkeys(places, note)), encoding="utf-8")
    read, faults = check(YamlFile(path).content)
    assert faults == []
    expected = parse({name: part for name, part in document.items() if part})
    assert read == expected


def test_an_empty_one_is_a_file_that_says_nothing_and_its_examples_are_right(tmp_path: Path) -> None:
    path = tmp_path / "interlock.yaml"
    path.write_text(render({}, {}))
    assert ConfigFile(path).configuration == Configuration()
    lines = path.read_text().splitlines()
    examples = [line.removeprefix("# ") for line in lines if not line.startswith("# ") or _is_example(line)]
    path.write_text("\n".join(examples))
    found = ConfigFile(path, {"TEAM_CHANNEL_URL": "https://example.org"}).configuration
    assert [getattr(found, section) is not None for section in Configuration.__struct_fields__] == [True] * len(
        Configuration.__struct_fields__
    )
    assert found.endpoints is not None
    release = found.endpoints["wine"].release
    assert release is not None
    assert set(release.plan) <= set(ReleasePlan.__struct_fields__)


def _is_example(line: str) -> bool:
    said = line.removeprefix("# ")
    return said.startswith((" ", "- ")) or said.removesuffix(":") in Configuration.__struct_fields__


def test_a_section_of_a_newer_server_is_not_left_out_silently() -> None:
    with pytest.raises(InterlockError, match="the server has horoscopes"):
        render({"horoscopes": {}}, {})
