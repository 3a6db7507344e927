from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.ports import Columns
from interlock.registry.answered import ask


class Refuses:
    """Raises on batches that hold a value it does not like; counts calls."""

    def __init__(self, bad: float) -> None:
        self.bad, self.calls = bad, 0

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        self.calls += 1
        if ((columns["x"] == self.bad) | (np.isnan(columns["x"]) & np.isnan(self.bad))).any():
            raise ValueError("refused")
        return {"prediction": columns["x"] * 2}

    def close(self) -> None:
        """Nothing to free."""


def test_every_row_is_answered_or_refused() -> None:
    x = np.arange(2500.0)
    answered = ask(Refuses(7.0), {"x": x}, seconds=10)
    assert answered.refused.tolist() == [7]
    assert sorted(answered.index.tolist()) == [at for at in range(2500) if at != 7]
    np.testing.assert_array_equal(answered.outputs["prediction"], x[answered.index] * 2)


def test_refused_missing_values_cost_few_calls() -> None:
    x = np.where(np.arange(1000) % 10 == 0, np.nan, 1.0)
    model = Refuses(np.nan)
    assert len(ask(model, {"x": x}, seconds=10).refused) == 100
    assert model.calls < 3 * 100


def test_when_time_is_up_the_rest_is_in_neither() -> None:
    answered = ask(Refuses(1.0), {"x": np.ones(10)}, seconds=0)
    assert (len(answered.index), len(answered.refused), answered.outputs) == (0, 0, {})
