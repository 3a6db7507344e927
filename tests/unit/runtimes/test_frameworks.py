from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from interlock.domain.contract import Contract
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.runtimes.frameworks import differences, framework, installed, used_by

VERSION = ModelVersion(
    name="m", version=1, digest="d", model_format="pickle", serving_digest="d", serving_format="pickle",
    placement="isolated", contract=Contract(inputs=(), outputs=()), created_at=datetime(2026, 1, 1, tzinfo=UTC),
    created_by="test",
)  # fmt: skip


def version(**changes: Any) -> ModelVersion:
    return msgspec.structs.replace(VERSION, **changes)


def test_a_framework_that_is_not_there_is_told_with_the_extra_that_brings_it() -> None:
    with pytest.raises(UnloadableModelError, match=r"^nothing is not installed here; .*'interlock\[online\]'"):
        framework("nothing.at.all", "online")


def test_several_builds_of_a_framework_have_one_name() -> None:
    assert installed(["xgboost", "mlflow"]).keys() == {"python", "xgboost", "mlflow"}


def test_frameworks_are_found_by_the_classes_of_a_model() -> None:
    from sklearn.linear_model import LogisticRegression

    assert used_by([LogisticRegression(), 1, "text"]) == ("scikit-learn",)


def test_nothing_has_changed() -> None:
    assert differences(version(frameworks=installed(["numpy"]))) == ()


def test_another_version_is_named_with_both() -> None:
    numpy = installed(["numpy"])["numpy"]
    said = differences(version(frameworks={"numpy": "1.0"}))
    assert said == (f"m:1 was registered with numpy 1.0 and runs with {numpy}",)


def test_what_is_not_there_any_more_is_named() -> None:
    said = differences(version(frameworks={"no-such-framework": "1.0"}))
    assert said == ("m:1 was registered with no-such-framework 1.0 and runs with none",)


def test_of_the_interpreter_only_another_minor_version_counts() -> None:
    major, minor, _ = installed([])["python"].split(".")
    assert differences(version(frameworks={"python": f"{major}.{minor}.999"})) == ()
    assert len(differences(version(frameworks={"python": f"{major}.999.0"}))) == 1


def test_a_twin_is_answered_by_onnxruntime_whatever_trained_its_original() -> None:
    frameworks = {"scikit-learn": "0.1", "onnxruntime": "0.1"}
    assert len(differences(version(frameworks=frameworks, serving_format="onnx"))) == 1
    assert "scikit-learn" in differences(version(frameworks=frameworks))[0]
    assert len(differences(version(frameworks=frameworks))) == 1
