"""Stops asking a model that keeps dying or hanging.

Called by `isolated` around each request. States:

    closed --(a) so many failures in a row--> open --(b) after a pause--> half open
    half open --(c) success--> closed;  half open --(d) failure--> open
"""

# In a row: a model that answers now and then is slow or unlucky, not broken; the release's guard judges that.
FAILURES_TO_OPEN = 5
PAUSE_SECONDS = 2.0


class Breaker:
    """Counts failures in a row; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._failures = 0
        self._closed_again_at = 0.0

    @property
    def failures(self) -> int:
        """Failures since the last success."""
        return self._failures

    def allows(self, now: float) -> bool:
        """Whether a request may be tried. In the half-open state one may in each pause."""
        if self._failures < FAILURES_TO_OPEN:
            return True
        if now < self._closed_again_at:
            return False
        self._closed_again_at = now + PAUSE_SECONDS
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, now: float) -> None:
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN:
            self._closed_again_at = now + PAUSE_SECONDS
