"""What every route over the log asks first: is there such an endpoint, and does the log hold what was acknowledged?"""

from interlock.api.services import Services
from interlock.domain.errors import OverloadedError
from interlock.domain.names import check_name
from interlock.predictions import flush
from interlock.settings import Settings

FRESH_SECONDS = 15.0


def check_logged(services: Services, endpoint: str) -> None:
    """Pass if the endpoint is there, or was: its log stays.

    Raises:
        NotFoundError: There was never such an endpoint.
    """
    check_name("endpoint", endpoint)
    if not (services.settings.log / "predictions" / endpoint).is_dir():
        with services.store.read() as tx:
            tx.endpoints.get(endpoint)


def commit_what_waits(settings: Settings, timeout_seconds: float = FRESH_SECONDS) -> None:
    """Wait until the log holds everything that was acknowledged before the call.

    Raises:
        OverloadedError: It does not in time.
    """
    if not flush.request(settings.spools, timeout_seconds=timeout_seconds):
        raise OverloadedError(
            f"the log is more than {timeout_seconds:g} s behind; see `interlock doctor`, or ask without `fresh`",
            retry_after_seconds=5.0,
        )
