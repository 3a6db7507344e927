"""One way to send, whatever the channel. Called by the courier and, for a test, by the control API."""

from interlock.channels import apprise, webhook
from interlock.channels.addresses import WEBHOOKS, check_host, redact, scheme
from interlock.domain.alert import Channel, Delivery
from interlock.domain.errors import InvalidInputError, NotDeliveredError


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


def send(channel: Channel, delivery: Delivery) -> None:
    """Send a notice through a channel.

    Raises:
        NotDeliveredError: It was not taken, and why, without the URL's secrets.
    """
    try:
        (webhook if scheme(channel.url) in WEBHOOKS else apprise).send(channel.url, delivery)
    except (NotDeliveredError, InvalidInputError) as error:
        raise NotDeliveredError(redact(str(error), channel.url)) from None
