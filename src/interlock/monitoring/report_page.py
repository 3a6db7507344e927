"""A report of a window as one HTML document that opens offline. Called by `interlock monitor --html`."""

from collections.abc import Mapping
from html import escape
from typing import Any

import msgspec

from interlock.domain.verdict import Check
from interlock.monitoring.plain_html import checks, document, state


def page(report: Mapping[str, Any]) -> str:
    """Draw a report, as `interlock monitor --json` has it.

    Returns:
        A whole HTML document.
    """
    endpoint, found = report["endpoint"], msgspec.convert(report["checks"], list[Check])
    return document(
        f"{endpoint}, {report['window']} until {report['until']}",
        f"{escape(endpoint)}, {escape(report['window'])} {state(report['status'])}",
        [checks(found, most=None)],
        f"{report['rows']:,} rows with events from {report['since']} to {report['until']}; the labels of now.",
    )
