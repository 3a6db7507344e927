"""Champion and candidate on the held-out rows: loaded as they would serve, asked, judged.

Called by the run's process.
"""

import logging
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from interlock.domain.model import ModelVersion
from interlock.domain.run import Judgement
from interlock.learning import judging, rows
from interlock.learning.dataset import HELD_OUT, TRAINING
from interlock.learning.judging import Answered, Case
from interlock.scoring.asking import AskedVersion

_log = logging.getLogger(__name__)

# The newest of the held-out rows: more would make a difference of less than 1 % certain, and take minutes.
MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Champion and candidate, and how long an answer may take."""

    champion: ModelVersion
    candidate: ModelVersion
    deadline_seconds: float


def compare(pair: Pair, folder: Path, artifacts: Path, margin: float) -> Judgement:
    """Judge the candidate.

    Args:
        pair: Both, with contracts of the same outputs.
        folder: Of the run.
        artifacts: Folder of artifacts.
        margin: As declared.

    Raises:
        UnloadableModelError: One of them cannot be loaded.
    """
    contract = pair.champion.contract
    table = rows.newest(folder / HELD_OUT, MOST_ROWS)
    held_out = rows.labelled(contract, table)
    answered: list[Answered] = []
    for version in (pair.champion, pair.candidate):
        with closing(AskedVersion(version, artifacts, pair.deadline_seconds)) as asked:
            answers = judging.ask(asked.ask, version.contract, table)
        for reason, count in answers.reasons.most_common(3):
            _log.warning("%s did not answer %d of %d rows: %s", version.ref, count, table.num_rows, reason)
        answered.append(judging.answered(version.contract, held_out, answers))
    training = rows.read_labelled(contract, folder / TRAINING)
    case = Case(contract, pair.champion.ref, "the new model", training, held_out, margin)
    return judging.judge(case, answered[0], answered[1])
