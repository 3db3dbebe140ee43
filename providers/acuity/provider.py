"""Acuity Scheduling: which operation is carried out where. Nothing is decided here."""

import httpx

from providers.acuity import (
    booking,
    busy,
    calendars,
    canceling,
    changing,
    errors,
    events,
    links,
    slots,
)
from providers.acuity.api import Api, api
from providers.acuity.features import FEATURES, OAUTH, REASONS
from providers.acuity.pace import REQUESTS_PER_SECOND, Pace
from providers.acuity.push import AcuityPush
from providers.acuity.wire import Me
from providers.core.auth import Grant, auth_for, basic
from providers.core.call import Account, Call
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.prompts import Prompt
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from ucal.v1 import busy_pb2, calendar_pb2, connection_pb2, event_pb2, link_pb2, provider_pb2


class Acuity(Provider):
    """Acuity Scheduling API v1. `base_url` and `token_url` are all its hosts.

    Settings beside the usual ones, in `extra`:
        requests_per_second: what this process may ask for in a second, "10" being all that one
            address may; "0": no limit.

    `webhook_secret` is the API key of the account, when all connections belong to one: deliveries
    are signed with it. Without it they are known by a secret in their address.

    Attributes:
        push: see `providers.core.push`.
    """

    name = "acuity"
    display_name = "Acuity Scheduling"
    api_version = "v1"
    documentation_url = "https://developers.acuityscheduling.com/reference"
    base_url = "https://acuityscheduling.com/api/v1"
    auth_kinds = (
        provider_pb2.AUTH_KIND_API_KEY,
        provider_pb2.AUTH_KIND_BASIC,
        provider_pb2.AUTH_KIND_OAUTH,
    )
    oauth = OAUTH
    prompts = (
        Prompt(
            kind=provider_pb2.AUTH_KIND_API_KEY,
            secret="API key",
            user="User ID",
            hint="In Acuity: Integrations, API, View credentials. Not every plan has it.",
        ),
    )
    pushed_kinds = AcuityPush.kinds
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        rate = settings.extra.get("requests_per_second", "")
        self._pace = Pace(float(rate or REQUESTS_PER_SECOND))
        self.push = AcuityPush(self._api, settings.webhook_secret)

    def auth(self, grant: Grant) -> httpx.Auth:
        """The user id (`account_id`) and the API key are name and password."""
        credentials = grant.credentials
        if isinstance(credentials, connection_pb2.ApiKeyCredentials):
            return basic(credentials.account_id, credentials.api_key)
        return auth_for(grant)

    def classify(self, reply: Reply) -> ProviderError:
        """As Acuity's error answers have it."""
        return errors.classify(reply)

    def _api(self, call: Call) -> Api:
        return api(call, self._pace)

    async def test_connection(self, call: Call) -> Account:
        """The account that the key belongs to."""
        me = (await self._api(call).one(Me, "me")).it
        return Account(name=me.name or me.displayName or "", email=me.email or "")

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        return await calendars.list_calendars(self._api(call), call, request)

    async def get_calendar(
        self, call: Call, request: calendar_pb2.GetCalendarRequest
    ) -> calendar_pb2.GetCalendarResponse:
        return await calendars.get_calendar(self._api(call), call, request)

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        return await events.list_events(self._api(call), call, request)

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        return await events.get_event(self._api(call), call, request)

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        return await booking.create_event(self._api(call), call, request)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        return await changing.update_event(self._api(call), call, request)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        return await canceling.delete_event(self._api(call), call, request)

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        return await busy.list_busy(self._api(call), call, request)

    async def list_links(
        self, call: Call, request: link_pb2.ListLinksRequest
    ) -> link_pb2.ListLinksResponse:
        return await links.list_links(self._api(call), call, request)

    async def get_link(
        self, call: Call, request: link_pb2.GetLinkRequest
    ) -> link_pb2.GetLinkResponse:
        return await links.get_link(self._api(call), call, request)

    async def list_link_slots(
        self, call: Call, request: link_pb2.ListLinkSlotsRequest
    ) -> link_pb2.ListLinkSlotsResponse:
        return await slots.list_link_slots(self._api(call), call, request)
