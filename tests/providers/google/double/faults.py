"""Errors in Google's words, and what the tests want to go wrong."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


class Problem(Exception):  # noqa: N818 - an answer, as Google gives it
    """A request that Google refuses."""

    def __init__(
        self, status: int, reason: str, message: str = "", *, domain: str = "global", **extra: Any
    ) -> None:
        super().__init__(message or reason)
        self.status, self.reason, self.message = status, reason, message or reason
        self.domain, self.extra = domain, extra

    def body(self) -> dict[str, Any]:
        """Body of the Calendar API's errors."""
        item = {"domain": self.domain, "reason": self.reason, "message": self.message, **self.extra}
        return {"error": {"errors": [item], "code": self.status, "message": self.message}}


class NewProblem(Problem):
    """The form of newer APIs: Meet, Workspace Events."""

    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "code": self.status,
            "message": self.message,
            "status": self.domain,
        }
        if self.reason:
            found["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": self.reason,
                    "domain": "googleapis.com",
                }
            ]
        return {"error": found}


NEW_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
REASONS = {
    400: "invalid",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    409: "conflict",
    410: "fullSyncRequired",
    412: "conditionNotMet",
    429: "rateLimitExceeded",
    500: "backendError",
    503: "backendError",
}


@dataclass
class Fault:
    """An answer that is given in place of the real one.

    Attributes:
        lose: do what was asked, then cut the connection.
        only: methods that it waits for; empty: any.
    """

    status: int = 0
    reason: str = ""
    retry_after: int | None = None
    body: bytes | None = None
    lose: bool = False
    only: frozenset[str] = frozenset()


@dataclass
class Faults:
    """Faults to come, in order."""

    queue: list[Fault] = field(default_factory=list)

    def take(self, method: str) -> Fault | None:
        for index, fault in enumerate(self.queue):
            if not fault.only or method in fault.only:
                return self.queue.pop(index)
        return None


def answer(fault: Fault, path: str) -> web.Response:
    """The fault as Google would write it."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.body is not None:
        return web.Response(status=fault.status, body=fault.body, headers=headers)
    reason = fault.reason or REASONS.get(fault.status, "backendError")
    if "/calendar/" in path or "/admin/" in path or path.endswith("/token"):
        domain = "usageLimits" if "imit" in reason or "quota" in reason else "global"
        body = Problem(fault.status, reason, reason, domain=domain).body()
    else:
        own = fault.reason
        status = NEW_STATUS.get(fault.status, "UNKNOWN")
        body = NewProblem(fault.status, own, "Something went wrong.", domain=status).body()
    return web.json_response(body, status=fault.status, headers=headers)
