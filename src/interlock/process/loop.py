"""Steps repeated until told to stop. What a step raises is logged and tried again later; it never ends the loop."""

import logging
import threading
from collections.abc import Callable, Collection, Mapping

_LONGEST_PAUSE_SECONDS = 30.0

log = logging.getLogger(__name__)


def repeat(
    steps: Mapping[str, Callable[[], object]],
    stop: threading.Event,
    *,
    interval_seconds: float,
    eager: Collection[str] = (),
) -> None:
    """Take every step once an interval. A step that keeps failing is tried ever less often; the others go on.

    Args:
        steps: Name, for the log, to what is done.
        stop: Ends it.
        interval_seconds: The pause after all steps.
        eager: Steps that are behind when they return something true: then all are taken again at once.
    """
    skip = dict.fromkeys(steps, 0)
    failures = dict.fromkeys(steps, 0)
    while not stop.is_set():
        is_behind = False
        for name, step in steps.items():
            if skip[name]:
                skip[name] -= 1
                continue
            try:
                is_behind |= bool(step()) and name in eager
                failures[name] = 0
            except Exception:
                log.exception("%s failed; it is tried again", name)
                failures[name] += 1
            skip[name] = _turns_to_skip(failures[name], interval_seconds)
        stop.wait(0 if is_behind else interval_seconds)


def _turns_to_skip(failures: int, interval_seconds: float) -> int:
    if not failures:
        return 0
    return int(min(interval_seconds * 2 ** min(failures, 16), _LONGEST_PAUSE_SECONDS) / interval_seconds)
