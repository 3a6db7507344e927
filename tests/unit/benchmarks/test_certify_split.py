"""The split is exact within chance, the same in every process, and going up moves nobody back."""

from itertools import pairwise

import pytest

from benchmarks.releases.certify_split import SHARES, assign, digest, elsewhere

UNITS = 20_000


@pytest.mark.parametrize("share", SHARES)
def test_a_share_is_met_within_binomial_noise(share: float) -> None:
    found = int(assign(share, "a", UNITS).sum())
    assert abs(found - UNITS * share) <= 4 * (UNITS * share * (1 - share)) ** 0.5


def test_going_up_never_moves_a_unit_back() -> None:
    assigned = [assign(share, "b", UNITS) for share in SHARES]
    for low, high in pairwise(assigned):
        assert not (low & ~high).any()


def test_releases_are_split_apart_from_each_other() -> None:
    both = assign(0.5, "c", UNITS) & assign(0.5, "d", UNITS)
    assert abs(int(both.sum()) - UNITS / 4) <= 4 * (UNITS * 0.25 * 0.75) ** 0.5


def test_another_gateway_and_one_started_anew_assign_alike() -> None:
    assert {elsewhere("e", 2000, number) for number in range(2)} == {digest("e", 2000)}
    assert digest("f", 2000) != digest("e", 2000)
