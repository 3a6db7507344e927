"""What is declared of retraining, by endpoint."""

from sqlalchemy import delete, select

from interlock.domain.retraining import Retraining
from interlock.store.repository import Repository
from interlock.store.tables import retrainings


class RetrainingRepository(Repository):
    """Declarations by endpoint."""

    def get(self, endpoint: str) -> Retraining | None:
        """What is declared, or None."""
        found: Retraining | None = self._connection.scalar(
            select(retrainings.c.body).where(retrainings.c.endpoint == endpoint)
        )
        return found

    def set(self, endpoint: str, declared: Retraining | None) -> None:
        """Put a declaration in the place of the one before, or take it away."""
        if declared is None:
            self._connection.execute(delete(retrainings).where(retrainings.c.endpoint == endpoint))
        else:
            self._put(retrainings, {"endpoint": endpoint}, {"body": declared})

    def list(self) -> dict[str, Retraining]:
        """All, by endpoint."""
        query = select(retrainings.c.endpoint, retrainings.c.body).order_by(retrainings.c.endpoint)
        return {endpoint: body for endpoint, body in self._connection.execute(query)}
