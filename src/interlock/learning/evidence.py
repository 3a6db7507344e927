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
from interlock.learning.kept_images import KeptImages
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


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where it is: the folder of the run, that of artifacts, and the images that rows name."""

    folder: Path
    artifacts: Path
    images: KeptImages


def compare(pair: Pair, evidence: Evidence, margin: float) -> Judgement:
    """Judge the candidate.

    Args:
        pair: Both, with contracts of the same outputs.
        evidence: What they are judged on.
        margin: As declared.

    Raises:
        UnloadableModelError: One of them cannot be loaded.
    """
    contract = pair.champion.contract
    table = rows.newest(evidence.folder / HELD_OUT, MOST_ROWS)
    held_out = rows.labelled(contract, table)
    answered: list[Answered] = []
    for version in (pair.champion, pair.candidate):
        with closing(AskedVersion(version, evidence.artifacts, pair.deadline_seconds)) as asked:
            answers = judging.ask(asked.ask, version.contract, table, evidence.images.read)
        for reason, count in answers.reasons.most_common(3):
            _log.warning("%s did not answer %d of %d rows: %s", version.ref, count, table.num_rows, reason)
        answered.append(judging.answered(version.contract, held_out, answers))
    training = rows.read_labelled(contract, evidence.folder / TRAINING)
    case = Case(contract, pair.champion.ref, "the new model", training, held_out, margin)
    return judging.judge(case, answered[0], answered[1])
