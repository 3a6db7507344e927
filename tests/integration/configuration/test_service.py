import threading
from typing import Any

import pytest
from tests.integration.configuration.conftest import ADMIN, DIGESTS, OPERATOR, Plane

from interlock.domain.alert_rule import WrittenRule
from interlock.domain.endpoint import ReleaseDefaults
from interlock.domain.errors import ConflictError, ForbiddenError, InvalidInputError

URL = "https://user:s3cret@hooks.example.org/t0ken"
WINE = {
    "model": "m:1",
    "deadline_ms": 250,
    "durability": "disk",
    "when_full": "serve_and_count",
    "label_key": "kind",
    "retention_days": 30,
    "privacy": {"x": "hash", "unit": "drop"},
    "images": "none",
    "release": {"strategy": "canary", "plan": {"steps": [0.5, 1], "min_units": 7}},
}
DOCUMENT: dict[str, Any] = {
    "models": {"m": [{"digest": DIGESTS[0]}, {"source": "two.onnx", "digest": DIGESTS[1]}]},
    "endpoints": {"wine": WINE},
    "alert_rules": [{"name": "low", "check": "accuracy", "below": 0.6}, {"name": "drift", "off": True}],
    "channels": {"team": {"url": URL, "least_severity": "warning", "endpoints": ["wine"]}},
}


def places(found: Any) -> list[str]:
    return [f"{change.action} {change.place}" for change in found.changes]


def faults(plane: Plane, document: Any, **options: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as refused:
        plane.diff(document, **options)
    return list(refused.value.faults)


def test_a_file_is_put_in_force_once_and_audited(plane: Plane) -> None:
    expected = [
        "create endpoints.wine", "create alert_rules[0]", "create alert_rules[1]", "create channels.team",
    ]  # fmt: skip
    assert places(plane.diff(DOCUMENT)) == expected
    assert places(plane.apply(DOCUMENT)) == expected
    with plane.store.read() as tx:
        endpoint, plan = tx.endpoints.get("wine"), tx.plans.current("wine")
        rules, channel = tx.alert_rules.list(), tx.channels.get("team")
    assert (endpoint.deadline_ms, endpoint.durability, endpoint.when_full, endpoint.label_key) == (
        250.0, "disk", "serve_and_count", "kind",
    )  # fmt: skip
    assert (endpoint.retention_days, endpoint.privacy, endpoint.image_share, endpoint.created_by) == (
        30, {"input.x": "hash", "unit": "drop"}, 0.0, "ann",
    )  # fmt: skip
    assert endpoint.release_defaults == ReleaseDefaults(strategy="canary", plan={"steps": [0.5, 1.0], "min_units": 7})
    assert (plan.champion, plan.generation, plan.privacy) == ("m:1", 1, endpoint.privacy)
    assert rules == [WrittenRule(name="drift", off=True), WrittenRule(name="low", check="accuracy", below=0.6)]
    assert (channel.url, channel.least_severity, channel.endpoints) == (URL, "warning", ("wine",))
    done = plane.actions()
    assert done == [
        "endpoint.create wine by ann", "alert.rules alert rules by ann", "channel.add team by ann",
        "config.apply configuration by ann",
    ]  # fmt: skip
    again = plane.apply(DOCUMENT)
    assert (again.changes, again.unmanaged, again.notes, again.conflicts) == ((), (), (), ())
    assert plane.actions() == done


def test_a_change_says_what_was_and_what_will_be_and_leaves_what_is_not_given(plane: Plane) -> None:
    plane.apply(DOCUMENT)
    changed = {
        "endpoints": {"wine": {"model": "m:1", "deadline_ms": 100, "privacy": {"x": "keep"}, "release": {}}},
        "alert_rules": [{"name": "low", "check": "accuracy", "below": 0.5}],
        "channels": {"team": {"least_severity": "critical"}},
    }
    found = plane.apply(changed)
    fields = {change.place: {field.name: (field.old, field.new) for field in change.fields} for change in found.changes}
    assert fields == {
        "endpoints.wine": {
            "deadline_ms": (250.0, 100.0),
            "privacy.input.x": ("hash", "keep"),
            "release": (
                {"strategy": "canary", "plan": {"steps": [0.5, 1.0], "min_units": 7}},
                {"strategy": "canary", "plan": {}},
            ),
        },
        "alert_rules[0]": {"below": (0.6, 0.5)},
        "channels.team": {"least_severity": ("warning", "critical")},
    }
    assert set(found.unmanaged) == {"models.m:1", "models.m:2", "alert_rules.drift"}
    with plane.store.read() as tx:
        endpoint, channel = tx.endpoints.get("wine"), tx.channels.get("team")
        assert [rule.name for rule in tx.alert_rules.list()] == ["drift", "low"]
    assert (endpoint.durability, endpoint.privacy) == ("disk", {"input.x": "keep", "unit": "drop"})
    assert (channel.url, channel.endpoints) == (URL, ("wine",))


def test_no_url_is_in_a_difference_in_the_audit_log_or_in_what_is_there(plane: Plane) -> None:
    shown = [plane.diff(DOCUMENT), plane.apply(DOCUMENT)]
    other = URL.replace("t0ken", "t1ken")
    changed = plane.apply({"channels": {"team": {"url": other}}})
    (field,) = changed.changes[0].fields
    assert (field.name, field.old, field.new) == ("url", "https://hooks.example.org/…", "https://hooks.example.org/…")
    with plane.store.read() as tx:
        assert tx.channels.get("team").url == other
        said = str([shown, changed, plane.configurations.current(), tx.audit.list()])
    assert not any(secret in said for secret in ("s3cret", "t0ken", "t1ken"))


def test_nothing_is_deleted_without_prune_and_then_only_in_sections_that_the_file_has(plane: Plane) -> None:
    plane.apply(DOCUMENT)
    assert places(plane.diff({}, prune=True)) == []
    assert plane.diff({}).unmanaged == (
        "models.m:1", "models.m:2", "endpoints.wine", "alert_rules.drift", "alert_rules.low", "channels.team",
    )  # fmt: skip
    nothing: dict[str, Any] = {"models": {}, "endpoints": {}, "alert_rules": [], "channels": {}}
    assert places(plane.apply(nothing)) == []
    assert places(plane.apply({"channels": {}}, prune=True)) == ["delete channels.team"]
    assert places(plane.apply(nothing, prune=True)) == [
        "delete endpoints.wine", "delete alert_rules.drift", "delete alert_rules.low",
    ]  # fmt: skip
    left = plane.configurations.current().document
    assert (left["endpoints"], left["alert_rules"], left["channels"]) == ({}, [], {})
    assert [entry["version"] for entry in left["models"]["m"]] == [1, 2]
    assert "endpoint.delete wine by ann" in plane.actions()


def test_what_came_after_somebody_agreed_is_not_deleted(plane: Plane) -> None:
    plane.apply(DOCUMENT)
    agreed = [change.place for change in plane.diff({"alert_rules": []}, prune=True).changes]
    plane.apply({"alert_rules": [{"name": "new", "check": "accuracy", "below": 0.1}]})
    with pytest.raises(ConflictError, match=r"alert_rules\.new came after it was compared"):
        plane.apply({"alert_rules": []}, prune=True, deletes=agreed)
    assert len(plane.configurations.current().document["alert_rules"]) == 3
    assert len(plane.apply({"alert_rules": []}, prune=True, deletes=[*agreed, "alert_rules.new"]).changes) == 3


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"deadline_ms": 5}, "endpoints.wine.deadline_ms: release wine-1 of m:2 is running, and its failures would"),
        ({"privacy": {"x": "drop"}}, "endpoints.wine.privacy: release wine-1"),
        ({"images": "all"}, "endpoints.wine.images: release wine-1"),
        ({"retention_days": 29}, "endpoints.wine.retention_days: release wine-1"),
    ],
)
def test_what_would_break_a_running_release_is_refused_and_with_it_the_whole_file(
    plane: Plane, changed: dict[str, Any], why: str
) -> None:
    plane.apply(DOCUMENT)
    plane.release("wine")
    before = plane.actions()
    document = {"endpoints": {"wine": {"model": "m:1", **changed}, "beer": {"model": "m:1"}}}
    (conflict,) = plane.diff(document).conflicts
    assert str(conflict).startswith(why)
    assert "interlock release rollback wine" in str(conflict)
    with pytest.raises(ConflictError, match="release wine-1"):
        plane.apply(document)
    assert plane.actions() == before
    assert list(plane.configurations.current().document["endpoints"]) == ["wine"]


def test_an_endpoint_under_release_is_not_pruned_and_its_other_fields_may_change(plane: Plane) -> None:
    plane.apply(DOCUMENT)
    plane.release("wine")
    with pytest.raises(ConflictError, match=r"endpoints\.wine: release wine-1 of m:2 is running, and it would lose"):
        plane.apply({"endpoints": {}}, prune=True)
    allowed = {"model": "m:1", "durability": "process", "retention_days": 31, "release": {"strategy": "shadow"}}
    assert places(plane.apply({"endpoints": {"wine": allowed}})) == ["change endpoints.wine"]


def test_a_file_moves_no_traffic(plane: Plane) -> None:
    plane.apply(DOCUMENT)
    found = plane.apply({"endpoints": {"wine": {"model": "m:2"}}})
    assert found.changes == ()
    assert list(map(str, found.notes)) == [
        "endpoints.wine.model: m:1 answers, which a file does not change; "
        "interlock release start wine --candidate m:2"
    ]  # fmt: skip
    with plane.store.read() as tx:
        assert tx.plans.current("wine").champion == "m:1"


def test_every_fault_of_meaning_is_told_at_once(plane: Plane) -> None:
    assert faults(
        plane,
        {
            "models": {
                "m": [
                    {"digest": DIGESTS[2]},
                    {"source": "a.onnx"},
                    {"source": "b.onnx", "digest": DIGESTS[2], "version": 2},
                ]
            },
            "endpoints": {
                "a": {"model": "m:9"},
                "b": {"model": "m:1", "label_key": "y", "privacy": {"x": "drop"}},
                "c": {"model": "m:1", "privacy": {"y": "drop", "z": "drop"}},
                "d": {"model": "m:1", "release": {"plan": {"steps": [0.5, 0.2], "alpha": 2}}},
            },
            "alert_rules": [
                {"name": "low", "check": "accuracy"},
                {"name": "low", "check": "accuracy", "below": 1},
                {"name": "drift", "check": "accuracy", "below": 1},
            ],
            "channels": {"a": {}, "b": {"url": "nothing"}},
        },
    ) == [
        "models.m[0].source: is missing, and no version has this content; say where its file is",
        "models.m[1].digest: is missing; `interlock apply` computes it from the source",
        "models.m[2].version: m:2 is there with other content (sha256 222222222222...); the next number is 3, and "
        "versions never change",
        "endpoints.a: model version 'm:9' does not exist; there is: m:1, m:2",
        "endpoints.b: label_key == 'y', must be unit, or an input of the champion: x, kind",
        "endpoints.c: privacy: column 'y' is not known; there is input.x, input.kind, output.label, "
        "output.probabilities, unit",
        "endpoints.c: privacy: column 'z' is not known; there is input.x, input.kind, output.label, "
        "output.probabilities, unit",
        "endpoints.d: steps == 0.5, 0.2: must rise strictly",
        "endpoints.d: steps == 0.5, 0.2: must end with 1",
        "endpoints.d: alpha == 2, must be between 0 and 1, both excluded",
        "alert_rules[0]: give one of below, above and unusual: true, and not two",
        "alert_rules[1].name: 'low' is there already; two rules need two names",
        "alert_rules[2]: name is one of a default rule: " + ", ".join(
            ["quality", "estimate", "service", "drift", "concept", "rejected", "silent", "broken", "set_aside",
                 "rolled_back", "release_waits", "log_sums", "quarantined", "unrecorded", "collector", "device_range",
                 "device_silent", "broker"]
        ),
        "channels.a.url: is missing; a channel that is not there yet needs one",
        "channels.b.url: url must be like https://host/path or mailto://user:password@host?to=team@example.org",
    ]  # fmt: skip


def test_models_are_known_by_content_and_each_version_stands_for_one_entry(plane: Plane) -> None:
    new = {"source": "c.onnx", "digest": DIGESTS[2]}
    found = plane.diff({"models": {"m": [{"digest": DIGESTS[1]}, new, new]}, "endpoints": {"e": {"model": "m:4"}}})
    assert [(change.action, change.place, change.subject) for change in found.changes] == [
        ("register", "models.m[1]", "m:3"), ("register", "models.m[2]", "m:4"), ("create", "endpoints.e", "e"),
    ]  # fmt: skip
    assert found.unmanaged == ("models.m:1",)
    with pytest.raises(ConflictError, match="m:3, m:4 must be registered first"):
        plane.apply({"models": {"m": [new, new]}})


def test_an_operator_changes_endpoints_and_rules_but_no_channels(plane: Plane) -> None:
    with pytest.raises(ForbiddenError, match="may not change channels; that needs admin"):
        plane.apply(DOCUMENT, actor=OPERATOR)
    assert plane.actions() == []
    without = {name: part for name, part in DOCUMENT.items() if name != "channels"}
    assert len(plane.apply(without, actor=OPERATOR).changes) == 3
    plane.apply(DOCUMENT, actor=ADMIN)
    assert plane.apply(DOCUMENT, actor=OPERATOR).changes == ()


def test_of_two_that_apply_at_once_one_does_it_and_the_other_finds_nothing_to_do(plane: Plane) -> None:
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(len(plane.apply(DOCUMENT).changes))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 4]


def test_what_fails_in_the_middle_leaves_everything_as_it_was(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    section = plane.configurations._sections[-1]

    def die(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(section), "put", die)
        with pytest.raises(KeyboardInterrupt):
            plane.apply(DOCUMENT)
    assert plane.actions() == []
    assert plane.configurations.current().document["endpoints"] == {}
    assert len(plane.apply(DOCUMENT).changes) == 4
