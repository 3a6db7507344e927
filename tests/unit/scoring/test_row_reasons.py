from interlock.scoring.row_reasons import RowReasons


def test_rows_are_counted_by_reason_and_the_first_are_named() -> None:
    tally = RowReasons()
    tally.add("p1", "model_error", "x == 3 is too much", "x is too much")
    tally.add("p2", "model_error", "x == 4 is too much", "x is too much")
    tally.add_all(["p3"], "withheld", "not logged")
    found = tally.result()
    assert (found.rows, found.reasons) == (3, {"x is too much": 2, "not logged": 1})
    assert [each.prediction_id for each in found.examples] == ["p1", "p2", "p3"]
    assert found.examples[0].error == "x == 3 is too much"


def test_memory_is_bounded_however_many_reasons_there_are() -> None:
    tally = RowReasons()
    for number in range(5000):
        tally.add(f"p{number}", "model_error", f"fault {number}")
    found = tally.result()
    assert found.rows == 5000
    assert len(found.examples) == 100
    assert found.reasons["other reasons"] == 4000
    assert len(found.reasons) == 20
