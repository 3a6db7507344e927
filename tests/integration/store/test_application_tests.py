from tests.unit.releases.world import application_test

from interlock.store import Store


def test_tests_come_back_as_they_were_by_version(store: Store) -> None:
    first, second = application_test(number=1), application_test(number=2, failed_rows=3)
    other = application_test("wine:3")
    with store.transaction() as tx:
        for test in (second, other, first):
            tx.application_tests.add(test)
    with store.read() as tx:
        assert tx.application_tests.list("wine:2") == [first, second]
        assert tx.application_tests.list("wine:3") == [other]
        assert tx.application_tests.list("wine:4") == []
    assert (first.passed, second.passed) == (True, False)
