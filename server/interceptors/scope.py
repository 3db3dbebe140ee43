"""What the interceptors and the dispatcher tell one another about the call under way."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Scope:
    """Facts of one call; never anything of a calendar.

    Attributes:
        deadline: time of the loop's clock at which the caller stops waiting.
        provider: registry name, once it is known.
        reason: ErrorInfo reason, once it has failed.
        items: resources in the answer.
        caller: who calls, for the audit record: "open", "api_key:<id>", "oidc:<digest>",
            "spiffe://..."; never a person's name.
    """

    deadline: float = float("inf")
    provider: str = ""
    reason: str = ""
    items: int = 0
    caller: str = "open"


SCOPE: ContextVar[Scope] = ContextVar("ucal_scope")
