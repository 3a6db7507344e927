import re
from pathlib import Path

import pytest

from interlock.client.connection import Connection
from interlock.client.trust import by_authority, by_certificate
from interlock.domain.errors import InvalidInputError


def test_files_that_hold_no_certificate_are_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(InvalidInputError, match=re.escape(f"ca_file == {str(empty)!r}, must hold certificates")):
        by_authority(empty)
    with pytest.raises(InvalidInputError, match="holds no certificate in PEM"):
        by_certificate(empty)
    with pytest.raises(InvalidInputError, match="cannot be read"):
        by_certificate(tmp_path / "none.pem")


def test_only_http_addresses_are_taken() -> None:
    with pytest.raises(InvalidInputError, match="must be an address like"):
        Connection("ftp://127.0.0.1", 1.0)
    assert Connection("https://box", 1.0).url == "https://box"
