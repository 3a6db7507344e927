"""A release as the story follows it, and what is told of it when it moves."""

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

from interlock.client.client import Client
from interlock.demo.narrator import Narrator


@dataclass(slots=True)
class Followed:
    """One release.

    Args:
        release_id: None until it was started.
        seen: State and step that were told last.
        finished: Whether it has ended.
    """

    release_id: str | None = None
    seen: tuple[str, int] | None = None
    finished: bool = False
    promoted: bool = False

    def tell(self, client: Client, narrator: Narrator, at: datetime) -> None:
        """Say what it did since the last look. `at` is the flights' time."""
        assert self.release_id is not None
        release = client.release(self.release_id)
        now_at = (release["state"], release["step"])
        if now_at == self.seen:
            return
        self.seen = now_at
        self.promoted = release["state"] == "promoted"
        self.finished = release["state"] in ("promoted", "rolled_back", "rejected", "cancelled")
        if release["state"] != "draft":
            narrator.say(release["decision"]["reason"], at=at)


@dataclass(slots=True)
class Chapter:
    """A release that the story starts on a day, as a person would."""

    title: str
    starts_at: datetime
    ready: "Future[str]"
    followed: Followed
