"""Google Calendar API v3 as Google spells it, reduced to what is read. No mapping lives here.

Reference: developers.google.com/workspace/calendar/api/v3/reference, discovery document
calendar:v3 revision 20261030. Booleans that have their default are left out by Google; words that
an enumeration may grow are plain text.
"""

from typing import Annotated, Any

import msgspec

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


class EventDateTime(msgspec.Struct, gc=False):
    """events#start: a `date`, or a `dateTime` with an offset, or one without beside `timeZone`."""

    date: str | None = None
    dateTime: str | None = None
    timeZone: str | None = None


class EventPerson(msgspec.Struct, gc=False):
    """events#organizer, events#creator."""

    email: str = ""
    displayName: str = ""
    self: bool = False


class EventAttendee(msgspec.Struct, gc=False):
    """events#attendees."""

    email: str = ""
    displayName: str = ""
    responseStatus: str = ""
    comment: str = ""
    optional: bool = False
    organizer: bool = False
    self: bool = False
    resource: bool = False
    additionalGuests: Int32 = 0


class EventAttachment(msgspec.Struct, gc=False):
    """events#attachments."""

    fileId: str = ""
    fileUrl: str = ""
    title: str = ""
    mimeType: str = ""


class EventReminder(msgspec.Struct, gc=False):
    """events#reminders.overrides."""

    method: str = ""
    minutes: Int32 = 0


class EventReminders(msgspec.Struct, gc=False):
    """events#reminders."""

    useDefault: bool = False
    overrides: list[EventReminder] = []


class EntryPoint(msgspec.Struct, gc=False):
    """events#conferenceData.entryPoints."""

    entryPointType: str = ""
    uri: str = ""
    label: str = ""
    pin: str = ""
    regionCode: str = ""
    accessCode: str = ""
    meetingCode: str = ""
    passcode: str = ""
    password: str = ""


class ConferenceSolutionKey(msgspec.Struct, gc=False):
    """events#conferenceData.conferenceSolution.key."""

    type: str = ""


class ConferenceSolution(msgspec.Struct, gc=False):
    """events#conferenceData.conferenceSolution."""

    key: ConferenceSolutionKey | None = None
    name: str = ""


class ConferenceRequestStatus(msgspec.Struct, gc=False):
    """events#conferenceData.createRequest.status: "pending", "success", "failure"."""

    statusCode: str = ""


class CreateConferenceRequest(msgspec.Struct, gc=False):
    """events#conferenceData.createRequest."""

    requestId: str = ""
    conferenceSolutionKey: ConferenceSolutionKey | None = None
    status: ConferenceRequestStatus | None = None


class ConferenceData(msgspec.Struct, gc=False):
    """events#conferenceData."""

    conferenceId: str = ""
    conferenceSolution: ConferenceSolution | None = None
    createRequest: CreateConferenceRequest | None = None
    entryPoints: list[EntryPoint] = []
    notes: str = ""


class ExtendedProperties(msgspec.Struct, gc=False):
    """events#extendedProperties."""

    private: dict[str, str] = {}
    shared: dict[str, str] = {}


class Event(msgspec.Struct, gc=False):
    """Resource of events: a single event, a series, or an instance; a stub when cancelled."""

    id: str
    etag: str = ""
    status: str = ""
    htmlLink: str = ""
    created: str = ""
    updated: str = ""
    summary: str = ""
    description: str = ""
    location: str = ""
    colorId: str = ""
    creator: EventPerson | None = None
    organizer: EventPerson | None = None
    start: EventDateTime | None = None
    end: EventDateTime | None = None
    recurrence: list[str] = []
    recurringEventId: str = ""
    originalStartTime: EventDateTime | None = None
    transparency: str = ""
    visibility: str = ""
    iCalUID: str = ""
    sequence: Int32 = 0
    attendees: list[EventAttendee] = []
    attendeesOmitted: bool = False
    extendedProperties: ExtendedProperties | None = None
    hangoutLink: str = ""
    conferenceData: ConferenceData | None = None
    reminders: EventReminders | None = None
    attachments: list[EventAttachment] = []
    eventType: str = ""


class Events(msgspec.Struct, gc=False):
    """Answer of events.list and events.instances."""

    items: list[Event] = []
    nextPageToken: str = ""
    nextSyncToken: str = ""
    timeZone: str = ""


class RawEvents(msgspec.Struct, gc=False):
    """The same, with events as they came."""

    items: list[dict[str, Any]] = []
    nextPageToken: str = ""
    nextSyncToken: str = ""
    timeZone: str = ""


class ConferenceProperties(msgspec.Struct, gc=False):
    """calendarList#conferenceProperties."""

    allowedConferenceSolutionTypes: list[str] = []


class CalendarListEntry(msgspec.Struct, gc=False):
    """Resource of calendarList: a calendar as this user sees it."""

    id: str
    etag: str = ""
    summary: str = ""
    summaryOverride: str = ""
    description: str = ""
    location: str = ""
    timeZone: str = ""
    backgroundColor: str = ""
    accessRole: str = ""
    primary: bool = False
    deleted: bool = False
    hidden: bool = False
    conferenceProperties: ConferenceProperties | None = None


class CalendarList(msgspec.Struct, gc=False):
    """Answer of calendarList.list."""

    items: list[CalendarListEntry] = []
    nextPageToken: str = ""
    nextSyncToken: str = ""


class RawCalendarList(msgspec.Struct, gc=False):
    """The same, with entries as they came."""

    items: list[dict[str, Any]] = []
    nextPageToken: str = ""
    nextSyncToken: str = ""


class Calendar(msgspec.Struct, gc=False):
    """Resource of calendars: the calendar that all its users share."""

    id: str


class TimePeriod(msgspec.Struct, gc=False):
    """freebusy#calendars.(key).busy."""

    start: str
    end: str


class FreeBusyError(msgspec.Struct, gc=False):
    """freebusy#calendars.(key).errors."""

    reason: str = ""


class FreeBusyCalendar(msgspec.Struct, gc=False):
    """freebusy#calendars.(key)."""

    busy: list[TimePeriod] = []
    errors: list[FreeBusyError] = []


class FreeBusyResponse(msgspec.Struct, gc=False):
    """Answer of freebusy.query."""

    calendars: dict[str, FreeBusyCalendar] = {}


class Channel(msgspec.Struct, gc=False):
    """Answer of events.watch; `expiration` is Unix milliseconds as text."""

    id: str
    resourceId: str
    expiration: str = ""


class ErrorItem(msgspec.Struct, gc=False):
    """One of error.errors, the form of older front ends."""

    domain: str = ""
    reason: str = ""


class ErrorDetail(msgspec.Struct, gc=False):
    """One of error.details, google.rpc.ErrorInfo in the form of newer front ends."""

    reason: str = ""


class ErrorBody(msgspec.Struct, gc=False):
    """The inside of an error's body."""

    errors: list[ErrorItem] = []
    status: str = ""
    details: list[ErrorDetail] = []


class ErrorAnswer(msgspec.Struct, gc=False):
    """Body of an error, in both forms."""

    error: ErrorBody
