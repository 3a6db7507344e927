"""What the log says of a release, gathered for its gates: rows, whether there are labels, and why something is lacking.

Called by the loop that moves releases, twice a second, so what was read is kept in memory and read again only when a
table has changed, and seldom enough. It judges nothing.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from interlock.domain.contract import Contract
from interlock.domain.errors import NotFoundError
from interlock.domain.evidence import StepCounts
from interlock.domain.privacy import effective, unkept_images, withheld_sentence
from interlock.domain.release import Release
from interlock.releases import watch
from interlock.releases.evidence import Evidence, EvidenceReader
from interlock.store import Store

# Rows of a release are read from its beginning, and take a tenth of this process's time at most.
_PAUSES_PER_COST = 9


@dataclass(frozen=True, slots=True)
class Logged:
    """What the log said of a release. `due`: monotonic time from which it is worth to be asked again."""

    version: tuple[Any, ...] | None
    has_labels: bool
    rows: pa.Table
    fault: Exception | None
    due: float


class Gathering:
    """What is gathered for releases under way.

    Args:
        store: Contracts and endpoints.
        reader: The prediction log.
    """

    def __init__(self, store: Store, reader: EvidenceReader) -> None:
        self._store, self._reader = store, reader
        # By release, and whether that is over and only watched.
        self._log: dict[tuple[str, bool], Logged] = {}
        self._contracts: dict[str, Contract] = {}

    def keep_only(self, releases: Collection[str]) -> None:
        """Forget all other releases."""
        self._log = {key: logged for key, logged in self._log.items() if key[0] in releases}

    def evidence(
        self, release: Release, now: datetime, counts: tuple[StepCounts, ...], logged: Logged, asked: tuple[str, ...]
    ) -> Evidence:
        """Everything that the gates named look at."""
        contract, lacking = self._contract(release.champion), self._lacking(release)
        rows = watch.turned(logged.rows, release.watch.step) if release.watch is not None else logged.rows
        return Evidence(release, now, counts, contract, logged.has_labels, rows, logged.fault, *lacking, asked)

    def logged(self, release: Release, *, again: bool) -> Logged:
        """What the log says of a release: as new as reading all its rows so often is worth, or really new (`again`)."""
        key = (release.id, release.is_watched)
        version, known = self._version(release), self._log.get(key)
        if known is not None and not again and (version == known.version or time.monotonic() < known.due):
            return known
        began = time.monotonic()
        has_labels, rows, fault = self._read(release)
        ended = time.monotonic()
        due = ended + _PAUSES_PER_COST * (ended - began)
        found = self._log[key] = Logged(version, has_labels, rows, fault, due)
        return found

    def _version(self, release: Release) -> tuple[Any, ...] | None:
        try:
            return self._reader.evidence_version(release.endpoint)
        except Exception:
            # Reading the rows will say what is wrong.
            return None

    def _read(self, release: Release) -> tuple[bool, pa.Table, Exception | None]:
        try:
            return self._reader.has_labels(release.endpoint), self._rows(release), None
        except Exception as fault:
            # Live errors still count, so harm rolls back; nothing is promoted without the log.
            return True, pa.table({}), fault

    def _rows(self, release: Release) -> pa.Table:
        if release.is_watched or not release.compares_arms:
            return self._reader.paired(release.endpoint, release.id, release.plan.slices)
        plan = release.plan
        rewards = ([plan.reward] if plan.reward is not None else []) + list(plan.guard_rewards)
        return self._reader.assigned(
            release.endpoint, release.id, rewards, answers=plan.reward is None, inputs=plan.compared_inputs
        )

    def _lacking(self, release: Release) -> tuple[str, str]:
        """Why the log lacks what scoring by both versions needs, and why it lacks their answers."""
        try:
            with self._store.read() as tx:
                endpoint = tx.endpoints.get(release.endpoint)
        except NotFoundError:  # deleted meanwhile, which ends the release
            return "", ""
        contracts = [self._contract(ref) for ref in (release.champion, *release.candidates)]
        rules = effective(contracts, endpoint.privacy)
        inputs = [name for name in rules if name.startswith("input.")]
        outputs = [name for name in rules if name.startswith("output.")]
        if release.compares_arms and not release.is_watched:
            # A reward needs no answer; who is a unit, everything does.
            outputs = [
                *(outputs if release.plan.reward is None else []),
                *(["unit"] if rules.get("unit") == "drop" else []),
            ]
        unkept = unkept_images(contracts, endpoint.image_share)
        lacking = [withheld_sentence(inputs)] if inputs else []
        lacking += [f"the log keeps no images of {', '.join(unkept)}"] if unkept else []
        return "; ".join(lacking), withheld_sentence(outputs) if outputs else ""

    def _contract(self, ref: str) -> Contract:
        """The contract of a version; versions never change."""
        if ref not in self._contracts:
            with self._store.read() as tx:
                self._contracts[ref] = tx.models.get(ref).contract
        return self._contracts[ref]
