"""Every name that rules and dashboard ask for is one that a port counts under."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.exports import grafana, prometheus_rules
from interlock.monitoring import alert_rules as defaults

_SOURCES = Path(prometheus_rules.__file__).parents[1]
_METRICS = "".join(
    path.read_text()
    for path in (
        _SOURCES / "gateway" / "metrics.py", _SOURCES / "gateway" / "log_gauges.py",
        *(_SOURCES / "exports").glob("*_metrics.py"),
    )
)  # fmt: skip
_SUFFIXES = re.compile(r"_(total|bucket|sum|count)$")


def rules() -> list[dict[str, Any]]:
    (group,) = prometheus_rules.export()["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in grafana.export()["panels"] for target in panel["targets"])


def test_every_metric_is_there() -> None:
    asked = {name for each in expressions() for name in re.findall(r"interlock_\w+", each)}
    counted = set(re.findall(r'"(interlock_\w+)"', _METRICS))
    assert {_SUFFIXES.sub("", name) for name in asked} <= counted
    assert len(asked) > 10


def test_rules_have_the_severity_and_the_patience_of_the_default_ones() -> None:
    known = {rule.name: rule for rule in defaults.DEFAULTS}
    for rule in rules():
        like = known.get(rule["labels"]["rule"])
        if like is not None:
            assert rule["labels"]["severity"] == like.severity
            assert float(rule.get("for", "0s")[:-1]) >= like.bad_for.total_seconds()
    assert {rule["labels"]["rule"] for rule in rules()} - set(known) == {"down"}
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_panels_stand_side_by_side_and_on_the_grid() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in grafana.export()["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_panels_have_ids_titles_and_targets_of_their_own() -> None:
    panels = grafana.export()["panels"]
    for key in ("id", "title"):
        assert len({panel[key] for panel in panels}) == len(panels)
    for panel in panels:
        refs = [target["refId"] for target in panel["targets"]]
        assert refs == sorted(set(refs))


@pytest.mark.parametrize("variable", ["datasource", "endpoint"])
def test_variables_that_are_used_are_declared(variable: str) -> None:
    dashboard = grafana.export()
    assert f"${variable}" in str(dashboard["panels"]) or f"${{{variable}}}" in str(dashboard["panels"])
    assert variable in [each["name"] for each in dashboard["templating"]["list"]]
