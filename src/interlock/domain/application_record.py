"""An application test as it is stored: what was tested with what, what was found, and how it was judged."""

from datetime import datetime

import msgspec

from interlock.domain.application_gates import ApplicationGates, GateResult, passes
from interlock.domain.application_tests import Findings


class ApplicationTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test of one version. Versions never change, so it holds for ever.

    Args:
        version: `name:version` of the candidate.
        number: Counts the tests of a version, from 1.
        at, by: When it was stored, and by whose key.
        endpoint, champion: Whose target it was held against, and who answered there; empty without an endpoint.
        data: Name of the held-out file.
        data_sha256: Of its content.
        label: Its column of labels; empty without.
        gates: The bounds it was judged by.
        results: What each says.
        findings: What was measured.
    """

    version: str
    number: int
    at: datetime
    by: str
    endpoint: str = ""
    champion: str = ""
    data: str
    data_sha256: str
    label: str = ""
    gates: ApplicationGates
    results: tuple[GateResult, ...]
    findings: Findings

    @property
    def passed(self) -> bool:
        return passes(self.results)
