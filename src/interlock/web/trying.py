"""Try an endpoint: a form made from its contract, and what its versions say to what was filled in.

Every version of a running release is asked for by its name, so the answers are logged as `pinned` and are no evidence.
What the contract refuses is the gateway's own sentence, beside the field that it names.
"""

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.services import Given, Services
from interlock.client.prediction import Prediction
from interlock.client.rows import encode_inputs
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InterlockError, InvalidInputError
from interlock.domain.model import ModelVersion
from interlock.web.access import Files, Form, PageRoute, Present, Visitor
from interlock.web.gateway_link import GatewayLink
from interlock.web.rendering import show
from interlock.web.snippets import example

router = APIRouter(prefix="/endpoints/{endpoint}/try", route_class=PageRoute, include_in_schema=False)

_PREFIX = "in."
_WHOLE = re.compile(r"[+-]?\d{1,30}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MOST_SHARES = 12
# As long as the gateway spells a name in a sentence.
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Tried:
    """What one version said.

    Args:
        version: `name:version`.
        role: `champion` or `challenger`.
        latency_ms: From this server to the gateway and back.
        answer: None if there is none.
        shares: Probability of each class, the largest first.
        faults: What the contract refused, by field.
        fault: What else was wrong.
    """

    version: str
    role: str
    latency_ms: float
    answer: Prediction | None = None
    shares: Sequence[tuple[str, float]] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""

    @property
    def others(self) -> dict[str, Any]:
        """Outputs besides the answer and its probabilities."""
        known = ("label", "prediction", *(("probabilities",) if self.shares else ()))
        return {name: rows[0] for name, rows in self.answer.outputs.items() if name not in known} if self.answer else {}


@router.get("", **needs("predict"))
def page(request: Request, endpoint: str, services: Given) -> Response:
    """The form, filled in with a row that the contract takes."""
    return show(request, "try.html", **form_of(services, endpoint), tried=[])


@router.post("", **needs("predict"))
def ask(
    request: Request, endpoint: str, form: Form, files: Files, visitor: Present, services: Given, part: bool = False
) -> Response:
    """Ask, and show what came.

    Args:
        part: Whether only the answer is wanted, by the page's script.
    """
    link: GatewayLink = request.app.state.gateway_link
    given = {name.removeprefix(_PREFIX): text for name, text in form.items() if name.startswith(_PREFIX)}
    images = {name.removeprefix(_PREFIX): content for name, content in files.items()}
    tried = [
        _try(link, endpoint, version, role, _inputs(version.contract, given, images), visitor)
        for version, role in _versions(services, endpoint)
    ]
    if part:
        return show(request, "_tried.html", tried=tried)
    return show(request, "try.html", **{**form_of(services, endpoint), "values": given}, tried=tried)


def form_of(services: Services, endpoint: str) -> dict[str, Any]:
    """What the form's template takes."""
    (champion, _), *challengers = _versions(services, endpoint)
    values = {name: spell(value) for name, value in example(champion.contract).items()}
    return {
        "endpoint_name": endpoint,
        "fields": champion.contract.inputs,
        "values": values,
        "asked": [champion.ref, *(version.ref for version, _ in challengers)],
    }


def _versions(services: Services, endpoint: str) -> list[tuple[ModelVersion, str]]:
    """Who is asked: the champion, and the challengers of a running release."""
    with services.store.read() as tx:
        plan = tx.plans.current(endpoint)
        found = [(tx.models.get(plan.champion), "champion")]
        found += [(tx.models.get(each.version), "challenger") for each in plan.challengers]
    return found


def _try(
    link: GatewayLink, endpoint: str, version: ModelVersion, role: str, inputs: dict[str, Any], visitor: Visitor
) -> Tried:
    known = {each.name: (each.datatype, [-1, *each.shape]) for each in version.contract.inputs}
    tensors = encode_inputs({name: [value] for name, value in inputs.items()}, known)
    body = {"id": f"try-{visitor.key.name}-{secrets.token_hex(6)}", "inputs": tensors}
    began = time.perf_counter()
    try:
        answer = Prediction.of(link.infer(endpoint, version.ref, body))
    except InvalidInputError as error:
        faults, fault = faults_by_field(str(error), [each.name for each in version.contract.inputs])
        return Tried(version.ref, role, _ms_since(began), faults=faults, fault=fault)
    except InterlockError as error:
        return Tried(version.ref, role, _ms_since(began), fault=str(error))
    return Tried(version.ref, role, _ms_since(began), answer, _shares(version.contract, answer))


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _shares(contract: Contract, answer: Prediction) -> list[tuple[str, float]]:
    found = answer.outputs.get("probabilities", [[]])[0]
    if len(found) != len(contract.classes):
        return []
    named = zip((spell(each) for each in contract.classes), found, strict=True)
    return sorted(named, key=lambda each: -each[1])[:_MOST_SHARES]


def _inputs(contract: Contract, texts: Mapping[str, str], images: Mapping[str, bytes]) -> dict[str, Any]:
    """One row of what was filled in. What was left out is missing in the request too, and the contract says so."""
    found: dict[str, Any] = {}
    for each in contract.inputs:
        if each.image is not None:
            found.update({each.name: images[each.name]} if each.name in images else {})
        elif texts.get(each.name, "") or (each.name in texts and each.is_text and not each.is_parameter):
            found[each.name] = value_of(each, texts[each.name])
        elif each.nullable and not each.is_parameter:
            found[each.name] = None
    return found


def value_of(each: Field, text: str) -> Any:
    """What a person wrote, as the contract's type where it can be read so; else as it is, for the contract to refuse.

    Examples:
        >>> value_of(Field(name="x", datatype="FP64"), "1.5"), value_of(Field(name="x", datatype="FP64"), "much")
        (1.5, 'much')
        >>> value_of(Field(name="v", datatype="FP64", shape=(2,)), "[1, 2.5]")
        [1, 2.5]
    """
    if each.is_text and each.nullable and not text:
        return None
    if each.shape:
        return _list(text)
    if each.time is not None:
        return f"{text}Z" if each.time.zone and not each.time.is_date and _lacks_zone(text) else text
    if each.datatype == "BOOL":
        return {"true": True, "false": False}.get(text, text)
    return _number(text) if each.is_numeric else text


def _lacks_zone(text: str) -> bool:
    """Whether a time is one that the browser's own field gives."""
    return re.fullmatch(r"[\d-]+T[\d:.]+", text) is not None


def _list(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def _number(text: str) -> float | int | str:
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def spell(value: Any) -> str:
    """A value as a form holds it.

    Examples:
        >>> spell(True), spell([1.5, 2.0]), spell("late")
        ('true', '[1.5,2.0]', 'late')
    """
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def faults_by_field(sentence: str, names: Sequence[str]) -> tuple[dict[str, str], str]:
    """The gateway's sentence, taken apart: what belongs beside a field, and the rest.

    Examples:
        >>> faults_by_field('0 rows; age[0] == "old", must be a number; input "sex" is missing', ["age", "sex"])
        ({'age': 'age[0] == "old", must be a number', 'sex': 'input "sex" is missing'}, '0 rows')
    """
    found: dict[str, str] = {}
    rest: list[str] = []
    last = ""
    for fault in sentence.split("; "):
        last = max((name for name in names if _is_about(fault, name)), key=len, default=last)
        if last:  # also what names no field: a value of the field before may hold what parts sentences
            found[last] = f"{found[last]}; {fault}" if last in found else fault
        else:
            rest.append(fault)
    return found, "; ".join(rest)


def _is_about(fault: str, name: str) -> bool:
    quoted = msgspec.json.encode(name).decode()[:_LONGEST_SHOWN]
    return fault.startswith((f"{name}[", f"{name}:", f"{name} == ", f"{name} has ", f"input {quoted}"))
