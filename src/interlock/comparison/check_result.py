"""What checks of a file found: one outcome for each, and whether the file passes."""

from dataclasses import asdict, dataclass
from typing import Any

from interlock.domain.verdict import CheckOutcome


@dataclass(frozen=True, slots=True)
class DataCheck:
    """One check.

    Args:
        name: `missing`, `constant`, `schema`, `range`, `categories`, `duplicates`, `shared_rows`, `leakage`,
            `missing_labels`, `agreement`, `label_errors`.
        outcome: `no_data` where there is nothing to judge by; only `ok` is good news.
        value: What was measured: a share of rows, or what `expected` names.
        expected: What it must be.
        reason: What is wrong, for people; empty where nothing is.
        column: Which, if it is about one.
    """

    name: str
    outcome: CheckOutcome
    value: float | None
    expected: str
    reason: str = ""
    column: str | None = None


@dataclass(frozen=True, slots=True)
class DataChecks:
    """All checks of a file. `skipped`: columns that were not looked at, and why."""

    rows: int
    columns: int
    checks: tuple[DataCheck, ...]
    skipped: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether none is in breach, and none could not be made."""
        return not any(check.outcome in ("breach", "error") for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Builtin values only, as `check-data --json`."""
        return {"passed": self.passed, **asdict(self)}
