"""The champion's answers to logged rows: from the log where it answered, from the model where another version did.

Called by replays, so that a candidate is compared with one version on every row, whatever happened in that time.
"""

import logging
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.scoring.answered import Answered
from interlock.scoring.asking import AskedVersion
from interlock.scoring.feeding import ReadImage, UnfeedableError, feed

_log = logging.getLogger(__name__)


class ChampionAnswers:
    """Answers of one version.

    Args:
        version: The champion.
        load: Loads it; called when the first row of another version comes.
        read_image: As of `feed`.

    `asked` counts the rows that it was asked for; `fault` says why it could not be.
    """

    def __init__(self, version: ModelVersion, load: Callable[[], AskedVersion], read_image: ReadImage) -> None:
        self._version, self._load, self._read_image = version, load, read_image
        self._loaded: AskedVersion | None = None
        self.asked, self.fault = 0, ""

    def of(self, rows: pa.Table) -> Answered:
        """Answers to rows of the log; none where there is none."""
        found = Answered.logged(self._version.contract, rows)
        own = pc.fill_null(pc.equal(rows["version"], self._version.ref), False)
        others = np.flatnonzero(~np.asarray(own))
        return self._with_others(found, rows, others) if len(others) else found

    def close(self) -> None:
        """Free the model, if it was loaded."""
        if self._loaded is not None:
            self._loaded.close()

    def _with_others(self, found: Answered, rows: pa.Table, others: NDArray[np.int64]) -> Answered:
        found = found.without(others)
        loaded = self._model()
        if loaded is None:
            return found
        try:
            fed = feed(self._version.contract, rows.take(pa.array(others)), self._read_image)
        except UnfeedableError as error:
            self.fault = self.fault or str(error)
            return found
        self.asked += len(fed.index)
        answers = loaded.ask_columns(fed.columns)
        answered = others[fed.index][answers.status == "ok"]
        if not len(answered):
            return found
        contract = self._version.contract
        return found.put(answered, Answered.given(contract, contract, answers.outputs))

    def _model(self) -> AskedVersion | None:
        if self._loaded is None and not self.fault:
            try:
                self._loaded = self._load()
            except UnloadableModelError as error:
                _log.warning("%s", error)
                self.fault = str(error)
        return self._loaded
