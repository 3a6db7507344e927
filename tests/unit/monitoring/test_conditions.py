"""One test for each letter of the diagram, and for what lies between."""

from datetime import UTC, datetime, timedelta

from interlock.domain.alert import Condition, Rule
from interlock.monitoring.conditions import Advance, advance
from interlock.monitoring.observation import Observation

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
AT_ONCE = Rule(name="r", severity="warning", over_after=2 * DAY, cooldown=3 * DAY)
PATIENT = Rule(name="r", severity="warning", bad_for=2 * DAY, over_after=DAY)


def look(day: int, is_bad: bool, rule: Rule = AT_ONCE) -> Observation:
    start = START + day * DAY
    return Observation(
        rule=rule, endpoint="e", key="k", start=start, end=start + DAY, is_bad=is_bad, sentence=f"day {day}"
    )


def run(days: str, rule: Rule = AT_ONCE) -> tuple[list[str], Condition | None]:
    """What changed on each day; `b` is bad, `g` good, `-` not looked at. Its incident is number 1."""
    condition: Condition | None = None
    changes: list[str] = []
    for number, letter in enumerate(days):
        after = Advance(condition) if letter == "-" else advance(condition, look(number, letter == "b", rule))
        changes.append(after.change)
        condition = after.condition
        if after.change == "fires" and condition is not None:
            condition = _with_alert(condition)
    return changes, condition


def _with_alert(condition: Condition) -> Condition:
    fields = {name: getattr(condition, name) for name in condition.__struct_fields__}
    return Condition(**{**fields, "alert": 1})


def test_b_a_rule_that_does_not_wait_fires_on_the_first_bad_day() -> None:
    assert run("b")[0] == ["fires"]


def test_a_b_a_patient_rule_waits_for_a_second_bad_day_in_a_row() -> None:
    assert run("bb", PATIENT)[0] == ["none", "fires"]


def test_c_a_good_day_ends_the_wait() -> None:
    changes, condition = run("bgb", PATIENT)
    assert changes == ["none", "none", "none"]
    assert condition is not None
    assert condition.state == "pending"


def test_d_what_stays_bad_is_no_news() -> None:
    assert run("bbbbb")[0] == ["fires", "none", "none", "none", "none"]


def test_d_what_swings_stays_one_incident() -> None:
    assert run("bgbgbgbg")[0] == ["fires", *["none"] * 7]


def test_e_two_good_days_end_it() -> None:
    assert run("bgg")[0] == ["fires", "none", "is_over"]


def test_e_a_day_without_data_is_neither_good_nor_bad() -> None:
    assert run("bg-g")[0] == ["fires", "none", "none", "is_over"]


def test_f_after_the_cooldown_it_is_forgotten_and_a_new_incident() -> None:
    changes, condition = run("bggggg")
    assert changes == ["fires", "none", "is_over", "none", "none", "none"]
    assert condition is None
    assert run("bgg--b")[0][-1] == "fires"


def test_g_back_within_the_cooldown_it_is_the_same_incident() -> None:
    changes, condition = run("bggb")
    assert changes[-1] == "fires_again"
    assert condition is not None
    assert condition.alert == 1


def test_good_news_of_an_older_day_ends_nothing() -> None:
    _, condition = run("--bb")
    assert advance(condition, look(2, False)) == Advance(condition)
    assert advance(condition, look(3, False)).condition != condition  # the newest day itself was revised


def test_bad_news_of_an_older_day_reopens_nothing() -> None:
    _, condition = run("-bgg")
    assert condition is not None
    assert condition.state == "over"
    assert advance(condition, look(0, True)) == Advance(condition)


def test_what_is_good_leaves_nothing_to_remember() -> None:
    assert run("ggg") == (["none"] * 3, None)
