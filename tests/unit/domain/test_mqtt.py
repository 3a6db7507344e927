import pytest

from interlock.domain.errors import InvalidInputError
from interlock.domain.mqtt import Broker, parse_broker


def test_a_url_says_where_and_as_whom() -> None:
    assert parse_broker("mqtts://me:p%40ss@[::1]/plant") == Broker(
        host="::1", port=8883, tls=True, user="me", password="p@ss", prefix="plant"
    )
    assert parse_broker("mqtt://broker.example") == Broker(host="broker.example", port=1883)


@pytest.mark.parametrize(
    "url",
    ["", "broker:1883", "http://broker", "mqtt://", "mqtt://h:0", "mqtt://h:99999", "mqtt://h/a/#", "mqtt://h/$SYS"],
)
def test_what_is_no_broker_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(InvalidInputError, match="mqtt") as failed:
        parse_broker(url.replace("//", "//me:s3cret@"))
    assert "s3cret" not in str(failed.value)
