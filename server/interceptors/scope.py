"""What the interceptors and the dispatcher tell one another about the call under way."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.access.caller import Caller
    from ucal.v1 import connection_pb2


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
        access: the same caller, with what it may do; None: access is open.
        sees: whether the call may show, or change, a connection that only its work finds (of a
            list, or in a sealed state); None: any.
    """

    deadline: float = float("inf")
    provider: str = ""
    reason: str = ""
    items: int = 0
    caller: str = "open"
    access: "Caller | None" = None
    sees: "Callable[[connection_pb2.Connection], bool] | None" = None


SCOPE: ContextVar[Scope] = ContextVar("ucal_scope")
