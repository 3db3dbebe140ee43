"""Calendars and events as Microsoft Graph v1.0 spells them, reduced to what is read. No mapping.

Reference: learn.microsoft.com/graph/api/resources/{calendar,event,...}, metadata of 2026-08-20.
Graph writes null for what is not set; words that an enumeration may grow are plain text.
"""

from typing import Any

import msgspec


class DateTimeTimeZone(msgspec.Struct, gc=False):
    """resources/datetimetimezone: wall time with seven digits of fraction, without an offset."""

    dateTime: str | None = None
    timeZone: str | None = None


class EmailAddress(msgspec.Struct, gc=False):
    """resources/emailaddress."""

    name: str | None = None
    address: str | None = None


class Recipient(msgspec.Struct, gc=False):
    """resources/recipient."""

    emailAddress: EmailAddress | None = None


class ResponseStatus(msgspec.Struct, gc=False):
    """resources/responsestatus; a time of the year 1 means that there is none (P72)."""

    response: str | None = None
    time: str | None = None


class Attendee(msgspec.Struct, gc=False):
    """resources/attendee."""

    emailAddress: EmailAddress | None = None
    type: str | None = None
    status: ResponseStatus | None = None


class ItemBody(msgspec.Struct, gc=False):
    """resources/itembody."""

    contentType: str | None = None
    content: str | None = None


class Location(msgspec.Struct, gc=False):
    """resources/location."""

    displayName: str | None = None
    locationEmailAddress: str | None = None


class RecurrencePattern(msgspec.Struct, gc=False):
    """resources/recurrencepattern."""

    type: str | None = None
    interval: int | None = None
    month: int | None = None
    dayOfMonth: int | None = None
    daysOfWeek: list[str] | None = None
    firstDayOfWeek: str | None = None
    index: str | None = None


class RecurrenceRange(msgspec.Struct, gc=False):
    """resources/recurrencerange."""

    type: str | None = None
    startDate: str | None = None
    endDate: str | None = None
    recurrenceTimeZone: str | None = None
    numberOfOccurrences: int | None = None


class PatternedRecurrence(msgspec.Struct, gc=False):
    """resources/patternedrecurrence."""

    pattern: RecurrencePattern | None = None
    range: RecurrenceRange | None = None


class Phone(msgspec.Struct, gc=False):
    """resources/phone."""

    number: str | None = None
    region: str | None = None
    type: str | None = None


class OnlineMeetingInfo(msgspec.Struct, gc=False):
    """resources/onlinemeetinginfo."""

    joinUrl: str | None = None
    conferenceId: str | None = None
    quickDial: str | None = None
    tollNumber: str | None = None
    tollFreeNumbers: list[str] | None = None
    phones: list[Phone] | None = None


class ExtendedProperty(msgspec.Struct, gc=False):
    """resources/singlevaluelegacyextendedproperty."""

    id: str | None = None
    value: str | None = None


class Attachment(msgspec.Struct, gc=False):
    """resources/attachment: a file, an item or a reference to a file in a cloud drive."""

    id: str | None = None
    name: str | None = None
    contentType: str | None = None
    size: int | None = None


class Removed(msgspec.Struct, gc=False):
    """Why an object is left out from now on (learn.microsoft.com/graph/delta-query-overview)."""

    reason: str | None = None


class Event(msgspec.Struct, gc=False):
    """resources/event: a single event, a series, an occurrence, or an exception.

    A delta may send `id` and `@removed` alone, or an occurrence with few fields.
    """

    id: str
    etag: str = msgspec.field(default="", name="@odata.etag")
    removed: Removed | None = msgspec.field(default=None, name="@removed")
    createdDateTime: str | None = None
    lastModifiedDateTime: str | None = None
    subject: str | None = None
    body: ItemBody | None = None
    start: DateTimeTimeZone | None = None
    end: DateTimeTimeZone | None = None
    originalStartTimeZone: str | None = None
    originalStart: str | None = None
    location: Location | None = None
    attendees: list[Attendee] | None = None
    organizer: Recipient | None = None
    isOrganizer: bool | None = None
    responseStatus: ResponseStatus | None = None
    recurrence: PatternedRecurrence | None = None
    seriesMasterId: str | None = None
    type: str | None = None
    isAllDay: bool | None = None
    isCancelled: bool | None = None
    showAs: str | None = None
    sensitivity: str | None = None
    categories: list[str] | None = None
    isReminderOn: bool | None = None
    reminderMinutesBeforeStart: int | None = None
    hasAttachments: bool | None = None
    attachments: list[Attachment] | None = None
    isOnlineMeeting: bool | None = None
    onlineMeetingProvider: str | None = None
    onlineMeetingUrl: str | None = None
    onlineMeeting: OnlineMeetingInfo | None = None
    allowNewTimeProposals: bool | None = None
    transactionId: str | None = None
    iCalUId: str | None = None
    webLink: str | None = None
    singleValueExtendedProperties: list[ExtendedProperty] | None = None
    cancelledOccurrences: list[str] | None = None
    exceptionOccurrences: list["Event"] | None = None


class Events(msgspec.Struct, gc=False):
    """A page of events, or of a round of changes."""

    value: list[Event] = []
    nextLink: str = msgspec.field(default="", name="@odata.nextLink")
    deltaLink: str = msgspec.field(default="", name="@odata.deltaLink")


class RawPage(msgspec.Struct, gc=False):
    """A page of whatever, objects as they came."""

    value: list[dict[str, Any]] = []
    nextLink: str = msgspec.field(default="", name="@odata.nextLink")
    deltaLink: str = msgspec.field(default="", name="@odata.deltaLink")


class Calendar(msgspec.Struct, gc=False):
    """resources/calendar."""

    id: str
    name: str | None = None
    color: str | None = None
    hexColor: str | None = None
    isDefaultCalendar: bool | None = None
    canEdit: bool | None = None
    canShare: bool | None = None
    canViewPrivateItems: bool | None = None
    isRemovable: bool | None = None
    allowedOnlineMeetingProviders: list[str] | None = None
    defaultOnlineMeetingProvider: str | None = None
    owner: EmailAddress | None = None


class TimeZoneAnswer(msgspec.Struct, gc=False):
    """`mailboxSettings/timeZone`: one name (api/user-get-mailboxsettings)."""

    value: str = ""


class TimeZoneName(msgspec.Struct, gc=False):
    """resources/timezoneinformation."""

    alias: str = ""


class TimeZoneNames(msgspec.Struct, gc=False):
    """api/outlookuser-supportedtimezones."""

    value: list[TimeZoneName] = []


class ScheduleItem(msgspec.Struct, gc=False):
    """resources/scheduleitem. It has no id."""

    status: str | None = None
    subject: str | None = None
    start: DateTimeTimeZone | None = None
    end: DateTimeTimeZone | None = None


class FreeBusyError(msgspec.Struct, gc=False):
    """resources/freebusyerror: why one schedule cannot be told, inside a success."""

    responseCode: str | None = None


class WorkingHoursZone(msgspec.Struct, gc=False):
    """resources/timezonebase."""

    name: str | None = None


class WorkingHours(msgspec.Struct, gc=False):
    """resources/workinghours."""

    timeZone: WorkingHoursZone | None = None


class ScheduleInformation(msgspec.Struct, gc=False):
    """resources/scheduleinformation."""

    scheduleId: str = ""
    scheduleItems: list[ScheduleItem] | None = None
    error: FreeBusyError | None = None
    workingHours: WorkingHours | None = None


class Schedules(msgspec.Struct, gc=False):
    """Answer of api/calendar-getschedule."""

    value: list[ScheduleInformation] = []
