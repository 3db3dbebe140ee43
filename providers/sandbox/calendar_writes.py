"""Making, changing and deleting calendars."""

from providers.core import timezones
from providers.core.errors import Kind, ProviderError
from providers.core.fields import apply, roots, take
from providers.sandbox import conferences
from providers.sandbox.agenda import Agenda
from providers.sandbox.world import World, check_etag
from ucal.v1 import calendar_pb2

WRITABLE = ("name", "description", "timezone", "color", "location")


def create_calendar(
    world: World, request: calendar_pb2.CreateCalendarRequest
) -> calendar_pb2.CreateCalendarResponse:
    """CreateCalendar; without a zone it gets the primary calendar's."""
    own_id = world.requests.id_for("calendar", request.request_id)
    if world.requests.repeats("calendar", own_id, request):
        return calendar_pb2.CreateCalendarResponse(calendar=world.made(world.calendars, own_id))
    calendar = calendar_pb2.Calendar(id=own_id, access_role=calendar_pb2.ACCESS_ROLE_OWNER)
    take(calendar, request.calendar, WRITABLE)
    calendar.timezone = calendar.timezone or world.agendas[world.primary_id].zone
    calendar.allowed_conference_kinds.extend(conferences.KINDS)
    calendar.default_conference_kind = conferences.MEET
    _check(calendar)
    world.save(world.calendars, calendar)
    world.agendas[own_id] = Agenda(calendar.timezone)
    world.requests.remember(own_id, request.request_id, request)
    return calendar_pb2.CreateCalendarResponse(calendar=calendar)


def update_calendar(
    world: World, request: calendar_pb2.UpdateCalendarRequest
) -> calendar_pb2.UpdateCalendarResponse:
    """UpdateCalendar.

    Raises:
        ProviderError: NOT_FOUND; CONFLICT; INVALID; FORBIDDEN for a calendar of somebody else.
    """
    own_id = world.calendar_id(request.id)
    calendar = world.calendars.get(own_id)
    check_etag(request.calendar.etag, calendar.etag)
    if calendar.access_role != calendar_pb2.ACCESS_ROLE_OWNER:
        raise ProviderError(Kind.FORBIDDEN, "this calendar belongs to somebody else")
    apply(calendar, request.calendar, request.update_mask.paths)
    _check(calendar)
    world.save(world.calendars, calendar)
    if "timezone" in roots(request.update_mask.paths):
        world.agendas[own_id].move_to_zone(calendar.timezone)
    return calendar_pb2.UpdateCalendarResponse(calendar=calendar)


def delete_calendar(
    world: World, request: calendar_pb2.DeleteCalendarRequest
) -> calendar_pb2.DeleteCalendarResponse:
    """DeleteCalendar, with its events; one of somebody else is unsubscribed from.

    Raises:
        ProviderError: NOT_FOUND; CONFLICT; PRECONDITION for the primary calendar.
    """
    own_id = world.primary_id if request.id == "primary" else request.id
    if request.allow_missing and own_id not in world.calendars:
        return calendar_pb2.DeleteCalendarResponse(already_absent=True)
    check_etag(request.etag, world.calendars.record(own_id).version)
    if own_id == world.primary_id:
        raise ProviderError(
            Kind.PRECONDITION,
            "the primary calendar cannot be deleted",
            reason="PRIMARY_CALENDAR",
        )
    world.drop_calendar(own_id)
    return calendar_pb2.DeleteCalendarResponse()


def _check(calendar: calendar_pb2.Calendar) -> None:
    if not calendar.name.strip():
        raise ProviderError.invalid("calendar.name", "is required")
    if timezones.iana_name(calendar.timezone) != calendar.timezone:
        raise ProviderError.invalid("calendar.timezone", "is no IANA time zone")
