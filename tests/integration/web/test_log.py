import html

from tests.integration.web.conftest import EVIL, Pages
from tests.integration.web.test_overview import words


def test_a_question_in_the_address_is_answered(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get("/log", params={"sql": "SELECT count(*) AS n, 'x' AS kind FROM wine"}).text)
    assert "1 row CSV n kind 0 x" in page


def test_an_answer_is_shown_and_never_run(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = browser.get("/log", params={"sql": f"SELECT '{EVIL}' AS \"<b>\""}).text
    assert EVIL not in page
    assert html.escape(EVIL) in page
    assert "<th>&lt;b&gt;</th>" in page


def test_long_answers_are_cut_and_say_so(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get("/log", params={"sql": "SELECT * FROM range(500)"}).text)
        empty = words(browser.get("/log", params={"sql": "SELECT * FROM wine"}).text)
    assert "The first 200 rows" in page
    assert "199" in page
    assert "200" not in page.replace("The first 200 rows", "")
    assert "No row answers the question" in empty


def test_an_answer_is_downloaded_whole(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        sql = "SELECT range AS n, '=1+1' AS formula FROM range(500)"
        page = browser.get("/log", params={"sql": sql}).text
        link = html.unescape(page.partition('href="/log/export?')[2].partition('"')[0])
        answer = browser.get(f"/log/export?{link}")
        assert answer.headers["content-disposition"] == 'attachment; filename="log.csv"'
        assert answer.text.splitlines()[:2] == ["n,formula", "0,'=1+1"]
        assert len(answer.text.splitlines()) == 501
        assert browser.get("/log/export", params={"sql": "DROP TABLE wine"}).status_code == 400


def test_what_cannot_be_asked_is_refused_in_words(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        for sql in ("SELECT * FROM nowhere", "DROP TABLE wine", "SELECT * FROM read_csv('/etc/passwd')"):
            refused = browser.get("/log", params={"sql": sql})
            assert refused.status_code == 400
            assert 'class="fault" role="alert"' in refused.text
            assert "root:" not in refused.text


def test_a_key_limited_to_endpoints_may_not_ask(pages: Pages) -> None:
    with pages.signed_in("limited") as browser:
        assert browser.get("/log").status_code == 403
