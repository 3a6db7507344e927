"""The section `endpoints`. It creates and changes them, and moves no traffic: that takes a release."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.configuration.change import Change, Comparison, FieldChange
from interlock.domain.access import Act
from interlock.domain.configuration import Configuration, ConfiguredEndpoint, ConfiguredRelease
from interlock.domain.contract import Contract
from interlock.domain.declaration import image_share
from interlock.domain.document import Fault
from interlock.domain.endpoint import Endpoint, ReleaseDefaults
from interlock.domain.privacy import resolve
from interlock.domain.release import Release
from interlock.registry import endpoints
from interlock.releases import plan as plans
from interlock.store.transaction import Transaction

_PLAIN = ("deadline_ms", "durability", "when_full", "label_key", "retention_days", "concept_detectors")
_SPELT = {"image_share": "images", "release_defaults": "release"}
"""Options whose name in the file is another one."""

_EVIDENCE = {
    "deadline_ms": "its failures would be counted by two deadlines",
    "privacy": "rows of the log would no longer be what both versions are compared on",
    "image_share": "rows of the log would no longer be what both versions are compared on",
}
"""What a running release would be decided on."""


class Endpoints:
    """Endpoints by name."""

    name = "endpoints"
    permission = "operate"

    def compare(self, tx: Transaction, wanted: Configuration, found: Comparison) -> None:
        """Fields that the file does not give stay; so do privacy rules of columns that it does not name."""
        there = {endpoint.name: endpoint for endpoint in tx.endpoints.list()}
        for name, entry in (wanted.endpoints or {}).items():
            if name in there:
                _compare(tx, there[name], entry, found)
            else:
                _compare_new(tx, name, entry, found)
        for name in sorted(there.keys() - (wanted.endpoints or {}).keys()):
            is_deleted = found.rest(f"endpoints.{name}", name, is_listed=wanted.endpoints is not None)
            for release in tx.releases.active(name) if is_deleted else ():
                found.conflicts.append(Fault(f"endpoints.{name}", _end_first(release, "it would lose its endpoint")))

    def put(self, tx: Transaction, wanted: Configuration, changes: Sequence[Change], act: Act) -> None:
        """Create, change, delete."""
        entries = wanted.endpoints or {}
        for change in changes:
            name = change.subject
            if change.action == "create":
                endpoints.add(tx, name, entries[name].model, act, _options(entries[name]))
            elif change.action == "change":
                contracts = endpoints.contracts_of(tx, tx.plans.current(name))
                options, _ = _differing(tx.endpoints.get(name), _options(entries[name]), contracts)
                endpoints.change(tx, name, act, options)
            else:
                endpoints.delete(tx, name, act)

    def current(self, tx: Transaction, notes: dict[str, str]) -> Any:
        """By name, with all of their fields."""
        found = {}
        for endpoint in tx.endpoints.list():
            found[endpoint.name] = _written(endpoint, tx.plans.current(endpoint.name).champion)
            for release in tx.releases.active(endpoint.name):
                notes[f"endpoints.{endpoint.name}"] = f"under release {release.id} of {release.candidate}"
        return found


def _compare_new(tx: Transaction, name: str, entry: ConfiguredEndpoint, found: Comparison) -> None:
    place = f"endpoints.{name}"
    found.change("create", place, name, _given(entry))
    with found.faults_at(place):
        options = _options(entry)
        if entry.model not in found.planned:
            version = tx.models.get(entry.model)
            new = Endpoint(name=name, created_at=version.created_at, created_by="")
            endpoints.altered(new, options, [version.contract])


def _compare(tx: Transaction, endpoint: Endpoint, entry: ConfiguredEndpoint, found: Comparison) -> None:
    place, plan = f"endpoints.{endpoint.name}", tx.plans.current(endpoint.name)
    with found.faults_at(place):
        contracts = endpoints.contracts_of(tx, plan)
        options, fields = _differing(endpoint, _options(entry), contracts)
        if options:
            endpoints.altered(endpoint, options, contracts)
            found.change("change", place, endpoint.name, tuple(fields))
        for release in tx.releases.active(endpoint.name):
            found.conflicts += _conflicts(place, endpoint, options, release)
    if entry.model != plan.champion:
        _note_model(tx, place, entry.model, plan.champion, found)


def _note_model(tx: Transaction, place: str, wanted: str, champion: str, found: Comparison) -> None:
    with found.faults_at(place):
        if wanted not in found.planned:
            tx.models.get(wanted)
    name = place.partition(".")[2]
    how = f"interlock release start {name} --candidate {wanted}"
    found.notes.append(Fault(f"{place}.model", f"{champion} answers, which a file does not change; {how}"))


def _conflicts(place: str, endpoint: Endpoint, options: Mapping[str, Any], release: Release) -> list[Fault]:
    reasons = {option: why for option, why in _EVIDENCE.items() if option in options}
    days = options.get("retention_days", 0)
    if days and (endpoint.retention_days == 0 or days < endpoint.retention_days):
        reasons["retention_days"] = "rows that it is decided on would be deleted"
    return [Fault(f"{place}.{_SPELT.get(option, option)}", _end_first(release, why)) for option, why in reasons.items()]


def _end_first(release: Release, why: str) -> str:
    """What would break a running release."""
    return (
        f"release {release.id} of {release.candidate} is {release.state}, and {why}; wait until it ends, or "
        f"`interlock release rollback {release.endpoint}`"
    )


def _options(entry: ConfiguredEndpoint) -> dict[str, Any]:
    """As `registry.endpoints` takes them.

    Raises:
        InvalidInputError: The plan of its releases breaks a rule.
    """
    given: dict[str, Any] = {name: getattr(entry, name) for name in (*_PLAIN, "privacy")}
    given["image_share"] = None if entry.images is None else image_share(entry.images)
    given["release_defaults"] = None if entry.release is None else _defaults(entry.release)
    return {name: value for name, value in given.items() if value is not None}


def _defaults(release: ConfiguredRelease) -> ReleaseDefaults:
    """With the plan's fields as they are read back from the store, so that 1 and 1.0 are the same."""
    strategy, plan = plans.of(release.strategy, release.plan)
    plans.check(plan, strategy)
    fields = msgspec.json.decode(msgspec.json.encode(plan))
    return ReleaseDefaults(strategy=strategy, plan={name: fields[name] for name in release.plan})


def _differing(
    endpoint: Endpoint, options: Mapping[str, Any], contracts: Sequence[Contract]
) -> tuple[dict[str, Any], list[FieldChange]]:
    """Which of the options are not as given, and how they are."""
    found: dict[str, Any] = {}
    fields: list[FieldChange] = []
    for name, new in options.items():
        old = getattr(endpoint, name)
        if name == "privacy":
            rules = resolve(new, contracts)
            changed = {column: rule for column, rule in rules.items() if old.get(column) != rule}
            fields += [FieldChange(f"privacy.{column}", old.get(column), rule) for column, rule in changed.items()]
            found |= {"privacy": changed} if changed else {}
        elif old != new:
            found[name] = new
            fields.append(FieldChange(_SPELT.get(name, name), _shown(name, old), _shown(name, new)))
    return found, fields


def _given(entry: ConfiguredEndpoint) -> tuple[FieldChange, ...]:
    given: dict[str, Any] = msgspec.to_builtins(entry)
    return tuple(FieldChange(name, None, value) for name, value in given.items())


def _written(endpoint: Endpoint, champion: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"model": champion, **{name: getattr(endpoint, name) for name in _PLAIN}}
    entry["privacy"] = endpoint.privacy or None
    entry |= {_SPELT[name]: _shown(name, getattr(endpoint, name)) for name in _SPELT}
    return {name: value for name, value in entry.items() if value is not None}


def _shown(option: str, value: Any) -> Any:
    """An option's value as it stands in a file."""
    if option == "image_share" and value is not None:
        return {1.0: "all", 0.0: "none"}.get(value, value)
    return msgspec.to_builtins(value)
