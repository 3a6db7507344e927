import pytest

from interlock.domain.errors import InvalidInputError
from interlock.domain.names import split_ref


def test_a_reference_is_a_name_and_a_number() -> None:
    assert split_ref("wine-2.0:12") == ("wine-2.0", 12)


# The last ones are more than databases have room for, and more than Python reads.
@pytest.mark.parametrize("ref", ["wine", "wine:", ":1", "Wine:1", "wine:0", "wine:-1", "wine:1.0", "wine:٣", "wine:1:x",
                                 f"wine:{1 << 31}", f"wine:{'9' * 5000}"])  # fmt: skip
def test_what_is_no_reference_is_refused(ref: str) -> None:
    with pytest.raises(InvalidInputError, match="must be NAME:VERSION like wine:3"):
        split_ref(ref)
