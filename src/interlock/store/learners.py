"""Online learners, by endpoint."""

from sqlalchemy import select

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.learner import Learner
from interlock.store.repository import Repository
from interlock.store.tables import learners


class LearnerRepository(Repository):
    """The learner of each endpoint that has had one."""

    def find(self, endpoint: str) -> Learner | None:
        """The learner, or None."""
        found: Learner | None = self._connection.scalar(select(learners.c.body).where(learners.c.endpoint == endpoint))
        return found

    def get(self, endpoint: str) -> Learner:
        """Raises NotFoundError."""
        found = self.find(endpoint)
        if found is None:
            raise NotFoundError("learner of endpoint", endpoint)
        return found

    def list(self) -> list[Learner]:
        """All, by endpoint."""
        return list(self._connection.scalars(select(learners.c.body).order_by(learners.c.endpoint)))

    def begin(self, learner: Learner) -> None:
        """Put a new learner in the place of the one before."""
        self._put(learners, {"endpoint": learner.endpoint}, {"body": learner})

    def update(self, learner: Learner) -> None:
        """Write the next revision.

        Raises:
            ConflictError: It is not the next one of what is stored: somebody else has changed it.
        """
        now = self.get(learner.endpoint)
        if (now.id, now.revision + 1) != (learner.id, learner.revision):
            raise ConflictError(f"learner {now.id} was changed meanwhile (revision {now.revision})")
        self._put(learners, {"endpoint": learner.endpoint}, {"body": learner})
