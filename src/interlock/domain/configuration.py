"""What `interlock.yaml` may say. Documented in docs/config.md; its JSON Schema is made from these types.

A section that is not in the file is not managed by it, and a field that is not in the file stays as it is. The command
line reads the file and fills in what only its machine knows: the contents of models, and secrets. A further section is
a further field here, and a file in `configuration/`.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from interlock.domain.alert import Severity
from interlock.domain.alert_rule import WrittenRule
from interlock.domain.contract import PrivacyRule
from interlock.domain.document import FIELDS_OF, Fault, read
from interlock.domain.endpoint import Detector, Durability, WhenFull
from interlock.domain.errors import InvalidInputError
from interlock.domain.online import OnlineLearning
from interlock.domain.release import ReleasePlan, Strategy
from interlock.domain.retraining import Retraining

Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9._-]{0,127}$")]
Ref = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9._-]{0,127}:[1-9][0-9]*$", examples=["wine:1"])]
Share = Annotated[float, Meta(ge=0, le=1)]
PlanFields = Annotated[
    dict[str, Any], Meta(extra={FIELDS_OF: ReleasePlan}, extra_json_schema={"$ref": "#/$defs/ReleasePlan"})
]
"""Some fields of a plan."""


class ConfiguredVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A version of a model: registered, unless one with the same content is there. Paths are relative to the file.

    Args:
        source: As `model register` takes it: a file, a folder, `models:/name/version`, `python:module.Class`, ...
        digest: SHA-256 of the content. With a source it must fit; without one the version must be there already.
        version: The number that it must have.
        reference, label, trust_pickle, compile, parent, trained_on, python, code, token_env, startup_seconds: As of
            `model register`.
        contract: A contract file, or what would stand in it.
        memory: Most memory of its process, like 2G.
    """

    source: str | None = None
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    version: Annotated[int, Meta(ge=1)] | None = None
    reference: str | None = None
    label: str | None = None
    trust_pickle: bool = False
    compile: bool = True
    parent: Ref | None = None
    trained_on: str | None = None
    contract: str | dict[str, Any] | None = None
    python: str | None = None
    code: str | None = None
    token_env: str | None = None
    memory: Annotated[str, Meta(pattern="^[0-9]{1,15}[KMGTkmgt]?[Ii]?[Bb]?$")] | None = None
    startup_seconds: Annotated[float, Meta(gt=0, le=1800)] | None = None

    @property
    def entry(self) -> str | None:
        """`module.Class` of a Python class; None where only the digest says what it is."""
        if self.source is None:
            return None
        return self.source.removeprefix("python:") if self.source.startswith("python:") else ""


class ConfiguredRelease(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `release start` does on an endpoint where nothing else is said.

    Args:
        strategy: Which.
        plan: Fields of its plan; the others are the product's. For another strategy they do not count.
    """

    strategy: Strategy = "canary"
    plan: PlanFields = {}


class ConfiguredEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An endpoint.

    Args:
        model: The version that answers when it is created. Later a release changes that, and never this file.
        deadline_ms, durability, when_full, label_key, retention_days, images: As of `endpoint create`.
        concept_detectors: As there, as a list.
        privacy: What the log gets of a column; columns that are not named keep their rule.
        release: Where nothing is said at `release start`.
    """

    model: Ref
    deadline_ms: Annotated[float, Meta(gt=0, le=600_000)] | None = None
    durability: Durability | None = None
    when_full: WhenFull | None = None
    label_key: str | None = None
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] | None = None
    concept_detectors: tuple[Detector, ...] | None = None
    privacy: dict[str, PrivacyRule] | None = None
    images: Literal["all", "none"] | Share | None = None
    release: ConfiguredRelease | None = None


class ConfiguredChannel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who is told of alerts.

    Args:
        url: `${NAME}` is replaced by that environment variable of who applies the file. Without it the URL stays, of a
            channel that is there.
        least_severity: What is less severe is not sent.
        endpoints: Only alerts of these; none named is all.
        daily_report: Hour of the day, 1 to 23 in UTC, at which it is sent the report of the day before.
    """

    url: str | None = None
    least_severity: Severity | None = None
    endpoints: tuple[Name, ...] | None = None
    daily_report: Annotated[int, Meta(ge=1, le=23)] | None = None


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that a file may say.

    Args:
        models: Versions by the model's name, in the order in which they are registered.
        endpoints: By name.
        retraining: By endpoint, as in docs/retraining.md; paths are absolute, on the server's machine.
        online_learning: By endpoint, as in docs/online-learning.md.
        alert_rules: As in docs/alerts.md.
        channels: By name.
    """

    models: dict[Name, tuple[ConfiguredVersion, ...]] | None = None
    endpoints: dict[Name, ConfiguredEndpoint] | None = None
    retraining: dict[Name, Retraining] | None = None
    online_learning: dict[Name, OnlineLearning] | None = None
    alert_rules: tuple[WrittenRule, ...] | None = None
    channels: dict[Name, ConfiguredChannel] | None = None


SECTIONS: Sequence[str] = Configuration.__struct_fields__


def parse(given: Any) -> Configuration:
    """A document as a configuration.

    Raises:
        InvalidInputError: Every fault, each with its place in front.
    """
    found, faults = check(given)
    if found is None:
        raise InvalidInputError(*map(str, faults))
    return found


def check(given: Any) -> tuple[Configuration | None, list[Fault]]:
    """A document as a configuration, or None; and what is wrong with its form. What it names is looked up later."""
    return read(Configuration, given, secret=("url",))
