from typing import Any

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.domain.release import ReleasePlan
from interlock.releases.plan import check


def test_the_defaults_are_fine() -> None:
    check(ReleasePlan())


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"steps": (0.5, 0.2, 1.0)}, ["must rise strictly"]),
        ({"steps": (0.5, 0.5, 1.0)}, ["must rise strictly"]),
        ({"steps": (0.0, 1.0)}, ["must each be over 0"]),
        ({"steps": (0.1, 0.5)}, ["must end with 1"]),
        ({"steps": (1.0,)}, ["at least one share under 1"]),
        ({"steps": (float("nan"), 1.0)}, ["must each be over 0", "must rise strictly"]),
        ({"steps": (), "alpha": 1.0}, ["must end with 1", "at least one share", "alpha == 1"]),
        ({"min_units": 0, "latency_ratio": 0.5}, ["min_units == 0", "latency_ratio == 0.5"]),
        ({"quality_margin": float("nan")}, ["quality_margin == nan"]),
    ],
)
def test_all_faults_are_named_at_once(changes: dict[str, Any], faults: list[str]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check(ReleasePlan(**changes))
    assert len(refused.value.faults) == len(faults)
    for said, expected in zip(refused.value.faults, faults, strict=True):
        assert expected in said
