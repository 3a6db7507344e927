"""What is declared of online learning, by endpoint."""

from sqlalchemy import delete, select

from interlock.domain.online import OnlineLearning
from interlock.store.repository import Repository
from interlock.store.tables import online_learnings


class OnlineLearningRepository(Repository):
    """Declarations by endpoint."""

    def get(self, endpoint: str) -> OnlineLearning | None:
        """What is declared, or None."""
        query = select(online_learnings.c.body).where(online_learnings.c.endpoint == endpoint)
        found: OnlineLearning | None = self._connection.scalar(query)
        return found

    def set(self, endpoint: str, declared: OnlineLearning | None) -> None:
        """Put a declaration in the place of the one before, or take it away."""
        if declared is None:
            self._connection.execute(delete(online_learnings).where(online_learnings.c.endpoint == endpoint))
        else:
            self._put(online_learnings, {"endpoint": endpoint}, {"body": declared})

    def list(self) -> dict[str, OnlineLearning]:
        """All, by endpoint."""
        query = select(online_learnings.c.endpoint, online_learnings.c.body).order_by(online_learnings.c.endpoint)
        return {endpoint: body for endpoint, body in self._connection.execute(query)}
