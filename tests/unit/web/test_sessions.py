from datetime import UTC, datetime, timedelta

from interlock.web import sessions
from interlock.web.sessions import Sessions

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_a_session_is_found_by_its_cookie_alone() -> None:
    there = Sessions(Clock())
    cookie, other = there.open("a"), there.open("b")
    found = there.find(cookie)
    assert found is not None
    assert (found.key_digest, found.ends_at) == ("a", NOW + timedelta(hours=12))
    assert there.find(cookie[:-1]) is None
    assert cookie != other


def test_a_session_ends_by_the_clock_and_by_hand() -> None:
    clock = Clock()
    there = Sessions(clock)
    early, late = there.open("a"), there.open("b")
    there.close(late)
    assert there.find(late) is None
    clock.now = NOW + sessions.LENGTH - timedelta(seconds=1)
    assert there.find(early) is not None
    clock.now = NOW + sessions.LENGTH
    assert there.find(early) is None


def test_ended_sessions_are_dropped_and_the_number_is_bounded() -> None:
    clock = Clock()
    there = Sessions(clock)
    oldest = there.open("first")
    for _ in range(sessions._MOST):
        newest = there.open("later")
    assert there.find(oldest) is None
    assert there.find(newest) is not None
    assert len(there._open) == sessions._MOST
    clock.now = NOW + timedelta(days=1)
    there.open("next day")
    assert len(there._open) == 1


def test_forms_of_two_sessions_carry_different_tokens() -> None:
    there = Sessions(Clock())
    tokens = {found.csrf for cookie in (there.open("a"), there.open("a")) if (found := there.find(cookie))}
    assert len(tokens) == 2
