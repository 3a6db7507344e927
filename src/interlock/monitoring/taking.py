"""Takes verdicts and moves into incidents one by one, so that one which breaks keeps nobody from the others.

Used by `alerting`, inside its transaction. What broke leaves nothing behind: it is logged with its traceback, counted,
and told of as an incident of its endpoint. A store that does not answer is nobody's fault, and ends the whole step.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from interlock.domain.errors import StoreUnavailableError
from interlock.monitoring.alert_rules import SET_ASIDE
from interlock.monitoring.incidents import Incidents
from interlock.monitoring.observation import Observation, key_of
from interlock.store.transaction import Transaction

_log = logging.getLogger(__name__)

# Of an error's message, as much as a mail's subject bears.
_LONGEST = 200


class Taking:
    """Attempts of one transaction.

    Args:
        tx: The transaction.
        incidents: Those that what is taken becomes.
    """

    def __init__(self, tx: Transaction, incidents: Incidents) -> None:
        self._tx, self._incidents = tx, incidents
        self._faults: dict[str, list[str]] = {}

    @contextmanager
    def of(self, endpoint: str, what: str) -> Iterator[None]:
        """Take one thing inside the block, or set it aside.

        Args:
            endpoint: Whose.
            what: For people: `verdict 12`.

        Raises:
            StoreUnavailableError: The database does not answer.
        """
        try:
            with self._tx.attempt():
                yield
        except StoreUnavailableError:
            raise
        except Exception as error:  # whatever it is, the next one must not wait for it
            _log.exception(
                "%s of %s could not be taken into account by the alert rules; it is set aside", what, endpoint
            )
            self._incidents.forget(endpoint)
            self._faults.setdefault(endpoint, []).append(f"{what}: {type(error).__name__}: {error}"[:_LONGEST])

    def tell(self, now: datetime) -> int:
        """Make an incident of each endpoint's faults.

        Returns:
            How many there were.
        """
        for endpoint, faults in dict(self._faults).items():
            sentence = f"{len(faults)} verdict(s) could not be taken by the alert rules and were set aside; {faults[0]}"
            look = Observation(
                rule=SET_ASIDE, endpoint=endpoint, key=key_of(SET_ASIDE.name), start=now, end=now, is_bad=True,
                sentence=sentence.replace("\n", " "),
            )  # fmt: skip
            with self.of(endpoint, "what was set aside"):
                self._incidents.look(look)
        return sum(len(faults) for faults in self._faults.values())
