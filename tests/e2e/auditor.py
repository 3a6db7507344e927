"""Holds what callers were told, and compares it with what is found afterwards.

Told: the ids and answers of predictions, and which labels were accepted. Found: rows of the log, labels, profiles. The
auditor trusts nothing that the product says of itself: profiles are counted again from the rows.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from interlock.predictions.profiling import features
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import ProfileSpec


@dataclass
class Told:
    """What callers were told: id of a prediction to its answer, and to its label."""

    answers: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    """What does not add up. All empty when all is well.

    Args:
        lost: Acknowledged, and not in the log.
        doubled: In the log more than once.
        changed: In the log with another answer than the caller got.
        lost_labels: Accepted, and not there, or with another value.
        miscounted: Features whose profile is not that of the rows.
    """

    lost: set[str]
    doubled: set[str]
    changed: set[str]
    lost_labels: set[str]
    miscounted: set[str]

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.changed or self.lost_labels or self.miscounted)


def audit(
    told: Told,
    rows: pa.Table,
    labels: Mapping[str, Any],
    profiles: Mapping[str, list[bytes]],
    specs: Mapping[str, ProfileSpec],
) -> Findings:
    """Compare.

    Args:
        rows: The whole predictions table, its columns as the log has them.
        labels: The label of each labelled prediction.
        profiles: Stored profiles by the version that answered.
        specs: Their bins, by version.
    """
    ids = rows["prediction_id"].to_pylist()
    answers = dict(zip(ids, rows["output.label"].to_pylist(), strict=True))
    return Findings(
        lost=told.answers.keys() - answers.keys(),
        doubled={name for name, times in Counter(ids).items() if times > 1},
        changed={name for name, answer in told.answers.items() if name in answers and answers[name] != answer},
        lost_labels={name for name, label in told.labels.items() if labels.get(name) != label},
        miscounted=_miscounted(rows, profiles, specs),
    )


def _miscounted(rows: pa.Table, profiles: Mapping[str, list[bytes]], specs: Mapping[str, ProfileSpec]) -> set[str]:
    wrong: set[str] = set()
    versions = rows["version"].to_pylist()
    for version in {*versions, *profiles}:
        mine = rows.filter(pa.array([found == version for found in versions]))
        spec = specs[version]
        counted, stored = Profile(spec), Profile(spec)
        counted.update(features(mine, spec))
        for data in profiles.get(version, []):
            stored.merge(Profile.from_bytes(spec, data))
        for feature in spec.features:
            if counted.counts(feature.name).tolist() != stored.counts(feature.name).tolist():
                wrong.add(f"{version} {feature.name}")
    return wrong
