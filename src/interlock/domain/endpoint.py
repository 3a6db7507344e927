"""An endpoint: the name that callers use, whatever model answers behind it."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from interlock.domain.contract import PrivacyRule
from interlock.domain.release import Strategy

Durability = Literal["process", "disk"]
Detector = Literal["adwin", "page_hinkley", "kswin", "ddm", "dummy"]
WhenFull = Literal["refuse", "serve_and_count"]


class ReleaseDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What a release on an endpoint is where nothing is said.

    Args:
        strategy: Which.
        plan: Fields of its plan; the others are the product's.
    """

    strategy: Strategy = "canary"
    plan: dict[str, Any] = {}


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A served name.

    Args:
        name: As in the URL.
        deadline_ms: How long a model may take before the champion answers in its place, or the caller gets 504.
        created_at, created_by: When, and by whose key.
        durability: What a record survives before its answer leaves: the death of the process, or of the machine too.
        when_full: What happens when a record cannot be written: the caller is refused (503), or is answered and the
            answer counted as unrecorded.
        label_key: What identifies a case in files of labels: an input, or `unit`; None where none was declared.
        retention_days: How many full days of events the log keeps; 0 to keep them for ever.
        privacy: What the log gets of a column (`input.age`, `output.label`, `unit`), before what contracts say.
        image_share: Share of images that the log keeps, 0 to 1; None leaves it to the contracts.
        concept_detectors: Which online detectors look for concept drift in the stream of errors; none by default, as
            they do not keep a false-alarm budget.
        release_defaults: What a release is where nothing is said; None leaves it to the product.
    """

    name: str
    created_at: datetime
    created_by: str
    deadline_ms: float = 1000.0
    durability: Durability = "process"
    when_full: WhenFull = "refuse"
    label_key: str | None = None
    retention_days: int = 0
    privacy: dict[str, PrivacyRule] = {}
    image_share: float | None = None
    concept_detectors: tuple[Detector, ...] = ()
    release_defaults: ReleaseDefaults | None = None
