"""What doubles of vendors share: a server on loopback, and what goes wrong on demand."""

import json
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.loopback import Double, for_all


@dataclass
class Fault:
    """What happens to a request instead; `status` 0 does it and cuts the connection."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    method: str = ""


class Loopback(Double):
    """A vendor on a random port of loopback; an async context manager.

    Attributes:
        faults: what is to go wrong, in this order.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def application(self) -> web.Application:
        return for_all(self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Answer, or do what a fault says."""
        raw = await request.read()
        fault = self._fault(request.method)
        if fault is not None and fault.status:
            told = json.dumps(self.trouble(fault.status)).encode()
            return web.Response(
                status=fault.status,
                body=told if fault.body is None else fault.body,
                headers={"content-type": "application/json", **fault.headers},
            )
        status, shown = await self.answer(request, json.loads(raw) if raw else None)
        if fault is not None and request.transport is not None:
            request.transport.abort()
        if shown is None:
            return web.Response(status=status)
        return web.Response(status=status, text=json.dumps(shown), content_type="application/json")

    @abstractmethod
    async def answer(self, request: web.Request, body: Any) -> tuple[int, Any]:
        """Status and JSON; None is no body at all."""

    @abstractmethod
    def trouble(self, status: int) -> Any:
        """Body of an error that was asked for, as the vendor writes it."""

    def _fault(self, method: str) -> Fault | None:
        if not self.faults:
            return None
        first = self.faults[0]
        if (not first.status and method == "GET") or first.method not in ("", method):
            return None
        return self.faults.pop(0)

    def fail(
        self,
        status: int,
        *,
        times: int = 1,
        retry_after: int | None = None,
        body: bytes | None = None,
        method: str = "",
    ) -> None:
        """Answer the next requests with an error."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        self.faults += [Fault(status, headers, body, method) for _ in range(times)]

    def lose(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.faults.append(Fault(0))
