"""A daily report in plain lines: what a chat shows, and the text beside the picture in a mail."""

from interlock.monitoring.daily_report import DailyReport, DayQuality

_WORDS = {"ok": "nothing stands out", "breach": "needs a look", "error": "a check broke", "no_data": "not enough data"}
_MOST_NAMED = 5


def title(report: DailyReport) -> str:
    """One line: the subject of the mail.

    Examples:
        >>> from interlock.monitoring.daily_report import DailyReport
        >>> nothing = {"requests": 0, "rows": 0, "failures": 0, "refused": 0, "traffic": (), "checks": ()}
        >>> title(DailyReport(endpoint="wine", date="2026-03-01", status="no_data", by_hour=(), quality=(), **nothing))
        '[report] wine, 2026-03-01: no traffic'
    """
    said = _WORDS[report.status] if report.requests else "no traffic"
    return f"[report] {report.endpoint}, {report.date}: {said}"


def text(report: DailyReport) -> str:
    """The whole of it in a few lines."""
    lines = [
        f"{report.rows:,} rows in {report.requests:,} requests; {report.failures:,} failed, {report.refused:,} refused",
        _drift(report),
        *(_quality(each) for each in report.quality),
        *(f"incident {each['id']} ({each['state']}): {each['title']}" for each in report.incidents),
        *(f"release {each['id']} of {each['candidate']}: {each['state']}" for each in report.releases),
        "",
        f"All of it: interlock report {report.endpoint} --date {report.date}",
    ]
    return "\n".join(lines)


def _drift(report: DailyReport) -> str:
    features = [check for check in report.checks if check.name.startswith("drift.")]
    changed = [check.name.removeprefix("drift.") for check in features if check.outcome == "breach"]
    if not changed:
        judged = sum(check.outcome == "ok" for check in features)
        return f"drift: none in {judged} of {len(features)} columns that could be judged"
    more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
    return f"drift: {', '.join(changed[:_MOST_NAMED])}{more}"


def _quality(found: DayQuality) -> str:
    coverage = "" if found.coverage is None else f", {found.coverage:.0%} of its rows"
    values = ", ".join(f"{name} {one['value']:.4g}" for name, one in found.measures.items())
    return f"quality of {found.version}: {values or 'not known'} ({found.labels:,} labels{coverage})"
