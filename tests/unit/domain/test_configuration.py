from typing import Any

import jsonschema
import pytest

from interlock.domain.alert_rule import WrittenRule
from interlock.domain.configuration import Configuration, ConfiguredEndpoint, ConfiguredRelease, check, parse
from interlock.domain.configuration_schema import schema
from interlock.domain.errors import InvalidInputError

VERSION = {"source": "a.onnx"}
RIGHT: list[Any] = [
    {},
    {"models": None, "endpoints": {}},
    {"models": {"wine": [VERSION, {"digest": "0" * 64, "version": 2}]}},
    {
        "models": {
            "wine": [VERSION | {"contract": {"inputs": {}}, "memory": "2G", "startup_seconds": 5, "compile": False}]
        }
    },
    {"endpoints": {"wine": {"model": "wine:1", "images": "none", "privacy": {"unit": "hash"}}}},
    {"endpoints": {"wine": {"model": "wine:1", "images": 0.5, "release": {"strategy": "shadow"}}}},
    {"endpoints": {"wine": {"model": "wine:1", "release": {"plan": {"steps": [0.5, 1], "step_hours": None}}}}},
    {"endpoints": {"wine": {"model": "wine:1", "release": {"plan": {"test": {"at_least": {"accuracy": 0.9}}}}}}},
    {"alert_rules": [{"name": "low", "check": "accuracy", "below": 0.6}, {"name": "drift", "off": True}]},
    {"channels": {"team": {"url": "https://example.org", "endpoints": ["wine"]}, "other": {}}},
]
WRONG: list[tuple[Any, str]] = [
    ([], "must be a mapping"),
    ({"retrainig": {}}, "retrainig: is not known; did you mean retraining?"),
    ({"endpoint": {}}, "endpoint: is not known; did you mean endpoints?"),
    ({"models": {"wine": VERSION}}, "models.wine: must be a list"),
    ({"models": {"wine": [{"surce": "a"}]}}, "models.wine[0].surce: is not known; did you mean source?"),
    ({"models": {"wine": [VERSION | {"version": 0}]}}, "models.wine[0].version: 0 must be a whole number >= 1"),
    ({"models": {"wine": [VERSION | {"compile": "no"}]}}, "models.wine[0].compile: 'no' must be true or false"),
    ({"endpoints": {"wine": {}}}, "endpoints.wine.model: is missing"),
    ({"endpoints": {"Wine": {"model": "wine:1"}}}, "endpoints.Wine: is no name"),
    ({"endpoints": {"wine": {"model": "wine"}}}, "endpoints.wine.model: 'wine' must be text matching"),
    ({"endpoints": {"wine": {"model": "wine:1", "deadline_ms": 0}}}, "endpoints.wine.deadline_ms: 0 must be a number"),
    ({"endpoints": {"wine": {"model": "wine:1", "images": 2}}}, "endpoints.wine.images: 2 must be a number <= 1"),
    (
        {"endpoints": {"wine": {"model": "wine:1", "durability": "disc"}}},
        "endpoints.wine.durability: 'disc' must be one of process, disk",
    ),
    (
        {"endpoints": {"wine": {"model": "wine:1", "release": {"plan": {"step": [1]}}}}},
        "endpoints.wine.release.plan.step: is not known; did you mean steps?",
    ),
    (
        {"endpoints": {"wine": {"model": "wine:1", "release": {"plan": {"steps": ["a"]}}}}},
        "endpoints.wine.release.plan.steps[0]: 'a' must be a number",
    ),
    (
        {"endpoints": {"wine": {"model": "wine:1", "release": {"plan": {"test": {"at_lest": {}}}}}}},
        "endpoints.wine.release.plan.test.at_lest: is not known; did you mean at_least?",
    ),
    ({"alert_rules": [{"check": "accuracy"}]}, "alert_rules[0].name: is missing"),
    ({"alert_rules": {"low": {}}}, "alert_rules: must be a list"),
    ({"channels": {"team": {"least_severity": "high"}}}, "channels.team.least_severity: 'high' must be one of info"),
    ({"channels": {"team": {"url": 5}}}, "channels.team.url: must be text"),
]  # fmt: skip


@pytest.mark.parametrize("document", RIGHT, ids=str)
def test_what_is_right_is_taken_by_the_program_and_by_the_schema(document: Any) -> None:
    assert isinstance(parse(document), Configuration)
    jsonschema.validate(document, schema())


@pytest.mark.parametrize(("document", "fault"), WRONG, ids=lambda each: str(each)[:60])
def test_what_is_wrong_is_refused_by_the_program_and_by_the_schema(document: Any, fault: str) -> None:
    _, faults = check(document)
    assert len(faults) == 1
    assert str(faults[0]).startswith(fault)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_fault_is_in_the_error() -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse({"model": {}, "endpoints": {"wine": {"retention_days": -1}}})
    assert refused.value.faults == (
        "model: is not known; did you mean models?",
        "endpoints.wine.retention_days: -1 must be a whole number >= 0",
        "endpoints.wine.model: is missing",
    )


def test_a_document_becomes_what_it_says() -> None:
    found = parse(
        {
            "endpoints": {"wine": {"model": "wine:1", "deadline_ms": 5, "release": {"plan": {"min_units": 9}}}},
            "alert_rules": [{"name": "drift", "off": True}],
        }
    )
    assert found == Configuration(
        endpoints={
            "wine": ConfiguredEndpoint(
                model="wine:1", deadline_ms=5.0, release=ConfiguredRelease(plan={"min_units": 9})
            )
        },
        alert_rules=(WrittenRule(name="drift", off=True),),
    )
