"""The base class of every provider.

Which operations a provider has is derived from what it overrides, so no flag can lie; how they
behave stands in `features`; why the others are missing stands in `reasons`. Everything that is not
overridden ends with `Kind.UNSUPPORTED`.
"""

from collections.abc import Mapping
from typing import ClassVar

import httpx

from providers.core import operations as ops
from providers.core.auth import ApiKeyHeader, Grant, OAuthConfig, auth_for
from providers.core.call import Account, Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for
from providers.core.operations import Operation, ResourceKind
from providers.core.prompts import Prompt
from providers.core.settings import ProviderSettings
from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    event_pb2,
    link_pb2,
    location_pb2,
    provider_pb2,
    recording_pb2,
    room_pb2,
    webinar_pb2,
)

_NO_REASON = "the provider has nothing like this"


class Provider:
    """One vendor's product. One object per process serves every connection; it holds no account.

    Attributes:
        name: as in Connection.provider.
        display_name: as shown to people.
        api_version: version of the vendor's API spoken.
        documentation_url: the vendor's reference.
        base_url: API root when neither settings nor connection name one.
        self_hosted: a connection may name a base URL of its own, and must where there is none here.
        allowed_hosts: further hosts (or ".suffix") that requests may go to, beside the base URL's.
        auth_kinds: how a connection can sign in.
        oauth: the vendor's OAuth 2 endpoints and habits.
        api_key: where an API key goes; absent: `Authorization: Bearer`.
        prompts: forms for people who have no OAuth; absent: one for each of `auth_kinds`.
        delta_kinds: kinds for which `list_changes` answers.
        pushed_kinds: kinds of which the provider can be made to tell (`providers.core.push`).
        features: how overridden operations behave; kind and method are filled in.
        reasons: why an operation, or a whole kind, is missing or emulated.
    """

    name: ClassVar[str]
    display_name: ClassVar[str]
    api_version: ClassVar[str] = ""
    documentation_url: ClassVar[str] = ""
    base_url: ClassVar[str] = ""
    self_hosted: ClassVar[bool] = False
    allowed_hosts: ClassVar[tuple[str, ...]] = ()
    auth_kinds: ClassVar[tuple[provider_pb2.AuthKind.ValueType, ...]] = ()
    oauth: ClassVar[OAuthConfig | None] = None
    api_key: ClassVar[ApiKeyHeader | None] = None
    prompts: ClassVar[tuple[Prompt, ...]] = ()
    delta_kinds: ClassVar[frozenset[ResourceKind]] = frozenset()
    pushed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset()
    features: ClassVar[Mapping[Operation, provider_pb2.Capability]] = {}
    reasons: ClassVar[Mapping[Operation | ResourceKind, str]] = {}

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings

    async def close(self) -> None:
        """Let go of what the object holds. Called once, at the end of the process."""

    # -- what it can do

    @classmethod
    def overrides(cls, operation: Operation) -> bool:
        """Whether this class has `operation`; watches are asked of `watchable` instead."""
        return getattr(cls, operation.name) is not getattr(Provider, operation.name)

    @classmethod
    def watchable(cls, kind: ResourceKind) -> bool:
        """Whether a watch can carry `kind`: by deltas, or by listing again and comparing."""
        watch = ops.WATCHES.get(kind)
        if watch is None or watch in cls.reasons:
            return False
        return kind in cls.delta_kinds or cls.overrides(ops.LISTS[kind])

    @classmethod
    def reason(cls, operation: Operation) -> str:
        """Why `operation` is missing or emulated."""
        return cls.reasons.get(operation) or cls.reasons.get(operation.kind) or _NO_REASON

    @classmethod
    def unsupported(cls, operation: Operation) -> ProviderError:
        """The error of an operation that is missing here."""
        return ProviderError(
            Kind.UNSUPPORTED,
            f"{cls.display_name}: {cls.reason(operation)}",
            metadata={"capability": operation.name},
        )

    # -- how it signs in and reads answers

    def auth(self, grant: Grant) -> httpx.Auth:
        """How requests are signed with the credentials behind `grant`."""
        return auth_for(grant, api_key=self.api_key)

    def classify(self, reply: Reply) -> ProviderError:
        """The error behind an answer that is not a success. Override where status is not enough."""
        return error_for(reply)

    async def test_connection(self, call: Call) -> Account:
        """Ask the provider whether the credentials work, with its cheapest read."""
        await self.list_calendars(call, calendar_pb2.ListCalendarsRequest(page_size=1))
        return Account()

    async def list_changes(self, call: Call, query: ChangesQuery) -> ChangesPage:
        """What changed since `query.cursor`; only for `delta_kinds`.

        Raises:
            ProviderError: CURSOR_EXPIRED when the provider no longer knows the cursor.
        """
        raise self.unsupported(ops.WATCHES[query.kind])

    # -- the operations of the contract

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        """ListCalendars."""
        raise self.unsupported(ops.LIST_CALENDARS)

    async def get_calendar(
        self, call: Call, request: calendar_pb2.GetCalendarRequest
    ) -> calendar_pb2.GetCalendarResponse:
        """GetCalendar."""
        raise self.unsupported(ops.GET_CALENDAR)

    async def create_calendar(
        self, call: Call, request: calendar_pb2.CreateCalendarRequest
    ) -> calendar_pb2.CreateCalendarResponse:
        """CreateCalendar."""
        raise self.unsupported(ops.CREATE_CALENDAR)

    async def update_calendar(
        self, call: Call, request: calendar_pb2.UpdateCalendarRequest
    ) -> calendar_pb2.UpdateCalendarResponse:
        """UpdateCalendar."""
        raise self.unsupported(ops.UPDATE_CALENDAR)

    async def delete_calendar(
        self, call: Call, request: calendar_pb2.DeleteCalendarRequest
    ) -> calendar_pb2.DeleteCalendarResponse:
        """DeleteCalendar."""
        raise self.unsupported(ops.DELETE_CALENDAR)

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        """ListEvents."""
        raise self.unsupported(ops.LIST_EVENTS)

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        """GetEvent."""
        raise self.unsupported(ops.GET_EVENT)

    async def list_event_instances(
        self, call: Call, request: event_pb2.ListEventInstancesRequest
    ) -> event_pb2.ListEventInstancesResponse:
        """ListEventInstances."""
        raise self.unsupported(ops.LIST_EVENT_INSTANCES)

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        """CreateEvent."""
        raise self.unsupported(ops.CREATE_EVENT)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        """UpdateEvent."""
        raise self.unsupported(ops.UPDATE_EVENT)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        """DeleteEvent."""
        raise self.unsupported(ops.DELETE_EVENT)

    async def respond_to_event(
        self, call: Call, request: event_pb2.RespondToEventRequest
    ) -> event_pb2.RespondToEventResponse:
        """RespondToEvent."""
        raise self.unsupported(ops.RESPOND_TO_EVENT)

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        """ListBusy."""
        raise self.unsupported(ops.LIST_BUSY)

    async def list_links(
        self, call: Call, request: link_pb2.ListLinksRequest
    ) -> link_pb2.ListLinksResponse:
        """ListLinks."""
        raise self.unsupported(ops.LIST_LINKS)

    async def get_link(
        self, call: Call, request: link_pb2.GetLinkRequest
    ) -> link_pb2.GetLinkResponse:
        """GetLink."""
        raise self.unsupported(ops.GET_LINK)

    async def create_link(
        self, call: Call, request: link_pb2.CreateLinkRequest
    ) -> link_pb2.CreateLinkResponse:
        """CreateLink."""
        raise self.unsupported(ops.CREATE_LINK)

    async def update_link(
        self, call: Call, request: link_pb2.UpdateLinkRequest
    ) -> link_pb2.UpdateLinkResponse:
        """UpdateLink."""
        raise self.unsupported(ops.UPDATE_LINK)

    async def delete_link(
        self, call: Call, request: link_pb2.DeleteLinkRequest
    ) -> link_pb2.DeleteLinkResponse:
        """DeleteLink."""
        raise self.unsupported(ops.DELETE_LINK)

    async def list_link_slots(
        self, call: Call, request: link_pb2.ListLinkSlotsRequest
    ) -> link_pb2.ListLinkSlotsResponse:
        """ListLinkSlots."""
        raise self.unsupported(ops.LIST_LINK_SLOTS)

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        """ListRecordings."""
        raise self.unsupported(ops.LIST_RECORDINGS)

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        """GetRecording."""
        raise self.unsupported(ops.GET_RECORDING)

    async def list_transcript_segments(
        self, call: Call, request: recording_pb2.ListTranscriptSegmentsRequest
    ) -> recording_pb2.ListTranscriptSegmentsResponse:
        """ListTranscriptSegments."""
        raise self.unsupported(ops.LIST_TRANSCRIPT_SEGMENTS)

    async def list_webinars(
        self, call: Call, request: webinar_pb2.ListWebinarsRequest
    ) -> webinar_pb2.ListWebinarsResponse:
        """ListWebinars."""
        raise self.unsupported(ops.LIST_WEBINARS)

    async def get_webinar(
        self, call: Call, request: webinar_pb2.GetWebinarRequest
    ) -> webinar_pb2.GetWebinarResponse:
        """GetWebinar."""
        raise self.unsupported(ops.GET_WEBINAR)

    async def create_webinar(
        self, call: Call, request: webinar_pb2.CreateWebinarRequest
    ) -> webinar_pb2.CreateWebinarResponse:
        """CreateWebinar."""
        raise self.unsupported(ops.CREATE_WEBINAR)

    async def update_webinar(
        self, call: Call, request: webinar_pb2.UpdateWebinarRequest
    ) -> webinar_pb2.UpdateWebinarResponse:
        """UpdateWebinar."""
        raise self.unsupported(ops.UPDATE_WEBINAR)

    async def delete_webinar(
        self, call: Call, request: webinar_pb2.DeleteWebinarRequest
    ) -> webinar_pb2.DeleteWebinarResponse:
        """DeleteWebinar."""
        raise self.unsupported(ops.DELETE_WEBINAR)

    async def list_webinar_registrants(
        self, call: Call, request: webinar_pb2.ListWebinarRegistrantsRequest
    ) -> webinar_pb2.ListWebinarRegistrantsResponse:
        """ListWebinarRegistrants."""
        raise self.unsupported(ops.LIST_WEBINAR_REGISTRANTS)

    async def create_webinar_registrant(
        self, call: Call, request: webinar_pb2.CreateWebinarRegistrantRequest
    ) -> webinar_pb2.CreateWebinarRegistrantResponse:
        """CreateWebinarRegistrant."""
        raise self.unsupported(ops.CREATE_WEBINAR_REGISTRANT)

    async def update_webinar_registrant_status(
        self, call: Call, request: webinar_pb2.UpdateWebinarRegistrantStatusRequest
    ) -> webinar_pb2.UpdateWebinarRegistrantStatusResponse:
        """UpdateWebinarRegistrantStatus."""
        raise self.unsupported(ops.UPDATE_WEBINAR_REGISTRANT_STATUS)

    async def list_rooms(
        self, call: Call, request: room_pb2.ListRoomsRequest
    ) -> room_pb2.ListRoomsResponse:
        """ListRooms."""
        raise self.unsupported(ops.LIST_ROOMS)

    async def get_room(
        self, call: Call, request: room_pb2.GetRoomRequest
    ) -> room_pb2.GetRoomResponse:
        """GetRoom."""
        raise self.unsupported(ops.GET_ROOM)

    async def list_locations(
        self, call: Call, request: location_pb2.ListLocationsRequest
    ) -> location_pb2.ListLocationsResponse:
        """ListLocations."""
        raise self.unsupported(ops.LIST_LOCATIONS)

    async def get_location(
        self, call: Call, request: location_pb2.GetLocationRequest
    ) -> location_pb2.GetLocationResponse:
        """GetLocation."""
        raise self.unsupported(ops.GET_LOCATION)
