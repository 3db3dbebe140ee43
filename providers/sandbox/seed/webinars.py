"""Webinars, with those who registered."""

from datetime import date, timedelta

from providers.core import times
from providers.sandbox import webinars
from providers.sandbox.seed import people
from providers.sandbox.seed.drafts import ZONE, local
from providers.sandbox.store import Shelf
from providers.sandbox.world import World
from ucal.v1 import event_pb2, webinar_pb2

UPCOMING = "webinar-upcoming"
SERIES = "webinar-series"
MANUAL = "webinar-manual"
PAST = "webinar-past"

_APPROVED = webinar_pb2.REGISTRANT_STATUS_APPROVED
_PENDING = webinar_pb2.REGISTRANT_STATUS_PENDING
_CANCELED = webinar_pb2.REGISTRANT_STATUS_CANCELED


def plant(world: World, monday: date) -> None:
    """Plant them around the week of `monday`."""
    upcoming = _webinar(UPCOMING, "One API for every calendar", monday + timedelta(days=10), 60)
    upcoming.capacity, upcoming.password = 100, "sandbox"
    upcoming.is_q_and_a_enabled = upcoming.is_polling_enabled = True
    upcoming.registration_fields.add(name="company", is_required=True, label="Company")
    upcoming.registration_fields.add(name="question", label="What would you like to hear?")
    upcoming.tracking_urls["newsletter"] = f"{webinars.BASE_URL}/t/newsletter"
    _keep(world, upcoming)
    _register(world, UPCOMING, 60, _APPROVED, company="Example Ltd")

    series = _webinar(SERIES, "Office hours", monday - timedelta(days=19), 45)
    series.recurrence.rules.append("RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=20")
    _keep(world, series)
    _register(world, SERIES, 8, _APPROVED)

    manual = _webinar(MANUAL, "Partner briefing", monday + timedelta(days=16), 90)
    manual.approval_mode = webinar_pb2.APPROVAL_MODE_MANUAL
    manual.capacity = 5
    manual.is_published = False
    _keep(world, manual)
    _register(world, MANUAL, 3, _PENDING)

    past = _webinar(PAST, "Time zones, explained", monday - timedelta(days=12), 50)
    past.has_recording = True
    _keep(world, past)
    _register(world, PAST, 12, _APPROVED)
    gone = world.registrants[PAST].get("webinar-past-r1")
    gone.status, gone.join_url = _CANCELED, ""
    world.save(world.registrants[PAST], gone)


def _webinar(own_id: str, subject: str, day: date, minutes: int) -> webinar_pb2.Webinar:
    webinar = webinar_pb2.Webinar(id=own_id, subject=subject)
    webinar.status = event_pb2.EVENT_STATUS_CONFIRMED
    start = local(day, "17:00")
    times.set_instant(webinar.start_at, start, ZONE)
    times.set_instant(webinar.end_at, start + timedelta(minutes=minutes), ZONE)
    webinar.description = f"{subject}: {minutes} minutes with Robin Sand and Priya Nair."
    webinar.join_url = f"{webinars.BASE_URL}/j/{own_id}"
    webinar.registration_url = f"{webinars.BASE_URL}/register/{own_id}"
    webinar.is_registration_required = webinar.is_published = True
    webinar.approval_mode = webinar_pb2.APPROVAL_MODE_AUTOMATIC
    webinar.panelists.add(name=people.PRIYA.name, email=people.PRIYA.email)
    return webinar


def _keep(world: World, webinar: webinar_pb2.Webinar) -> None:
    webinar.organizer.CopyFrom(world.account)
    webinars.settle(webinar)
    world.registrants[webinar.id] = Shelf(
        "registrant", webinar_pb2.WebinarRegistrant, webinars.by_time
    )
    world.save(world.webinars, webinar)


def _register(
    world: World,
    webinar_id: str,
    count: int,
    status: webinar_pb2.RegistrantStatus.ValueType,
    company: str = "",
) -> None:
    for number in range(1, count + 1):
        registrant = webinar_pb2.WebinarRegistrant(id=f"{webinar_id}-r{number}", status=status)
        registrant.name = f"Guest {number}"
        registrant.email = f"guest{number}@example.net"
        registrant.created_at.FromDatetime(world.now + timedelta(minutes=number))
        if company:
            registrant.answers["company"] = company
        if status == _APPROVED:
            registrant.join_url = f"{webinars.BASE_URL}/r/{registrant.id}"
        world.save(world.registrants[webinar_id], registrant)
