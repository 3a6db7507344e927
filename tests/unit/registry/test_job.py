from typing import Any

import msgspec
import pytest

from interlock.domain.errors import InvalidInputError
from interlock.registry import job
from interlock.registry.registration import Job, Refusal

JOB = Job(
    stored="/home/artifacts/ab12",
    source_name="wine/",
    staging="/home/artifacts/.staging-x",
    reference="/home/uploads/cd34/rows.csv",
    label=None,
    trust_pickle=False,
)


@pytest.mark.parametrize(
    ("error", "kind", "fault"),
    [
        (
            RuntimeError("/home/artifacts/.staging-x/folder/model.pkl is odd\nand more"),
            "UnloadableModelError",
            "wine/ cannot be served: RuntimeError: wine/model.pkl is odd",
        ),
        (MemoryError(), "UnloadableModelError", "wine/ cannot be served: MemoryError"),
        (InvalidInputError("no rows in /home/uploads/cd34/rows.csv"), "InvalidInputError", "no rows in rows.csv"),
    ],
)
def test_any_error_is_told_in_one_sentence_without_paths_of_the_server(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str, fault: str
) -> None:
    def fails(_job: Job) -> Any:
        raise error

    monkeypatch.setattr(job, "examine", fails)
    assert msgspec.json.decode(job.answer(JOB), type=Refusal) == Refusal(error=kind, faults=(fault,))
