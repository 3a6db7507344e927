"""What docs/alerts.md promises: its recipe sends a mail, and a day's report is to be had as a file and as a page."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product
from tests.mail_server import MailServer

DOCS = Path(__file__).parents[2] / "docs" / "alerts.md"
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=10)


@pytest.fixture(scope="module")
def mail(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """A mail server of the team, and the recipe of the docs in force."""
    (recipe,) = re.findall(r"```yaml\n(rules:\n- \{name: accuracy-below-60.*?)```", DOCS.read_text(), re.S)
    assert len(recipe.strip().splitlines()) == 3
    rules = tmp_path_factory.mktemp("rules") / "rules.yaml"
    rules.write_text(recipe)
    with MailServer() as server:
        product.json("alert", "channel", "add", "team", server.url)
        product.json("alert", "rules", "apply", str(rules))
        yield server


@pytest.fixture(scope="module")
def bad_day(product: Product, wine: Wine, mail: MailServer) -> datetime:
    """A day on which the model was right in about four of ten cases, and traffic long enough after it."""
    key = product.json("key", "create", "--role", "scorer", "--name", "till", "--allow", "backdate")["key"]
    with product.client(key) as client:
        for hour in range(24):
            ids = client.predict("wine", wine.heldout, event_at=DAY + timedelta(hours=hour)).ids
            truth = [(label + (number % 5 > 1)) % 3 for number, label in enumerate(wine.truth.tolist())]
            client.label("wine", dict(zip(ids, truth, strict=True)))
        # A day is judged two days after it: its labels are in the log by then.
        product.client().wait_until_logged()
        client.predict("wine", wine.heldout, event_at=DAY + timedelta(days=3, hours=2))
    return DAY


def test_the_recipe_for_a_bad_day_sends_a_mail_to_the_team(mail: MailServer, bad_day: datetime) -> None:
    # The days after it are silent, which is told of too.
    told: list[EmailMessage] = []
    for count in range(1, 6):
        mail.wait(count, timeout_seconds=60)
        told = [each for each in mail.mails if "accuracy of wine:1" in text(each)]
        if told:
            break
    assert told, mail.subjects
    assert "accuracy of wine:1 is 0.4" in text(told[0])
    assert "below 0.6 is alerted of" in text(told[0])
    assert bad_day.date().isoformat() in text(told[0])
    assert told[0]["To"] == "team@example.org"


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_a_day_is_reported_by_command_by_client_and_as_a_file(
    product: Product, bad_day: datetime, tmp_path: Path
) -> None:
    date = bad_day.date()
    found = product.json("report", "wine", "--date", date.isoformat(), "--html", str(tmp_path / "day.html"))
    (quality,) = found["quality"]
    assert (found["rows"], quality["labels"]) == (24 * 89, 24 * 89)
    assert quality["measures"]["accuracy"]["value"] < 0.6
    assert [each["name"] for each in quality["classes"]] == ["0", "1", "2"]
    page = (tmp_path / "day.html").read_text()
    assert "Quality of wine:1" in page
    shown = product.cli("report", "wine", "--date", date.isoformat())
    assert shown.returncode == 0, shown.stderr
    assert "precision" in shown.stdout
    assert json.loads(product.cli("report", "wine", "--json").stdout)["date"] == (date + timedelta(days=3)).isoformat()
    assert product.client().daily_report("wine", date)["rows"] == found["rows"]
    wrong = product.cli("report", "wine", "--date", "soon")
    assert (wrong.returncode, "must be a day like" in wrong.stderr) == (2, True)
    assert product.cli("report", "never").returncode == 2


def test_a_channel_says_at_which_hour_it_wants_reports(product: Product) -> None:
    product.json("alert", "channel", "add", "morning", "http://127.0.0.1:1/x", "--daily-report", "7")
    (listed,) = [each for each in product.json("alert", "channel", "list")["channels"] if each["name"] == "morning"]
    assert listed["daily_report"] == 7
    refused = product.cli("alert", "channel", "add", "night", "http://127.0.0.1:1/x", "--daily-report", "24")
    assert (refused.returncode, "hour of the day from 1 to 23" in refused.stderr) == (2, True)
