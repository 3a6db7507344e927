"""Configurations over a real store in which versions are registered, as the control plane has them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.integration.predictions.conftest import version

from interlock import bootstrap
from interlock.configuration.service import Configurations
from interlock.domain.access import Key
from interlock.domain.release import Release, ReleasePlan
from interlock.process.home import prepare
from interlock.settings import Settings
from interlock.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADMIN = Key(name="ann", role="admin", digest="0" * 64, created_at=NOW)
OPERATOR = Key(name="oli", role="operator", digest="1" * 64, created_at=NOW)
DIGESTS = ("1" * 64, "2" * 64, "3" * 64)


@dataclass(frozen=True)
class Plane:
    """What files say, and the store they say it of: `m:1` and `m:2` are registered."""

    configurations: Configurations
    store: Store

    def apply(self, document: Any, **options: Any) -> Any:
        return self.configurations.apply(document, actor=options.pop("actor", ADMIN), **options)

    def diff(self, document: Any, **options: Any) -> Any:
        return self.configurations.diff(document, **options)

    def actions(self) -> list[str]:
        """What the audit log says was done, oldest first."""
        with self.store.read() as tx:
            return [f"{entry.action} {entry.subject} by {entry.actor}" for entry in tx.audit.list()][::-1]

    def release(self, endpoint: str) -> None:
        """Put an endpoint under a release."""
        release = Release(
            id=f"{endpoint}-1", endpoint=endpoint, strategy="canary", state="running", candidate="m:2",
            champion="m:1", plan=ReleasePlan(), created_at=NOW, created_by="ann",
        )  # fmt: skip
        with self.store.transaction() as tx:
            tx.releases.add(release)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    settings = Settings(home=tmp_path / "home")
    prepare(settings)
    bootstrap.migrate(settings)
    services = bootstrap.build_services(settings)
    with services.store.transaction() as tx:
        for number in (1, 2):
            tx.models.add(msgspec.structs.replace(version(number), digest=DIGESTS[number - 1]))
    yield Plane(services.configurations, services.store)
    services.store.close()
