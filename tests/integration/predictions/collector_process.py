"""A collector to be killed: `collector_process.py HOME [STORE_URL]`. Commits what it counted in every other pass."""

import sys
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from interlock.predictions.collector import Collector
from interlock.settings import Settings
from interlock.store import Store


def main(home: Path, store_url: str = "") -> None:
    settings = Settings(home=home, store_url=store_url)
    store = Store.open(settings.database_url)
    collector = Collector(settings.spools, settings.log, store, lambda: datetime.now(UTC))
    print("ready", flush=True)
    for commit in cycle((True, False)):
        collector.step(commit_all=commit)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
