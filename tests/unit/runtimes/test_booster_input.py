import numpy as np
import pytest

from interlock.domain.contract import Contract, Field, Time
from interlock.domain.errors import UnloadableModelError
from interlock.runtimes.booster_input import BoosterInput

CONTRACT = Contract(inputs=(Field(name="a", datatype="FP64"), Field(name="plan", datatype="BYTES")), outputs=())
COLUMNS = {"a": np.array([1.5, np.nan]), "plan": np.array(["pro", None], dtype=object)}


def test_categories_become_their_place_in_the_models_list_in_the_models_order() -> None:
    given = BoosterInput(["plan", "a"], {"plan": ["free", "pro"]}, CONTRACT, unseen_is_missing=True)
    np.testing.assert_array_equal(given(COLUMNS), [[1.0, 1.5], [np.nan, np.nan]])


def test_without_names_the_contracts_order_counts() -> None:
    given = BoosterInput([], {"plan": ["free", "pro"]}, CONTRACT, unseen_is_missing=True)
    assert given(COLUMNS)[0].tolist() == [1.5, 1.0]


def test_an_unseen_category_is_missing_or_refused_as_the_framework_has_it() -> None:
    columns = {**COLUMNS, "plan": np.array(["pro", "team"], dtype=object)}
    lenient = BoosterInput([], {"plan": ["free", "pro"]}, CONTRACT, unseen_is_missing=True)
    assert np.isnan(lenient(columns)[1, 1])
    strict = BoosterInput([], {"plan": ["free", "pro"]}, CONTRACT, unseen_is_missing=False)
    with pytest.raises(ValueError, match="plan == 'team', a category that the model was not trained with"):
        strict(columns)
    assert np.isnan(strict(COLUMNS)[1, 1])


def test_categories_may_be_numbers() -> None:
    contract = Contract(inputs=(Field(name="hour", datatype="INT64"),), outputs=())
    given = BoosterInput(["hour"], {"hour": [5, 6, 7]}, contract, unseen_is_missing=True)
    np.testing.assert_array_equal(given({"hour": np.array([7, 9])}), [[2.0], [np.nan]])


def test_text_without_known_categories_is_refused_by_its_column() -> None:
    with pytest.raises(UnloadableModelError, match=r"column\(s\) plan hold text, and the file names no categories"):
        BoosterInput([], {}, CONTRACT, unseen_is_missing=True)


def test_a_vector_is_the_matrix() -> None:
    contract = Contract(inputs=(Field(name="input", datatype="FP64", shape=(2,)),), outputs=())
    assert BoosterInput([], {}, contract, unseen_is_missing=True)({"input": np.ones((3, 2))}).shape == (3, 2)


def test_times_are_refused_by_their_column() -> None:
    contract = Contract(inputs=(Field(name="since", datatype="BYTES", time=Time()),), outputs=())
    with pytest.raises(UnloadableModelError, match=r"column\(s\) since hold dates or times, and boosters take numbers"):
        BoosterInput([], {}, contract, unseen_is_missing=True)
