"""Whatever is in force: exported as a file and compared, it gives no change; and applied, it changes nothing."""

import os
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.configuration.conftest import Plane

from interlock.client.config_file import ConfigFile
from interlock.client.config_text import render


def _name(rule: Any) -> str:
    return str(rule["name"])


NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,6}", fullmatch=True)
RULES = st.sampled_from(["keep", "hash", "drop"])
SHARES = st.floats(0.001, 0.999)
PLANS = st.fixed_dictionaries(
    {},
    optional={
        "steps": st.lists(SHARES, min_size=1, max_size=3, unique=True).map(lambda shares: [*sorted(shares), 1]),
        "alpha": SHARES,
        "min_labels": st.integers(1, 9999),
        "step_hours": st.none() | st.floats(0, 99),
        "require_labels": st.sampled_from(["auto", "yes", "no"]),
        "require_approval": st.booleans(),
        "test": st.fixed_dictionaries({}, optional={"max_error_share": SHARES, "at_least": st.just({"accuracy": 0.9})}),
    },
)
ENDPOINTS = st.fixed_dictionaries(
    {"model": st.sampled_from(["m:1", "m:2"])},
    optional={
        "deadline_ms": st.floats(0.5, 600_000),
        "durability": st.sampled_from(["process", "disk"]),
        "when_full": st.sampled_from(["refuse", "serve_and_count"]),
        "retention_days": st.integers(0, 36_500),
        "images": st.sampled_from(["all", "none"]) | st.floats(0, 1),
        "privacy": st.dictionaries(st.sampled_from(["x", "input.kind", "output.label", "unit"]), RULES),
        "release": st.fixed_dictionaries({}, optional={"plan": PLANS}),
    },
)
ALERT_RULES = st.fixed_dictionaries(
    {"name": NAMES.map("own-{}".format), "check": st.text(min_size=1, max_size=9)},
    optional={
        "endpoint": NAMES,
        "severity": st.sampled_from(["info", "warning", "critical"]),
        "days": st.integers(1, 9),
        "action": st.sampled_from(["pause", "roll_back"]),
    },
).flatmap(lambda rule: st.sampled_from(["below", "above"]).map(lambda bound: {**rule, bound: 0.5}))
CHANNELS = st.fixed_dictionaries(
    {"url": st.just("https://hooks.example.org/s3cret")},
    optional={
        "least_severity": st.sampled_from(["info", "critical"]),
        "endpoints": st.lists(NAMES, max_size=2),
        "daily_report": st.integers(1, 23),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "endpoints": st.dictionaries(NAMES, ENDPOINTS, max_size=3),
        "alert_rules": st.lists(ALERT_RULES, max_size=3, unique_by=_name),
        "channels": st.dictionaries(NAMES, CHANNELS, max_size=2),
    },
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=3))
def test_what_is_exported_is_no_change(plane: Plane, tmp_path: Path, documents: list[dict[str, Any]]) -> None:
    for document in documents:  # on top of what examples before left there
        plane.apply(document)
        assert plane.diff(document).changes == ()
    current = plane.configurations.current()
    path = tmp_path / "exported.yaml"
    path.write_text(render(current.document, current.notes), encoding="utf-8")
    assert "s3cret" not in path.read_text(encoding="utf-8")
    exported = ConfigFile(path, os.environ).document()
    for prune in (False, True):
        found = plane.diff(exported, prune=prune)
        assert (found.changes, found.unmanaged, found.notes, found.conflicts) == ((), (), (), ())
