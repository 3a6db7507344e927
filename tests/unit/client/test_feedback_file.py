from pathlib import Path

import pytest

from interlock.client.feedback_file import FeedbackFile
from interlock.domain.errors import InvalidInputError


def write(folder: Path, header: str) -> Path:
    (folder / "f.csv").write_text(f"{header}\n")
    return folder / "f.csv"


def test_all_that_a_file_lacks_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as refused:
        FeedbackFile(write(tmp_path, "flight,late"), time_column="landed")
    assert refused.value.faults == (
        "the file has no column 'label'",
        "the file has no column 'landed'",
        "the file has neither a column 'prediction_id' nor 'request_id'; name its key with --on",
        "it has: flight, late",
    )


def test_rewards_need_a_name_from_somewhere(tmp_path: Path) -> None:
    path = write(tmp_path, "prediction_id,value")
    with pytest.raises(InvalidInputError, match="no column 'name'; say the name of the reward"):
        FeedbackFile(path, "rewards")
    FeedbackFile(path, "rewards", reward="revenue")
    FeedbackFile(write(tmp_path, "prediction_id,name,value"), "rewards")


def test_decisions_are_in_a_column_of_that_name(tmp_path: Path) -> None:
    FeedbackFile(write(tmp_path, "request_id,decision"), "decisions")
    with pytest.raises(InvalidInputError, match="no column 'decision'"):
        FeedbackFile(write(tmp_path, "request_id,label"), "decisions")
