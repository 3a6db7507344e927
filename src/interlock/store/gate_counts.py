"""Counts that the gates of a release look at. Added by the collector in the transaction of its cursor."""

import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import and_, delete, insert, select

from interlock.domain.evidence import StepCounts, StepDelta
from interlock.store.repository import Repository
from interlock.store.tables import gate_counts, gate_units

# Values in one IN (...): well under the limits of both databases.
_CHUNK = 500

# Stands for a release as a whole among its steps.
_ANY_STEP = -1


class GateCountRepository(Repository):
    """Units, failed units and latencies by release, step, version assigned and propensity."""

    def add(self, delta: StepDelta) -> None:
        """Add what a segment brought."""
        key = {
            "release_id": delta.release_id,
            "step": delta.step,
            "is_challenger": delta.is_challenger,
            "version": delta.version,
            "propensity": delta.propensity,
        }
        query = select(gate_counts).where(and_(*(gate_counts.c[name] == value for name, value in key.items())))
        there = self._connection.execute(query).first()
        units, failed, latency = delta.units, delta.failed_units, delta.latency
        first = failed if delta.first_failed_units is None else delta.first_failed_units
        if there is not None:
            first += there.failed_units if there.first_failed_units is None else there.first_failed_units
            units, failed, latency = units + there.units, failed + there.failed_units, latency + there.latency
        found = {"units": units, "failed_units": failed, "first_failed_units": first, "latency": latency}
        self._put(gate_counts, key, found)

    def list(self, release_id: str) -> list[StepCounts]:
        """Everything counted for a release, by step, champion first."""
        query = select(gate_counts).where(gate_counts.c.release_id == release_id)
        order = (gate_counts.c[name] for name in ("step", "is_challenger", "version", "propensity"))
        rows = self._connection.execute(query.order_by(*order))
        return [
            StepCounts(
                release_id=row.release_id,
                step=row.step,
                is_challenger=row.is_challenger,
                units=row.units,
                failed_units=row.failed_units,
                latency_counts=tuple(row.latency.tolist()),
                version=row.version,
                propensity=row.propensity,
                first_failed_units=row.first_failed_units,
            )
            for row in rows
        ]

    def new_units(self, release_id: str, step: int, is_challenger: bool, units: Iterable[str]) -> int:
        """Remember keyed units; how many were not met before in this step on this side."""
        return len(self.first_met(release_id, step, is_challenger, units))

    def first_met(self, release_id: str, step: int, is_challenger: bool, units: Iterable[str]) -> set[str]:
        """Remember keyed units; which were not met before in this step on this side."""
        return self._remember(release_id, step, is_challenger, False, units)

    def new_failed_units(self, release_id: str, step: int, is_challenger: bool, units: Iterable[str]) -> int:
        """Remember keyed units that failed; how many had not failed before in this step on this side."""
        return len(self._remember(release_id, step, is_challenger, True, units))

    def first_failed_units(self, release_id: str, units: Iterable[str]) -> int:
        """Remember keyed units that failed; how many had not failed before in this release, in any step on any side."""
        return len(self._remember(release_id, _ANY_STEP, False, True, units))

    def forget(self, release_ids: Sequence[str], unit: str) -> None:
        """Forget that a unit was met. Counts stay; were it to come again in a running step, it would count again."""
        named = and_(gate_units.c.release_id.in_(release_ids), gate_units.c.unit == _digest(unit))
        self._connection.execute(delete(gate_units).where(named))

    def _remember(
        self, release_id: str, step: int, is_challenger: bool, is_failed: bool, units: Iterable[str]
    ) -> set[str]:
        key = {"release_id": release_id, "step": step, "is_challenger": is_challenger, "is_failed": is_failed}
        here = and_(*(gate_units.c[name] == value for name, value in key.items()))
        asked = {_digest(unit): unit for unit in units}
        digests = list(asked)
        new: set[str] = set()
        for start in range(0, len(digests), _CHUNK):
            some = digests[start : start + _CHUNK]
            known = set(self._connection.scalars(select(gate_units.c.unit).where(here, gate_units.c.unit.in_(some))))
            fresh = [unit for unit in some if unit not in known]
            if fresh:
                self._connection.execute(insert(gate_units), [{**key, "unit": unit} for unit in fresh])
            new.update(asked[unit] for unit in fresh)
        return new


def _digest(unit: str) -> bytes:
    """Kept in place of the key itself: units are often people, and may be long."""
    return hashlib.blake2b(unit.encode(), digest_size=16).digest()
