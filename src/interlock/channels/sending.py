"""One way to send, whatever the channel. Called by the courier and, for a test, by the control API."""

from functools import partial

from interlock.channels import apprise, webhook
from interlock.channels.addresses import WEBHOOKS, check_host, redact, scheme
from interlock.channels.deadline import within
from interlock.domain.alert import Channel, Delivery
from interlock.domain.errors import InvalidInputError, NotDeliveredError

SECONDS = 30.0
"""Longest that sending may take, all in all: less than a notice is claimed for, more than three timeouts in a row."""


def check(url: str) -> None:
    """Refuse a URL by which nothing could be sent.

    Raises:
        InvalidInputError: And why, without the URL's secrets.
    """
    if scheme(url) in WEBHOOKS:
        check_host(url)
        return
    try:
        apprise.check(url)
    except InvalidInputError as error:
        raise InvalidInputError(*(redact(fault, url) for fault in error.faults)) from None


def send(channel: Channel, delivery: Delivery, *, seconds: float = SECONDS) -> None:
    """Send a notice through a channel.

    Args:
        channel: Which.
        delivery: The notice on its way.
        seconds: Longest that it may take, all in all.

    Raises:
        NotDeliveredError: It was not taken, and why, without the URL's secrets.
    """
    try:
        if scheme(channel.url) in WEBHOOKS:
            way = partial(webhook.send, channel.url, delivery, seconds=seconds)
        else:
            way = partial(apprise.send, channel.url, delivery)
        within(seconds, channel.name, way)
    except (NotDeliveredError, InvalidInputError) as error:
        raise NotDeliveredError(redact(str(error), channel.url)) from None
