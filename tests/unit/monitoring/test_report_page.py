from typing import Any

from interlock.monitoring.report_page import page


def check(name: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "signal": "input",
        "version": "m:1",
        "outcome": outcome,
        "value": 0.25,
        "expected": "x",
    } | more


def test_the_worst_check_stands_first_and_names_are_text() -> None:
    checks = [check("drift.fine", "ok"), check("drift.<script>", "breach", details={"reason": "it moved"})]
    report = {
        "endpoint": "wine", "window": "24h", "since": "2026-01-01T00:00:00+00:00", "until": "2026-01-02T00:00:00+00:00",
        "rows": 1200, "status": "breach", "checks": checks,
    }  # fmt: skip
    drawn = page(report)
    assert drawn.index("drift.&lt;script&gt;") < drawn.index("drift.fine")
    assert "<script" not in drawn
    assert "it moved" in drawn
    assert "1,200 rows" in drawn
    assert "needs a look" in drawn
    assert "http" not in drawn
