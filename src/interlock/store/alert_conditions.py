"""What alert rules remember between two looks, by endpoint and by what is watched there."""

from sqlalchemy import and_, delete, select

from interlock.domain.alert import Condition
from interlock.store.repository import Repository
from interlock.store.tables import alert_conditions


class AlertConditionRepository(Repository):
    """Conditions that are not simply good."""

    def list(self, endpoint: str) -> dict[str, Condition]:
        """Those of an endpoint, by what is watched."""
        query = select(alert_conditions.c.key, alert_conditions.c.body).where(alert_conditions.c.endpoint == endpoint)
        return {key: condition for key, condition in self._connection.execute(query)}

    def set(self, endpoint: str, key: str, condition: Condition | None) -> None:
        """Remember a condition, or forget it."""
        if condition is not None:
            self._put(alert_conditions, {"endpoint": endpoint, "key": key}, {"body": condition})
        else:
            columns = alert_conditions.c
            self._connection.execute(
                delete(alert_conditions).where(and_(columns.endpoint == endpoint, columns.key == key))
            )
