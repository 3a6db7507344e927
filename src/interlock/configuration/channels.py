"""The section `channels`: who is told of alerts. No answer holds a URL, which is a secret."""

from collections.abc import Sequence
from typing import Any

from interlock.configuration.change import Change, Comparison, FieldChange
from interlock.domain.access import Act
from interlock.domain.alert import Channel
from interlock.domain.configuration import Configuration, ConfiguredChannel
from interlock.domain.errors import InvalidInputError
from interlock.monitoring.alert_channels import AlertChannels
from interlock.store.transaction import Transaction


class Channels:
    """Channels by name.

    Args:
        channels: Checks and masks their URLs, adds, changes and removes them.
    """

    name = "channels"
    permission = "admin"

    def __init__(self, channels: AlertChannels) -> None:
        self._channels = channels

    def compare(self, tx: Transaction, wanted: Configuration, found: Comparison) -> None:
        """Fields that the file does not give stay, the URL among them."""
        there = {channel.name: channel for channel in tx.channels.list()}
        for name, entry in (wanted.channels or {}).items():
            place = f"channels.{name}"
            if entry.url is not None:
                with found.faults_at(f"{place}.url"):
                    self._channels.check(entry.url)
            if name not in there and entry.url is None:
                found.fault(f"{place}.url", "is missing; a channel that is not there yet needs one")
            elif fields := self._fields(there.get(name), entry):
                found.change("change" if name in there else "create", place, name, fields)
        for name in sorted(there.keys() - (wanted.channels or {}).keys()):
            found.rest(f"channels.{name}", name, is_listed=wanted.channels is not None)

    def put(self, tx: Transaction, wanted: Configuration, changes: Sequence[Change], act: Act) -> None:
        """Add, change, remove."""
        for change in changes:
            if change.action == "delete":
                self._channels.remove_in(tx, change.subject, act)
            else:
                self._channels.put_in(tx, change.subject, _given((wanted.channels or {})[change.subject]), act)

    def current(self, tx: Transaction, notes: dict[str, str]) -> Any:
        """By name, without their URLs, of which the notes say what may be said."""
        found = {}
        for channel in tx.channels.list():
            notes[f"channels.{channel.name}"] = f"url is {self._channels.masked(channel.url)}, kept as it is"
            at = {} if channel.daily_report is None else {"daily_report": channel.daily_report}
            kept = {"least_severity": channel.least_severity, "endpoints": list(channel.endpoints)}
            found[channel.name] = kept | at
        return found

    def _fields(self, old: Channel | None, entry: ConfiguredChannel) -> tuple[FieldChange, ...]:
        changed = []
        for name, new in _given(entry).items():
            was = getattr(old, name) if old else None
            if was != new:
                show = self._shown if name == "url" else _same
                changed.append(FieldChange(name, show(was), show(new)))
        return tuple(changed)

    def _shown(self, url: str | None) -> str | None:
        try:
            return None if url is None else self._channels.masked(url)
        except InvalidInputError:
            return "…"


def _same(value: Any) -> Any:
    return value


def _given(entry: ConfiguredChannel) -> dict[str, Any]:
    given = {name: getattr(entry, name) for name in ("url", "least_severity", "endpoints", "daily_report")}
    return {name: value for name, value in given.items() if value is not None}
