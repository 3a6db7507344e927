import pytest

from interlock.channels import sending
from interlock.channels.addresses import masked, redact, scheme
from interlock.domain.errors import InvalidInputError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pw@hooks.example:8443/services/T1/B2?token=x", "https://hooks.example:8443/…"),
        ("mailtos://me:secret@mail.example?to=a@b.c", "mailtos://mail.example/…"),
        ("slack://tokenA/tokenB/tokenC", "slack://…"),
        ("pagerduty://integrationkey@apikey", "pagerduty://…"),
    ],
)
def test_only_a_host_that_is_one_is_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize("url", ["", "hooks.example", "https://", "://x"])
def test_what_is_no_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidInputError, match="url must be like"):
        scheme(url)


def test_secrets_are_blackened_however_they_are_spelt() -> None:
    url = "https://user:p%40ssword@hooks.example/services/T0KEN?key=v4lue"
    said = "hooks.example refused p@ssword, p%40ssword, /services/T0KEN and v4lue"
    assert redact(said, url) == "hooks.example refused …, …, … and …"
    assert redact("host tokenA said no", "slack://tokenA/tokenB") == "host … said no"


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1", "https://", "http://:80/hook", "http://host:port/", "http://host:0/", "http://x:99999/",
        "http://a b/", "slack://[x",
    ],
)  # fmt: skip
def test_what_names_no_place_is_refused_when_it_is_added_and_not_when_somebody_must_be_told(url: str) -> None:
    with pytest.raises(InvalidInputError, match="url must"):
        sending.check(url)
