"""Alerts: an incident with its symptoms, the rule each comes from, and who is told of it by which channel."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

AlertState = Literal["firing", "acknowledged", "resolved"]
Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""From what can wait to what cannot."""

EventKind = Literal["opened", "symptom", "worse", "again", "acted", "over", "acknowledged", "told", "resolved"]
Action = Literal["pause", "roll_back", "retrain"]
NoticeKind = Literal["opened", "worse", "again", "resolved", "test", "report"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When something that was seen becomes an alert, and when it is over.

    Args:
        name: As shown: `drift`, `quality`, ...
        severity: Of the incident, unless another symptom is worse.
        bad_for: How long it must have been bad without a good look between.
        over_after: How long it must have been good before it is over (hysteresis).
        cooldown: What comes back within this time after its end is the same incident, told of when this has passed.
        happens: It happens once, as a rollback does, and does not end by itself: somebody acknowledges it.
        action: What is done to the endpoint's traffic when it fires.
    """

    name: str
    severity: Severity
    bad_for: timedelta = timedelta(0)
    over_after: timedelta = timedelta(0)
    cooldown: timedelta = timedelta(0)
    happens: bool = False
    action: Action | None = None


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule remembers of one thing it watches. Times are of the window judged, or of the clock.

    Args:
        rule: Its rule's name.
        state: `pending` until it was bad for long enough; `over` is kept for the cooldown.
        since: Beginning of the first bad window.
        bad_until: End of the newest bad window.
        good_since: Beginning of the first good window since then.
        over_at: End of the good window that ended it.
        alert: Id of the incident it belongs to.
    """

    rule: str
    state: Literal["pending", "firing", "over"]
    since: datetime
    bad_until: datetime
    good_since: datetime | None = None
    over_at: datetime | None = None
    alert: int | None = None


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong in an incident.

    Args:
        key: What, as in `Condition`.
        rule: Name of the rule that says so.
        sentence: How it is, or was when it was last bad.
        since: Beginning of the first bad window.
        version: The model's version it is about, if it is about one.
        happens: See `Rule`.
        over_at: When it ended.
        action: What was done to the endpoint's traffic because of it, or why nothing was.
        acts: What its rule wanted done.
    """

    key: str
    rule: str
    severity: Severity
    sentence: str
    since: datetime
    version: str | None = None
    happens: bool = False
    over_at: datetime | None = None
    action: str = ""
    acts: Action | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An incident: everything that went wrong with one endpoint on one day.

    Args:
        id: 1, 2, 3, ...; 0 before it is stored.
        endpoint: Whose; empty is the server itself.
        day: The day of event time it began on; symptoms of the same day join it.
        state: See `AlertState`.
        severity: Of its worst symptom.
        symptoms: In the order in which they came.
        told_at: When channels were last told; None before they were, as during a silence.
        told_severity: What they know; None if they do not know that it is firing.
        quiet_until: Not told of again before this time (cooldown).
    """

    endpoint: str
    day: datetime
    state: AlertState
    severity: Severity
    symptoms: tuple[Symptom, ...]
    opened_at: datetime
    id: int = 0
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    told_at: datetime | None = None
    told_severity: Severity | None = None
    quiet_until: datetime | None = None

    @property
    def title(self) -> str:
        """One line: the worst of what is wrong, and how much more there is."""
        wrong = [each for each in self.symptoms if each.over_at is None] or list(self.symptoms)
        worst = max(wrong, key=lambda each: SEVERITIES.index(each.severity))
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return f"{self.endpoint or 'server'}: {worst.sentence}{more}"


class AlertEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an incident's history. `actor` is a key's name, or the part that acted by itself."""

    at: datetime
    kind: EventKind
    actor: str
    text: str


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Until when nobody is told of an endpoint's alerts (empty: of any), and why. Incidents are kept all the same."""

    endpoint: str
    until: datetime
    created_at: datetime
    created_by: str
    reason: str = ""
    id: int = 0

    def covers(self, endpoint: str, now: datetime) -> bool:
        """Whether nobody is told of this endpoint's alerts now."""
        return now < self.until and self.endpoint in ("", endpoint)


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told. `url` holds secrets: it is shown by `channels.addresses.masked` only.

    Args:
        least_severity: What is less severe is not sent.
        endpoints: Only alerts of these; empty is all, and those of the server itself.
        daily_report: Hour (UTC) at which the report of the day before is sent; None: never.
    """

    name: str
    url: str
    created_at: datetime
    created_by: str
    least_severity: Severity = "info"
    endpoints: tuple[str, ...] = ()
    daily_report: int | None = None

    def wants(self, endpoint: str, severity: Severity) -> bool:
        """Whether an alert is for this channel."""
        is_severe = SEVERITIES.index(severity) >= SEVERITIES.index(self.least_severity)
        return is_severe and (not self.endpoints or endpoint in self.endpoints)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel is given to say.

    `alert` is None in a test and in a report. `html` is the same as `text` as a whole document, for channels that show
    one; empty where there is none.
    """

    kind: NoticeKind
    endpoint: str
    severity: Severity
    title: str
    text: str
    at: datetime
    alert: int | None = None
    html: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A notice on its way through one channel.

    Args:
        id: 1, 2, 3, ...; sent along, so that a receiver can tell what came twice. 0 before it is stored.
        attempts: How often it was tried.
        next_try_at: Not before.
        delivered_at: When the channel took it.
        given_up_at: When it was given up: its channel was removed.
        last_error: Why the last attempt failed.
    """

    channel: str
    notice: Notice
    next_try_at: datetime
    id: int = 0
    attempts: int = 0
    delivered_at: datetime | None = None
    given_up_at: datetime | None = None
    last_error: str = ""
