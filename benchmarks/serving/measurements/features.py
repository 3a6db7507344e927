"""Cost of each feature of the gateway: to come."""

from benchmarks.serving.target import Workshop
from benchmarks.tables import Table

NAME = "features"


class Features:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def run(self, shop: Workshop) -> None: ...

    def tables(self) -> list[Table]:
        return []
