import numpy as np

from interlock.domain.contract import Contract, Field
from interlock.registry.edge_rows import UNSEEN, edge_rows


def test_each_row_changes_one_value_of_the_first() -> None:
    contract = Contract(
        inputs=(
            Field(name="temp", datatype="FP64", nullable=True, minimum=-5.0, maximum=30.0),
            Field(name="hour", datatype="INT64", minimum=0.0, maximum=23.0),
            Field(name="open", datatype="BOOL"),
            Field(name="plan", datatype="BYTES", nullable=True),
        ),
        outputs=(),
    )
    columns = {
        "temp": np.array([20.0, 21.0]),
        "hour": np.array([7, 8]),
        "open": np.array([True, False]),
        "plan": np.array(["free", "pro"], dtype=object),
    }
    rows = edge_rows(contract, columns)
    changed = [
        (name, value)
        for at in range(len(rows["temp"]))
        for name, value in ((name, values[at]) for name, values in rows.items())
        if value != columns[name][0]
    ]
    assert [value for name, value in changed if name == "temp"][1:] == [0, -5, -50, 30, 300]
    assert np.isnan(changed[0][1])
    assert [value for name, value in changed if name == "hour"] == [0, 0, 0, 23, 230]
    assert [value for name, value in changed if name == "open"] == [False]
    assert [value for name, value in changed if name == "plan"] == [None, UNSEEN, ""]
    assert rows["hour"].dtype == np.int64
