"""A request that gets no answer: looked up in the table of errors, and counted. Called by every transport."""

from interlock.gateway.errors import Failure, failed_attempt, failure_of
from interlock.gateway.metrics import Metrics


def refuse(error: Exception, endpoint: str, metrics: Metrics, seconds: float) -> Failure:
    """What the caller is told.

    Args:
        endpoint: One that is served, or '': never a name that a caller made up.
        seconds: How long the caller has waited.
    """
    failure = failure_of(error)
    metrics.refused(endpoint, failure.status, failure.reason)
    if (failed := failed_attempt(error)) is not None:
        metrics.failed(endpoint, failed.version, failed.status, seconds)
    return failure
