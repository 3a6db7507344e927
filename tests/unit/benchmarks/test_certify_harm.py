"""Rules of delivery tools are counted as they say, and the gate's harm beside them is what is certified."""

import numpy as np

from benchmarks.releases.certify_errors import ALPHA
from benchmarks.releases.certify_harm import BAD, GOOD, by_checks, simulate


def test_a_reading_fails_under_its_least_rate_and_the_next_after_the_most_ends_it() -> None:
    # Readings of four requests: two of the candidate's in each, one of them failed in the first, third and fourth.
    challenger = np.tile([True, False, True, False], 4)[None]
    failed = np.zeros((1, 16), dtype=np.bool_)
    failed[0, [0, 8, 14]] = True
    failed[0, 5] = True  # the champion's
    ends = [by_checks(challenger, failed, every=4, least=0.9, most=most)[0] for most in (0, 1, 2, 3)]
    assert ends == [4, 12, 16, 0]
    assert by_checks(challenger, failed, every=4, least=0.5, most=0)[0] == 0
    assert by_checks(~challenger, failed, every=4, least=0.9, most=0)[0] == 8


def test_few_users_are_harmed_before_the_gate_says_so() -> None:
    found = simulate(50, 1, BAD, requests=100_000)["the gate"]
    assert found.share > 0.9
    assert found.harmed < 20


def test_the_gate_keeps_its_level_where_a_rule_that_knows_no_champion_does_not() -> None:
    runs = 50
    found = simulate(runs, 2, GOOD, requests=100_000)
    assert found["the gate"].share <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / runs) ** 0.5
    assert found["Flagger's rule, 600 requests a minute"].share > 0.9
