"""How long each part of a run of the demo took."""

import time


class Parts:
    """Seconds of wall time by part, in order. A part ends where the next one begins."""

    def __init__(self) -> None:
        self._began: list[tuple[str, float]] = []

    def begin(self, name: str) -> None:
        """A part begins."""
        self._began.append((name, time.monotonic()))

    def ended(self) -> dict[str, float]:
        """Seconds of each; the last one ends now."""
        ends = [at for _, at in self._began[1:]] + [time.monotonic()]
        return {name: round(end - at, 1) for (name, at), end in zip(self._began, ends, strict=True)}
