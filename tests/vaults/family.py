"""A token endpoint that watches over families of refresh tokens (RFC 9700 section 4.14.2).

A refresh token is spent when it is used. Using it again kills the whole family, unless it is within
the window that the vendor grants for lost answers: then the newest pair is handed out once more.
"""

from typing import Any

from aiohttp import web

from tests.server.vendor import VendorServer


class FamilyServer(VendorServer):
    """The vendor.

    Attributes:
        window: uses of a spent token, its owner's newest one, that are forgiven.
        lost_every: of so many answers two get lost, one after the other; 0: none.
        killed: families that died.
        refreshes: pairs that were handed out.
    """

    def __init__(self, *, window: int = 0, lost_every: int = 0) -> None:
        super().__init__()
        self.window = window
        self.lost_every = lost_every
        self.killed: list[str] = []
        self.refreshes = 0
        self._newest: dict[str, str] = {}
        self._before: dict[str, tuple[str, int]] = {}

    def found(self, family: str) -> str:
        """The first refresh token of a new family."""
        self._newest[family] = f"{family}:0"
        return f"{family}:0"

    def _granted(self, form: dict[str, str]) -> web.Response:
        family, _, _ = form["refresh_token"].partition(":")
        newest = self._newest.get(family)
        if newest is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if form["refresh_token"] == newest:
            self._before[family] = (newest, self.window)
        else:
            spent, left = self._before.get(family, ("", 0))
            if form["refresh_token"] != spent or not left:
                self.killed.append(family)
                del self._newest[family]
                self.access.clear()
                return web.json_response({"error": "invalid_grant"}, status=400)
            self._before[family] = (spent, left - 1)
        self.refreshes += 1
        self._newest[family] = f"{family}:{self.refreshes}"
        access = f"{family}-access-{self.refreshes}"
        self.access.add(access)
        if self.lost_every and self.refreshes % self.lost_every < 2:
            self.lose = 1
        grown: dict[str, Any] = {
            "access_token": access,
            "refresh_token": self._newest[family],
            "expires_in": self.life,
        }
        return web.json_response(grown)
