"""Losses of answers and of the last label, against closed forms and `naive_forecast`."""

import numpy as np
import pytest

from interlock.domain.contract import Contract, Field
from interlock.learning import online_losses
from interlock.learning.online_losses import NoChange
from interlock.stats import losses, naive_forecast

BINARY = Contract(
    inputs=(),
    outputs=(Field(name="label", datatype="BOOL"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(False, True),
)
THREE = Contract(
    inputs=(),
    outputs=(Field(name="label", datatype="BYTES"), Field(name="probabilities", datatype="FP64", shape=(3,))),
    task="multiclass",
    classes=("a", "b", "c"),
)
WORDS = Contract(
    inputs=(), outputs=(Field(name="label", datatype="BYTES"),), task="multiclass", classes=("a", "b", "c")
)
NUMBER = Contract(inputs=(), outputs=(Field(name="prediction", datatype="FP64"),), task="regression")


def test_answers_that_keep_no_contract_have_no_loss() -> None:
    outputs = {
        "label": np.array([True, True, False]),
        "probabilities": np.array([[0.2, 0.8], [np.nan, 1.0], [0.9, 0.9]]),
    }
    found = online_losses.of_answers(BINARY, [True, True, False], outputs, np.ones(3, dtype=bool))
    assert found[0] == pytest.approx(0.04)
    assert np.isnan(found[1:]).all()


def test_numbers_are_judged_by_their_distance() -> None:
    outputs = {"prediction": np.array([1.0, np.inf, 3.0])}
    found = online_losses.of_answers(NUMBER, [2.0, 2.0, 2.0], outputs, np.array([True, True, False]))
    assert found[0] == 1.0
    assert np.isnan(found[1:]).all()


def test_the_last_label_of_classes_without_probabilities() -> None:
    found, after = online_losses.of_no_change(WORDS, ["a", "a", "b", "b"], NoChange())
    assert np.isnan(found[0])
    assert found[1:].tolist() == [0.0, 1.0, 0.0]
    assert after.last == 1


def test_the_last_number() -> None:
    found, after = online_losses.of_no_change(NUMBER, [1.0, 3.0], NoChange(last=0.5))
    assert found.tolist() == [0.5, 2.0]
    assert after.last == 3.0


@pytest.mark.parametrize("contract", [BINARY, THREE])
def test_what_followed_the_last_label_is_what_naive_forecast_computes(contract: Contract) -> None:
    rng = np.random.default_rng(1)
    size = len(contract.classes)
    index = rng.integers(0, size, 60)
    labels = [contract.classes[at] for at in index]
    _, before = online_losses.of_no_change(contract, labels[:50], NoChange())
    found, _ = online_losses.of_no_change(contract, labels[50:51], before)
    table = naive_forecast.after_each_class(np.r_[-1, index[:49]], index[:50], size)
    assert found[0] == pytest.approx(losses.brier([index[50]], table[index[49]][None, :])[0])


def test_told_in_two_parts_it_is_the_same() -> None:
    labels = [bool(value) for value in np.random.default_rng(2).integers(0, 2, 40)]
    whole, _ = online_losses.of_no_change(BINARY, labels, NoChange())
    first, between = online_losses.of_no_change(BINARY, labels[:13], NoChange())
    second, _ = online_losses.of_no_change(BINARY, labels[13:], between)
    assert np.array_equal(np.r_[first, second], whole, equal_nan=True)
