"""Which columns the log may hold: the rules of an endpoint, and those that contracts bring along.

An endpoint's own rule for a column comes first, also where it is `keep`. Else the strictest of its versions' contracts
holds. Rules are named as the log names columns: `input.age`, `output.label`, and `unit` for the sticky key.
"""

from collections.abc import Iterable, Mapping, Sequence

from interlock.domain.contract import Contract, Field, PrivacyRule
from interlock.domain.errors import InvalidInputError

UNIT = "unit"

_STRICTNESS: dict[PrivacyRule, int] = {"keep": 0, "hash": 1, "drop": 2}


def effective(contracts: Iterable[Contract], own: Mapping[str, PrivacyRule]) -> dict[str, PrivacyRule]:
    """The rules that hold on an endpoint, without those that say `keep`.

    Args:
        contracts: Of every version that may answer.
        own: The endpoint's.

    Examples:
        >>> email = Field(name="email", datatype="BYTES", privacy="hash")
        >>> effective([Contract(inputs=(email,), outputs=())], {"unit": "drop"})
        {'input.email': 'hash', 'unit': 'drop'}
    """
    rules: dict[str, PrivacyRule] = {}
    for contract in contracts:
        for name, field in _columns(contract):
            if _STRICTNESS[field.privacy] > _STRICTNESS[rules.get(name, "keep")]:
                rules[name] = field.privacy
    return {name: rule for name, rule in {**rules, **own}.items() if rule != "keep"}


def resolve(given: Mapping[str, PrivacyRule], contracts: Iterable[Contract]) -> dict[str, PrivacyRule]:
    """Rules as a person writes them, by the log's names: `age` is `input.age`.

    Raises:
        InvalidInputError: A column is not known, or given twice.

    Examples:
        >>> age = Field(name="age", datatype="FP64")
        >>> resolve({"age": "drop", "unit": "hash"}, [Contract(inputs=(age,), outputs=())])
        {'input.age': 'drop', 'unit': 'hash'}
    """
    known = [*dict.fromkeys(name for contract in contracts for name, _ in _columns(contract)), UNIT]
    found: dict[str, PrivacyRule] = {}
    faults = []
    for column, rule in given.items():
        name = column if column in known else f"input.{column}"
        if name not in known:
            faults.append(f"privacy: column {column!r} is not known; there is {', '.join(known[:40])}")
        elif name in found:
            faults.append(f"privacy: column {column!r} has two rules")
        else:
            found[name] = rule
    if faults:
        raise InvalidInputError(*faults)
    return found


def unkept_images(contracts: Iterable[Contract], share: float | None) -> list[str]:
    """Images of which the log keeps none: `input.photo`.

    Args:
        contracts: Of every version that may answer.
        share: The endpoint's own; None leaves it to the contracts.
    """
    images = {field.name: field.image for contract in contracts for field in contract.inputs if field.image is not None}
    return [f"input.{name}" for name, image in images.items() if (image.keep if share is None else share) == 0]


def withheld_sentence(names: Sequence[str]) -> str:
    """Why something cannot be computed from the log.

    Examples:
        >>> withheld_sentence(["input.age"])
        'a privacy rule keeps the values of input.age out of the log'
    """
    return f"a privacy rule keeps the values of {', '.join(names)} out of the log"


def _columns(contract: Contract) -> Iterable[tuple[str, Field]]:
    yield from ((f"input.{field.name}", field) for field in contract.inputs)
    yield from ((f"output.{field.name}", field) for field in contract.outputs)
