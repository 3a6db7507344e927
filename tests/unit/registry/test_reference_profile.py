import base64
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ModelFailedError
from interlock.domain.ports import Columns
from interlock.registry.reference_profile import reference_profile
from interlock.registry.reference_quality import class_of
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import ProfileSpec

CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="BOOL"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(False, True),
)


class Says:
    """Its input as probability; refuses what is missing."""

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        x = columns["x"]
        if np.isnan(x).any():
            raise ModelFailedError("m:1", "model_error", "missing")
        return {"label": x > 0.5, "probabilities": np.column_stack([1 - x, x])}

    def close(self) -> None:
        """Nothing to free."""


def test_inputs_outputs_and_quality_are_of_the_rows_that_were_answered() -> None:
    columns = {"x": np.array([0.1, 0.9, np.nan, 0.8] * 2)}
    described = reference_profile(Says(), CONTRACT, columns, [False, True, True, False] * 2)
    assert described["rows"] == 6
    assert described["label_share"] == {"False": pytest.approx(2 / 3), "True": pytest.approx(1 / 3)}
    quality = described["quality"]
    assert (quality["rows"], quality["positives"]) == (6, 2)
    assert quality["accuracy"] == pytest.approx(2 / 3)
    assert quality["brier"] == pytest.approx((0.1**2 + 0.1**2 + 0.8**2) / 3)
    assert quality["roc_auc"] == 1.0
    spec = ProfileSpec.from_dict(described["spec"])
    profile = Profile.from_bytes(spec, base64.b64decode(described["counts"]))
    assert [feature.name for feature in spec.features] == ["x", "output.label", "output.score"]
    assert profile.counts("output.label").tolist() == [4, 2, 0, 0]
    assert spec.features[1].categories == ("true", "false")


def test_without_a_label_there_is_no_quality() -> None:
    assert reference_profile(Says(), CONTRACT, {"x": np.array([0.1])}, None).keys() == {"spec", "counts", "rows"}


@pytest.mark.parametrize(
    ("classes", "value", "expected"),
    [((False, True), 1, True), ((0, 1), True, 1), (("0", "1"), 1, "1"), ((0, 1), "1", 1), (("a", "b"), "c", None)],
)
def test_a_label_means_the_class_that_is_spelt_or_counted_the_same(classes: Any, value: Any, expected: Any) -> None:
    contract = Contract(inputs=(), outputs=(), task="binary", classes=classes)
    assert class_of(contract, value) == expected
