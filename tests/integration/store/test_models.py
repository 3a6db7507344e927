from datetime import UTC, datetime

import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError
from interlock.domain.model import ModelVersion
from interlock.store import Store


def version(name: str, number: int) -> ModelVersion:
    fields = (Field(name="x", datatype="FP64"),)
    return ModelVersion(
        name=name,
        version=number,
        digest="d",
        model_format="onnx",
        serving_digest="d",
        serving_format="onnx",
        placement="inline",
        contract=Contract(inputs=fields, outputs=fields, task="binary", classes=(0, 1)),
        created_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        created_by="me",
        lineage={"parent": None, "metrics": {"auc": 0.5}},
    )


def test_a_version_comes_back_as_it_was(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.models.next_version("wine") == 1
        tx.models.add(version("wine", 1))
        tx.models.add(version("wine", 10))
        tx.models.add(version("beer", 1))
    with store.read() as tx:
        assert tx.models.get("wine:10") == version("wine", 10)
        assert tx.models.next_version("wine") == 11
        assert [found.ref for found in tx.models.list()] == ["beer:1", "wine:1", "wine:10"]
        assert [found.ref for found in tx.models.list("wine")] == ["wine:1", "wine:10"]


def test_a_version_is_never_replaced(store: Store) -> None:
    with store.transaction() as tx:
        tx.models.add(version("wine", 1))
        with pytest.raises(ConflictError, match="versions never change"):
            tx.models.add(version("wine", 1))


def test_an_unknown_version_names_those_there_are(store: Store) -> None:
    with store.transaction() as tx:
        tx.models.add(version("wine", 1))
    with store.read() as tx:
        with pytest.raises(NotFoundError, match="there is: wine:1"):
            tx.models.get("wine:2")
        with pytest.raises(InvalidInputError):
            tx.models.get("wine")
