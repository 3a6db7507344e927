"""What an alert rule may have done to an endpoint's traffic. Called in the transaction of the alert.

`bootstrap` hands it to the alerting loop: monitoring and releases do not know each other. It never fails: an alert must
not be lost because there is nothing to go back to. What was done, or why nothing was, is told with the alert.
"""

from datetime import datetime

from interlock.domain.alert import Action
from interlock.domain.errors import InterlockError
from interlock.releases import champions, road
from interlock.releases.road import Mover
from interlock.store.transaction import Transaction

ACTOR = "alerts"
"""As the audit log names it."""


def act(tx: Transaction, endpoint: str, action: Action, reason: str, now: datetime) -> str:
    """Pause an endpoint's release, or take its traffic back.

    Args:
        tx: The transaction of the alert.
        endpoint: Whose traffic.
        action: `pause` stops a running release from advancing; `roll_back` ends one that is active, and without one
            returns to the champion before. `retrain` is not about traffic, and is done above (`learning.actions`).
        reason: What the alert says.
        now: The clock.

    Returns:
        What was done, or why nothing was.
    """
    if action == "retrain":
        return "nothing was done: nobody retrains here"
    mover = Mover(ACTOR, "system", now, f"by an alert rule: {reason}")
    try:
        return _pause(tx, endpoint, mover) if action == "pause" else _roll_back(tx, endpoint, mover)
    except InterlockError as error:
        return f"nothing was done: {error}"


def _pause(tx: Transaction, endpoint: str, mover: Mover) -> str:
    running = [release for release in tx.releases.active(endpoint) if release.state == "running"]
    for release in running:
        road.pause(tx, release, mover)
        return f"release {release.id} of {release.candidate} was paused"
    return "nothing was done: no release is running"


def _roll_back(tx: Transaction, endpoint: str, mover: Mover) -> str:
    for release in tx.releases.active(endpoint):
        road.roll_back(tx, release, mover)
        return f"release {release.id} of {release.candidate} was rolled back"
    before = tx.plans.current(endpoint).champion
    return f"{champions.go_back(tx, endpoint, None, mover).champion} answers again in place of {before}"
