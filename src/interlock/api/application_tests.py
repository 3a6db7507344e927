"""Application tests of a version: run one on an uploaded file, list those that were run."""

from typing import Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, check_endpoint, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.domain.application_gates import ApplicationGates
from interlock.domain.application_record import ApplicationTest
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import version_ref
from interlock.registry.application_tests import Order

router = APIRouter(prefix="/models/{name}/versions/{version}/tests", tags=["models"], route_class=GuardedRoute)


class NewTest(BaseModel, extra="forbid"):
    """What to test with. `data` is the id of an upload."""

    data: str
    label: str = Field("", description="column of labels; without it nothing is said of quality")
    endpoint: str = Field("", description="whose deadline and whose champion it is held against")
    slices: list[str] = Field([], description="columns by which quality is compared")
    protected: list[str] = Field([], description="columns of protected groups; needs the extra fairness")
    gates: dict[str, Any] | None = Field(
        None,
        description="bounds, as in the section test of a release plan; default: those of the endpoint's release plan",
    )


@router.post("", status_code=201, **needs("operate"))
def run(name: str, version: int, new: NewTest, actor: Actor, services: Given) -> dict[str, Any]:
    """Test a version in a gateway of its own, and store what was found. Takes a minute or so."""
    if new.endpoint:
        check_endpoint(actor, "operate", new.endpoint)
    try:
        order = Order(
            ref=version_ref(name, version),
            data=services.staging.find(new.data),
            label=new.label,
            endpoint=new.endpoint,
            slices=tuple(new.slices),
            protected=tuple(new.protected),
            gates=_gates(new.gates),
        )
        return shown(services.application_tests.test(order, actor))
    finally:
        services.staging.discard(new.data)


@router.get("", **needs("read"))
def list_tests(name: str, version: int, services: Given) -> dict[str, Any]:
    """Tests of a version, newest first."""
    found = services.application_tests.list(version_ref(name, version))
    return {"tests": [shown(test) for test in found]}


def shown(test: ApplicationTest) -> dict[str, Any]:
    """A test as plain JSON."""
    return {"passed": test.passed, **finite(plain(test))}


def _gates(given: dict[str, Any] | None) -> ApplicationGates | None:
    if given is None:
        return None
    try:
        return msgspec.convert(given, ApplicationGates)
    except msgspec.ValidationError as error:
        known = ", ".join(ApplicationGates.__struct_fields__)
        raise InvalidInputError(f"gates: {error}; there is: {known}") from error
