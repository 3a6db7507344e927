"""What alert rules may have done, retraining among it. Called in the transaction of the alert.

`bootstrap` hands it to the alerting loop. A rule does not start a run: it leaves a wish, which the triggers take up
under the brakes of the endpoint, so that an alert that comes and goes does not train a model each time.
"""

from datetime import datetime

from interlock.domain.alert import Action
from interlock.releases import actions as traffic
from interlock.releases.actions import ACTOR
from interlock.store.transaction import Transaction

WISH = "retraining.wish"
"""As the audit log calls it."""


def act(tx: Transaction, endpoint: str, action: Action, reason: str, now: datetime) -> str:
    """Do what a rule wants: to traffic, or leave the wish for a run.

    Returns:
        What was done, or why nothing was.
    """
    if action != "retrain":
        return traffic.act(tx, endpoint, action, reason, now)
    if tx.retrainings.get(endpoint) is None:
        return (
            f"nothing was done: no retraining is declared; "
            f"`interlock endpoint retraining {endpoint} --file retraining.yaml`"
        )
    tx.audit.append(now, ACTOR, "system", WISH, endpoint, {"reason": reason})
    return "retraining was asked for; it begins when cooldown and budget allow"
