"""What is served right now: loaded versions, and the endpoints that route to them.

`Board` is replaced piece by piece in the event loop, and read by every request. A request holds the `ServedEndpoint` it
began with to its end, so that a new plan never changes a request that is under way.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError, ModelFailedError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, Runtime, element_type
from interlock.domain.privacy import effective
from interlock.domain.traffic import TrafficPlan
from interlock.gateway.columns import ColumnReader
from interlock.gateway.errors import UnknownEndpointError
from interlock.gateway.faults import shown
from interlock.predictions.log_rules import LogRules

if TYPE_CHECKING:
    from interlock.gateway.lane import Lane

Adapter = Callable[[Columns, int], Columns]


class LoadedVersion:
    """A version that answers in this worker. `lane` is where calls wait for it, from the first one on."""

    __slots__ = ("_output_names", "contract", "lane", "reader", "ref", "runtime", "version")

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        self.lane: Lane | None = None
        self.version, self.runtime = version, runtime
        self.ref = str(version.ref)
        self.contract = version.contract
        self.reader = ColumnReader(version.contract)
        self._output_names = tuple(output.name for output in version.contract.outputs)

    def plain(self, outputs: dict[str, NDArray[Any]], rows: int) -> dict[str, list[Any]]:
        """Outputs as plain values.

        Raises:
            ModelFailedError: An output of the contract is missing, or has another number of rows.
        """
        plain: dict[str, list[Any]] = {}
        for name in self._output_names:
            values = outputs.get(name)
            if values is None or len(values) != rows:
                raise ModelFailedError(self.ref, "invalid_output", f"output {name!r} does not have {rows} rows")
            plain[name] = values.tolist()
        return plain


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A way to assign a request: to which version, and with which probability it goes there."""

    version: LoadedVersion
    is_challenger: bool
    propensity: float


@dataclass(frozen=True, slots=True)
class Split:
    """How units are assigned by their position: from `bounds[n - 1]` up to `bounds[n]`, to `choices[n]`.

    Without bounds there is one choice, and no draw.
    """

    bounds: tuple[float, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ServedEndpoint:
    """A traffic plan with its versions loaded.

    Args:
        adapters: Of challengers whose contract differs from the champion's: from columns that keep that to their own.
        versions: All that are loaded, by `name:version`. A challenger that is not among them gets no traffic here.
        log_rules: What may be written down; None for everything as it is.
        split: How requests are assigned.
        pinned: How requests are assigned that name a version, by `name:version`.
    """

    plan: TrafficPlan
    champion: LoadedVersion
    versions: dict[str, LoadedVersion]
    adapters: dict[str, Adapter] = field(default_factory=dict)
    log_rules: LogRules | None = None
    deadline_seconds: float = field(init=False, default=1.0)
    split: Split = field(init=False)
    pinned: dict[str, Choice] = field(init=False)
    _splits: dict[frozenset[str], Split] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deadline_seconds", self.plan.deadline_ms / 1000)
        object.__setattr__(self, "split", self.split_without(frozenset()))
        object.__setattr__(self, "pinned", {ref: Choice(version, False, 1.0) for ref, version in self.versions.items()})

    def split_without(self, withdrawn: frozenset[str]) -> Split:
        """How requests are assigned when some challengers get nothing. The same object for the same challengers."""
        if withdrawn not in self._splits:
            self._splits[withdrawn] = _split(self, withdrawn)
        return self._splits[withdrawn]

    @property
    def name(self) -> str:
        return self.plan.endpoint


def serve(plan: TrafficPlan, loaded: dict[str, LoadedVersion]) -> ServedEndpoint:
    """Join a plan with its versions. The champion must be among them."""
    champion = loaded[plan.champion]
    versions = {ref: loaded[ref] for ref in plan.versions if ref in loaded}
    adapters: dict[str, Adapter] = {}
    for challenger in plan.challengers:
        version = versions.get(challenger.version)
        adapt = adapter(champion.contract, version.contract) if version is not None else None
        if adapt is not None:
            adapters[challenger.version] = adapt
    return ServedEndpoint(plan, champion, versions, adapters, log_rules(plan, versions.values()))


def _split(served: ServedEndpoint, withdrawn: frozenset[str]) -> Split:
    there = [each for each in served.plan.challengers if each.version in served.versions]
    there = [each for each in there if each.share > 0 and each.version not in withdrawn]
    champion = Choice(served.champion, False, max(0.0, 1.0 - sum(each.share for each in there)))
    ranges = [
        (start, stop, choice)
        for each in there
        for choice in [Choice(served.versions[each.version], True, each.share)]
        for start, stop in each.slots
    ]
    bounds, choices, at = [], [], 0.0
    for start, stop, choice in sorted(ranges, key=lambda each: each[0]):
        if start > at:
            bounds.append(start)
            choices.append(champion)
        bounds.append(stop)
        choices.append(choice)
        at = stop
    if at < 1:
        choices.append(champion)
    return Split(tuple(bounds[: len(choices) - 1]), tuple(choices))


def log_rules(plan: TrafficPlan, versions: Iterable[LoadedVersion]) -> LogRules | None:
    """What an endpoint's plan and the contracts of its versions let be written down; None for everything as it is."""
    contracts = [version.contract for version in versions]
    shares: dict[str, float] = {}
    for found in (one for contract in contracts for one in contract.inputs):
        if found.image is not None:
            own = found.image.keep if plan.image_share is None else plan.image_share
            shares[found.name] = min(own, shares.get(found.name, 1.0))
    return LogRules(effective(contracts, plan.privacy), shares) or None


def pinned_version(served: ServedEndpoint, named: str | None) -> LoadedVersion | None:
    """The version in `/versions/{named}`: `wine:3`, or `3` of the champion's model, else of any in the plan."""
    if named is None:
        return None
    ref = resolve_version(served, named)
    if ref is None:
        known = ", ".join(served.versions)
        raise InvalidInputError(f"version == {shown(named)}, must be one that {served.name!r} keeps loaded: {known}")
    return served.versions[ref]


def resolve_version(served: ServedEndpoint, named: str) -> str | None:
    """`name:version` of what a path calls a version, if it is in the plan."""
    if named in served.versions:
        return named
    found = [loaded for loaded in served.versions.values() if str(loaded.version.version) == named]
    found.sort(key=lambda loaded: loaded.version.name != served.champion.version.name)
    return found[0].ref if found else None


def adapter(source: Contract, target: Contract) -> Adapter | None:
    """How columns of one contract are given to a model of another that a release found compatible.

    What only the target knows is missing (it is nullable, or the release would not have begun); integers become floats
    where the target takes floats.
    """
    if [_kind(source, name) for name in _names(target)] == [_kind(target, name) for name in _names(target)]:
        return None
    target_reader = ColumnReader(target)
    floats = {found.name for found in target.inputs if found.is_float}

    def adapt(columns: Columns, rows: int) -> Columns:
        adapted: dict[str, NDArray[Any]] = {}
        for name in target_reader.names:
            values = columns.get(name)
            if values is None:
                values = target_reader.missing(name, rows)
            elif name in floats:
                values = values.astype(np.float64, copy=False)
            adapted[name] = values
        return adapted

    return adapt


def _names(contract: Contract) -> list[str]:
    return [found.name for found in contract.inputs]


def _kind(contract: Contract, name: str) -> str | None:
    found = contract.input(name)
    if found is None:
        return None
    return str(element_type(found))


class Board:
    """Endpoints by name, as served now."""

    def __init__(self) -> None:
        self._endpoints: dict[str, ServedEndpoint] = {}
        self._on_change: Callable[[], None] = lambda: None

    def on_change(self, call: Callable[[], None]) -> None:
        """Call this whenever an endpoint was put or removed."""
        self._on_change = call

    def put(self, endpoint: ServedEndpoint) -> None:
        self._endpoints = {**self._endpoints, endpoint.name: endpoint}
        self._on_change()

    def remove(self, name: str) -> None:
        self._endpoints = {known: served for known, served in self._endpoints.items() if known != name}
        self._on_change()

    def get(self, name: str) -> ServedEndpoint:
        """Raises UnknownEndpointError."""
        found = self._endpoints.get(name)
        if found is None:
            raise UnknownEndpointError(name, (), "it was removed just now")
        return found

    def find(self, name: str) -> ServedEndpoint | None:
        return self._endpoints.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._endpoints))

    @property
    def endpoints(self) -> tuple[ServedEndpoint, ...]:
        return tuple(self._endpoints.values())
