import pytest

from interlock.domain.errors import InvalidInputError
from interlock.runtimes.remote_address import RemoteAddress


@pytest.mark.parametrize(
    "url",
    [
        "http://triton:8000/v2/models/churn",
        "https://triton.internal/v2/models/churn/versions/3",
        "http://[::1]:8000/v2/models/churn/",
        "http://10.0.0.7/serving/team-a/v2/models/ch%20urn",
    ],
)
def test_addresses_of_models(url: str) -> None:
    RemoteAddress(url=url, token_env="INTERLOCK_REMOTE_TRITON").check()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/v2/models/x", "http:///v2/models/x", "http://h/v2/models/", "http://h/v2/models/x/infer", "http://h/x",
        "http://h/v2/models/x?y=1", "http://h/v2/models/x#y", "http://h:99999/v2/models/x", "http://h:0/v2/models/x",
        "http://h/v2/models/x y", "http://h/v2/models/x\r\nHost: y", "http://h/v2/models/x/versions/", "models:/x/1",
    ],
)  # fmt: skip
def test_what_is_none_is_refused_with_the_shape_of_one(url: str) -> None:
    with pytest.raises(InvalidInputError, match=r"must look like http://host:8000/v2/models/NAME"):
        RemoteAddress(url=url).check()


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInputError, match="name a variable with --token-env") as refused:
        RemoteAddress(url="http://ann:secret@h/v2/models/x").check()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["PGPASSWORD", "INTERLOCK_API_KEY", "INTERLOCK_REMOTE_", "interlock_remote_x", "X\nY"])
def test_only_variables_that_are_called_so_may_be_sent(name: str) -> None:
    with pytest.raises(InvalidInputError, match="that begins with INTERLOCK_REMOTE_"):
        RemoteAddress(url="http://h/v2/models/x", token_env=name).check()


def test_parts_of_an_address() -> None:
    address = RemoteAddress(url="https://h/a/v2/models/x/versions/3/")
    assert address.origin == ("https", "h", 443)
    assert (address.path, address.server_path) == ("/a/v2/models/x/versions/3", "/a/v2")
    assert RemoteAddress(url="http://h/v2/models/x").origin == ("http", "h", 80)
