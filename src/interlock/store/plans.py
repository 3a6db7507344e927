"""Traffic plans: every generation is kept, the last one is what gateways serve."""

from sqlalchemy import and_, delete, insert, select, update

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.traffic import TrafficPlan
from interlock.store.repository import Repository
from interlock.store.tables import plans


class PlanRepository(Repository):
    """Generations of traffic plans by endpoint."""

    def append(self, plan: TrafficPlan) -> None:
        """Make `plan` the current one.

        Raises:
            ConflictError: Its generation does not follow the current one: someone else was quicker.
        """
        newest = self._newest(plan.endpoint)
        if plan.generation != newest + 1:
            raise ConflictError(
                f"traffic plan of {plan.endpoint!r} has generation {plan.generation}, must be {newest + 1}: it changed "
                "meanwhile; read it again"
            )
        this = and_(plans.c.endpoint == plan.endpoint, plans.c.is_current)
        self._connection.execute(update(plans).where(this).values(is_current=False))
        self._connection.execute(
            insert(plans).values(endpoint=plan.endpoint, generation=plan.generation, is_current=True, body=plan)
        )

    def current(self, endpoint: str) -> TrafficPlan:
        """Raises NotFoundError for an endpoint that serves nothing."""
        query = select(plans.c.body).where(and_(plans.c.endpoint == endpoint, plans.c.is_current))
        found: TrafficPlan | None = self._connection.scalar(query)
        if found is None:
            raise NotFoundError("traffic plan of endpoint", endpoint)
        return found

    def all_current(self) -> list[TrafficPlan]:
        """What gateways serve now, by endpoint."""
        return list(self._connection.scalars(_ALL_CURRENT))

    def list(self, endpoint: str) -> list[TrafficPlan]:
        """Every generation, oldest first."""
        query = select(plans.c.body).where(plans.c.endpoint == endpoint).order_by(plans.c.generation)
        return list(self._connection.scalars(query))

    def remove(self, endpoint: str) -> None:
        """Forget all generations: gateways stop serving the endpoint."""
        self._connection.execute(delete(plans).where(plans.c.endpoint == endpoint))

    def _newest(self, endpoint: str) -> int:
        query = select(plans.c.generation).where(and_(plans.c.endpoint == endpoint, plans.c.is_current))
        return self._connection.scalar(query) or 0


_ALL_CURRENT = select(plans.c.body).where(plans.c.is_current).order_by(plans.c.endpoint)
