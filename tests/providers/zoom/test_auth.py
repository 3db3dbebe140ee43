"""Signing in: server-to-server apps, refresh tokens that are used once, tokens that are dead."""

from typing import Any

import pytest

from providers.core.auth import UNSIGNED
from providers.core.errors import Kind
from providers.core.http import Http
from providers.core.settings import ProviderSettings
from providers.zoom.api import AccountAuth
from providers.zoom.provider import Zoom as Provider
from server.connections.token_endpoint import (
    DeadGrantError,
    TokenClient,
    exchange_code,
    refresh,
    service_token,
)
from tests.providers.desk import refused
from tests.providers.zoom.desk import Desk, meeting
from tests.providers.zoom.double.server import ACCOUNT_TOKEN, CLIENT, Zoom
from tests.providers.zoom.double.world import DANA, EVE
from ucal.v1 import calendar_pb2, connection_pb2, link_pb2, recording_pb2


class Account:
    """A grant of a server-to-server app."""

    def __init__(self, subject: str) -> None:
        self.credentials = connection_pb2.ServiceAccountCredentials(
            client_id=CLIENT[0], tenant_id="AAAAAABBBB", subject=subject
        )

    async def renew(self, stale: str) -> str:
        return ACCOUNT_TOKEN


@pytest.fixture
async def account(desk: Desk) -> Desk:
    """A desk with an app that acts for Eve."""
    desk.auth = desk.provider.auth(Account("eve@example.com"))
    assert isinstance(desk.auth, AccountAuth)
    return desk


async def test_an_app_acts_for_its_subject(account: Desk) -> None:
    """Zoom knows no "me" for it."""
    made = await account.make(meeting())
    assert made.calendar_id == EVE
    assert [e.id for e in await account.listed()] == [made.id]
    assert await account.listed(calendar_id=DANA) == []
    assert (await account.provider.test_connection(account.call)).email == "eve@example.com"
    assert not [each for each in account.zoom.journal if "/users/me" in each.path]


async def test_an_app_sees_the_users_of_its_account(account: Desk) -> None:
    request = calendar_pb2.ListCalendarsRequest(page_size=1)
    found: list[Any] = []
    while True:
        answer = await account.provider.list_calendars(account.call, request)
        found += answer.calendars
        request.page_token = answer.next_page_token
        if not answer.next_page_token:
            break
    assert [(c.id, c.is_primary) for c in found] == [(DANA, False), (EVE, True)]
    one = calendar_pb2.GetCalendarRequest(id="primary")
    calendar = (await account.provider.get_calendar(account.call, one)).calendar
    assert (calendar.id, calendar.is_primary) == (EVE, True)


async def test_an_app_without_a_subject_has_to_be_told(account: Desk) -> None:
    account.auth = account.provider.auth(Account(""))
    with refused(Kind.INVALID, field="calendar_id"):
        await account.listed()
    with refused(Kind.INVALID, field="calendar_id"):
        await account.recordings()
    assert await account.listed(calendar_id=EVE) == []


async def test_an_app_names_whose_schedules(account: Desk) -> None:
    await account.provider.list_links(account.call, link_pb2.ListLinksRequest())
    assert account.zoom.journal[-1].query["user_id"] == "eve@example.com"
    request = recording_pb2.ListRecordingsRequest()
    await account.provider.list_recordings(account.call, request)
    assert "/users/eve%40example.com/" in account.zoom.journal[-1].path


# -- tokens


def _tokens(desk: Desk) -> tuple[Http, TokenClient]:
    settings = ProviderSettings(
        token_url=f"{desk.zoom.url}/oauth/token", client_id=CLIENT[0], client_secret=CLIENT[1]
    )
    assert Provider.oauth is not None
    client = TokenClient.of(Provider.oauth, settings, client=("", ""), tenant="")
    return Http(desk.out, settings.token_url, auth=UNSIGNED, provider="zoom"), client


async def test_a_refresh_token_is_used_once(desk: Desk) -> None:
    """P64, trap 4: the old one dies at once."""
    http, client = _tokens(desk)
    old = connection_pb2.OAuthCredentials(refresh_token="refresh-1")
    new = await refresh(http, client, old)
    assert new.refresh_token not in ("", "refresh-1")
    assert list(new.scopes) == ["meeting:read:meeting", "meeting:write:meeting"]
    with pytest.raises(DeadGrantError):
        await refresh(http, client, old)
    assert (await refresh(http, client, new)).access_token
    assert desk.zoom.journal[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"reason": "Invalid Token!", "error": "invalid_request"}),
        (400, {"reason": "Invalid authorization code", "error": "invalid_request"}),
        (400, {"code": 4735, "message": "The token owner is gone."}),
        (401, {"code": "4741", "message": "The token has been revoked."}),
        (400, {"reason": "x", "error": "invalid_grant"}),
    ],
)
async def test_dead_grants_are_known(desk: Desk, status: int, body: dict[str, Any]) -> None:
    http, client = _tokens(desk)
    desk.zoom.fail(status, body=body)
    with pytest.raises(DeadGrantError):
        await refresh(http, client, connection_pb2.OAuthCredentials(refresh_token="x"))
    desk.zoom.fail(status, body=body)
    with pytest.raises(DeadGrantError):
        await exchange_code(http, client, code="x", redirect_uri="https://x.example", verifier="")


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "Invalid request", "error": "invalid_request"},
        {"code": 4700, "message": "Token cannot be empty."},
        {"reason": ["Invalid Token!"], "code": {}},
    ],
)
async def test_other_failures_do_not_end_a_grant(desk: Desk, body: dict[str, Any]) -> None:
    """Our own mistake must not make a person sign in again."""
    http, client = _tokens(desk)
    desk.zoom.fail(400, body=body)
    with refused(Kind.PROVIDER_FAULT):
        await refresh(http, client, connection_pb2.OAuthCredentials(refresh_token="x"))


async def test_an_apps_token_comes_for_its_account(desk: Desk) -> None:
    http, client = _tokens(desk)
    found = await service_token(http, client, Account("eve@example.com").credentials)
    assert found.access_token == ACCOUNT_TOKEN
    body = desk.zoom.asked("POST", "/oauth/token")[0].body
    assert body == {"grant_type": "account_credentials", "account_id": "AAAAAABBBB"}


async def test_whose_account_it_is_is_remembered_per_account(desk: Desk) -> None:
    """A call that brings its own credentials shares its connection's name with everybody."""
    await desk.listed(calendar_id=DANA)
    await desk.listed(calendar_id=DANA)
    assert len(desk.zoom.asked("GET", "/users/me$")) == 1
    desk.account = "k2"
    await desk.listed(calendar_id=DANA)
    assert len(desk.zoom.asked("GET", "/users/me$")) == 2
    desk.account = ""
    for _ in range(2):
        await desk.listed(calendar_id=DANA)
    assert len(desk.zoom.asked("GET", "/users/me$")) == 4


# -- regional hosts


async def test_a_regional_host_gets_the_token_and_no_other_does(desk: Desk) -> None:
    async with Zoom() as region:
        region.world.create("meeting", DANA, {"topic": "Regional"})
        there = {"Location": f"{region.base_url}/users/me/meetings?type=scheduled"}
        desk.zoom.fail(307, headers=there)
        with refused(Kind.PROVIDER_FAULT, reason="REDIRECT_REFUSED"):
            await desk.listed()
        assert region.journal == []
        desk.allowed_hosts = (region.url.removeprefix("http://"),)
        desk.zoom.fail(307, headers=there)
        assert [e.subject for e in await desk.listed()] == ["Regional"]
        desk.zoom.fail(308, headers={"Location": f"{region.base_url}/users/me/meetings"})
        await desk.make(meeting("Posted"))
        assert [each.status for each in region.asked("POST")] == [201]


async def test_a_redirect_to_nowhere(desk: Desk) -> None:
    desk.zoom.fail(307, headers={"Location": "http://[bad"})
    with refused(Kind.PROVIDER_FAULT):
        await desk.listed()
