"""Entra's token endpoint: tokens of people and of applications, refresh tokens that rotate."""

import uuid
from dataclasses import dataclass, field
from typing import Any

TOKEN = "delegated-token"
APP_TOKEN = "application-token"
REFRESH = "refresh-0"

Json = dict[str, Any]


@dataclass
class Tokens:
    """Tokens that are taken."""

    people: set[str] = field(default_factory=lambda: {TOKEN})
    applications: set[str] = field(default_factory=lambda: {APP_TOKEN})
    refresh: set[str] = field(default_factory=lambda: {REFRESH})
    asked: list[Json] = field(default_factory=list)

    def answer(self, form: Json) -> tuple[int, Json]:
        """POST /{tenant}/oauth2/v2.0/token."""
        self.asked.append(form)
        if form.get("client_secret") == "wrong":
            return 401, _refused("invalid_client", 7000215)
        if form.get("grant_type") == "client_credentials":
            if form.get("scope") != "https://graph.microsoft.com/.default":
                return 400, _refused("invalid_scope", 1002012)
            fresh = f"app-{uuid.uuid4().hex}"
            self.applications.add(fresh)
            return 200, _granted(fresh)
        if form.get("refresh_token") not in self.refresh:
            return 400, _refused("invalid_grant", 70008)
        self.refresh = {f"refresh-{uuid.uuid4().hex}"}
        fresh = f"user-{uuid.uuid4().hex}"
        self.people = {fresh}
        return 200, {**_granted(fresh), "refresh_token": next(iter(self.refresh))}


def _granted(token: str) -> Json:
    return {"token_type": "Bearer", "scope": "Calendars.ReadWrite", "expires_in": 3920,
            "ext_expires_in": 3920, "access_token": token}  # fmt: skip


def _refused(error: str, code: int) -> Json:
    return {"error": error, "error_description": f"AADSTS{code}: …",
            "error_codes": [code], "timestamp": "2026-11-25 00:00:00Z", "trace_id": "t",
            "correlation_id": "c"}  # fmt: skip
