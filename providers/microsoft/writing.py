"""Writing events: create, PATCH, and what is told of a write. Series are cut in `splitting`."""

import asyncio
import uuid
from collections.abc import Iterable
from datetime import date

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.wire import decode
from providers.microsoft import drafts, event_times, instances, people, reading, tables, zones
from providers.microsoft.api import Api, calendar_path, event_path, text_literal
from providers.microsoft.calendars import read as read_calendar
from providers.microsoft.event_dump import Body, Draft
from providers.microsoft.wire import Calendar, DateTimeTimeZone, Event, Events
from ucal.v1 import event_pb2, types_pb2

# Seconds between two looks at a call that Teams is still making.
_CONFERENCE_WAITS = (0.3, 0.6, 1.2)
_SPACE = uuid.UUID("b7d3a0c4-6a3e-4f0a-8d55-0c1c5f6e9a21")


async def load(api: Api, calendar_id: str, event_id: str) -> Event:
    """Read an event that is to be written.

    Raises:
        ProviderError: NOT_FOUND.
    """
    return decode(await reading.read(api, calendar_id, event_id), Event)


def wish(event: event_pb2.Event) -> bool | None:
    """`send_notifications`, None when it is not set."""
    return event.send_notifications if event.HasField("send_notifications") else None


def outcome(asked: bool | None, guests: bool) -> types_pb2.NotificationOutcome.ValueType:
    """What became of notifications: Exchange always tells guests (P52)."""
    if not guests:
        return types_pb2.NOTIFICATION_OUTCOME_NONE
    if asked is False:
        return types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE
    return types_pb2.NOTIFICATION_OUTCOME_REQUESTED


def settle(report: types_pb2.WriteReport, draft: Draft) -> None:
    """Report what was lost or changed."""
    report.dropped_fields.paths.extend(dict.fromkeys(draft.dropped))
    report.coerced_fields.paths.extend(draft.coerced)


def refuse_if_strict(
    strict: bool, draft: Draft, event: event_pb2.Event, *, guests: bool = False
) -> None:
    """Refuse, where the caller wants that, what would be lost or changed.

    Raises:
        ProviderError: PRECONDITION.
    """
    if not strict:
        return
    lost = [*draft.dropped, *draft.coerced]
    zone = event.start_at.time_zone
    if "start" in draft.body and zone and (draft.zone == "UTC" != zone or not zones.survives(zone)):
        lost.append("start_at.time_zone")
    if guests and wish(event) is False:
        lost.append("send_notifications")
    if lost:
        raise ProviderError(
            Kind.PRECONDITION,
            f"Outlook cannot keep as they are: {', '.join(lost)}",
            reason="FIELDS_NOT_SUPPORTED",
            violations=[(f"event.{name}", "cannot be kept as it is") for name in lost],
        )


# -- create


async def create_event(
    api: Api, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent. With a request_id Exchange makes one event of however many attempts (P59)."""
    event = request.event
    calendar_id = event.calendar_id
    draft = await drafts.of_new(api, event)
    if request.request_id:
        draft.body["transactionId"] = transaction_of(api.connection_id, request.request_id)
    refuse_if_strict(request.strict, draft, event, guests=bool(draft.body.get("attendees")))
    reply = await _insert_with_call(api, request, calendar_id, draft)
    made = decode(reply, Event)
    if draft.plan is not None and draft.plan.skipped:
        await _skip(api, calendar_id, made, draft.plan.skipped)
    answer = event_pb2.CreateEventResponse()
    again = bool(event.metadata or (draft.plan is not None and draft.plan.skipped))
    await fill_written(api, answer.event, reply, calendar_id, again=again)
    _note(draft, event, answer.event)
    settle(answer.report, draft)
    answer.report.notifications = outcome(wish(event), people.has_guests(made))
    return answer


def transaction_of(connection_id: str, request_id: str) -> str:
    """The transactionId that stands for a request of a connection."""
    return str(uuid.uuid5(_SPACE, f"{connection_id}\n{request_id}"))


def _note(draft: Draft, asked: event_pb2.Event, kept: event_pb2.Event) -> None:
    """What came back otherwise than it was sent."""
    for name in zones.changed_times(asked, kept):
        draft.coerce(name)
    if draft.body.get("isOnlineMeeting") and not kept.has_conference:
        draft.dropped.append("conference")


async def _insert_with_call(
    api: Api, request: event_pb2.CreateEventRequest, calendar_id: str, draft: Draft
) -> Reply:
    """Insert; where the calendar allows no Teams call, without one, and report that (P57)."""
    try:
        return await _insert(api, request, calendar_id, draft.body)
    except ProviderError as error:
        if error.kind is not Kind.INVALID or "isOnlineMeeting" not in draft.body:
            raise
        if await _allows_teams(api, calendar_id):
            raise
    for name in ("isOnlineMeeting", "onlineMeetingProvider"):
        draft.body.pop(name)
    draft.dropped.append("conference")
    refuse_if_strict(request.strict, draft, request.event)
    return await _insert(api, request, calendar_id, draft.body)


async def _allows_teams(api: Api, calendar_id: str) -> bool:
    found = decode(await read_calendar(api, calendar_id), Calendar)
    word = tables.CONFERENCE_WORD[types_pb2.CONFERENCE_KIND_TEAMS]
    return word in (found.allowedOnlineMeetingProviders or ())


async def _insert(
    api: Api, request: event_pb2.CreateEventRequest, calendar_id: str, body: Body
) -> Reply:
    try:
        return await insert(api, calendar_id, body, repeatable=bool(request.request_id))
    except ProviderError as error:
        if error.kind is not Kind.ALREADY_EXISTS or not request.request_id:
            raise
        made = await made_before(api, calendar_id, body)
        if made is None:
            raise
        return await reading.read(api, calendar_id, made.id)


async def insert(api: Api, calendar_id: str, body: Body, *, repeatable: bool) -> Reply:
    """POST an event; once more with Windows' names where Exchange does not know IANA's."""
    path = f"{calendar_path(api, calendar_id)}/events"
    resource = ("calendar", calendar_id or "primary")
    try:
        return await api.send("POST", path, json=body, resource=resource, retry_safe=repeatable)
    except ProviderError as error:
        other = zones.to_windows(body) if error.reason == zones.NOT_SUPPORTED else None
        if other is None:
            raise
        return await api.send("POST", path, json=other, resource=resource, retry_safe=repeatable)


async def made_before(api: Api, calendar_id: str, body: Body) -> Event | None:
    """The event that an earlier attempt has made, found at its start by its transactionId."""
    start = body["start"]
    when = event_times.moment(DateTimeTimeZone(start["dateTime"], start["timeZone"]))
    at = text_literal(event_times.utc_text(when))
    reply = await api.send(
        "GET",
        f"{calendar_path(api, calendar_id)}/events",
        params={
            "$filter": f"start/dateTime ge {at} and start/dateTime le {at}",
            "$select": "id,transactionId",
            "$top": reading.DEFAULT_PAGE,
        },
    )
    found = decode(reply, Events).value
    return next((each for each in found if each.transactionId == body["transactionId"]), None)


async def _skip(api: Api, calendar_id: str, made: Event, days: Iterable[date]) -> None:
    """Cancel the occurrences that EXDATE names; without them the series is not what was asked.

    Raises:
        ProviderError: what stopped it; CONFLICT CREATE_INCOMPLETE when the series could not be
            taken back.
    """
    try:
        await cancel_days(api, calendar_id, made, days)
    except ProviderError as error:
        try:
            await remove(api, calendar_id, made.id)
        except ProviderError:
            raise ProviderError(
                Kind.CONFLICT,
                "the series was made, and not all its exceptions: look at it, or delete it",
                reason="CREATE_INCOMPLETE",
                metadata={**error.metadata, "event_id": made.id},
            ) from None
        raise


async def cancel_days(
    api: Api, calendar_id: str, master: Event, days: Iterable[date]
) -> list[date]:
    """Cancel occurrences by their planned days in the zone of the series.

    Returns:
        Days on which there was none.
    """
    wanted = sorted(days)
    if not wanted:
        return []
    zone, _ = event_times.zone_name(master, "")
    found = await instances.on_days(api, calendar_id, master.id, wanted, zone)
    for day in wanted:
        if day in found:
            await remove(api, calendar_id, found[day].id)
    return [day for day in wanted if day not in found]


async def remove(api: Api, calendar_id: str, event_id: str, etag: str = "") -> None:
    """DELETE; that it is gone already is no error."""
    path = event_path(api, calendar_id, event_id)
    await api.send("DELETE", path, etag=etag, expect=(404,), retry_safe=not etag)


# -- PATCH


async def patch(api: Api, calendar_id: str, event_id: str, body: Body, *, etag: str = "") -> Reply:
    """Write the fields of `body`; once more with Windows' names where IANA's are not known."""
    path, resource = event_path(api, calendar_id, event_id), ("event", event_id)
    try:
        return await api.send("PATCH", path, json=body, etag=etag, resource=resource)
    except ProviderError as error:
        other = zones.to_windows(body) if error.reason == zones.NOT_SUPPORTED else None
        if other is None:
            raise
        return await api.send("PATCH", path, json=other, etag=etag, resource=resource)


async def fill_written(
    api: Api,
    target: event_pb2.Event,
    reply: Reply,
    calendar_id: str,
    *,
    again: bool,
) -> Event:
    """The event after a write into `target`.

    Args:
        again: the answer of the write does not hold all that was written: read once more.
    """
    found = decode(reply, Event)
    if again:
        reply = await reading.read(api, calendar_id, found.id)
    elif found.isOnlineMeeting:
        reply = await _with_link(api, calendar_id, reply)
    return await reading.fill_event(api, target, reply, calendar_id)


async def _with_link(api: Api, calendar_id: str, reply: Reply) -> Reply:
    """Wait a moment for the call that Teams is making; PENDING is told when it takes longer."""
    for seconds in _CONFERENCE_WAITS:
        found = decode(reply, Event)
        if found.onlineMeeting is not None and found.onlineMeeting.joinUrl:
            break
        await asyncio.sleep(seconds)
        try:
            reply = await reading.read(api, calendar_id, found.id)
        except ProviderError:
            break  # the event is there, and that is what was asked for
    return reply
