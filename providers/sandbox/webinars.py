"""Webinars: reading and writing them. A series of webinars is one object, written as a whole."""

import uuid

from providers.core import recurrence, times
from providers.core.errors import ProviderError
from providers.core.fields import apply, roots, take
from providers.sandbox import occurrences, raw
from providers.sandbox.agenda import Agenda
from providers.sandbox.registrants import PAGE_IN_WEBINAR
from providers.sandbox.store import Shelf
from providers.sandbox.world import World, check_etag
from ucal.v1 import event_pb2, types_pb2, webinar_pb2

WRITABLE = (
    "subject",
    "description",
    "start_at",
    "end_at",
    "panelists",
    "recurrence",
    "capacity",
    "is_registration_required",
    "is_q_and_a_enabled",
    "is_polling_enabled",
    "password",
    "registration_fields",
    "approval_mode",
    "is_published",
)
BASE_URL = "https://webinar.sandbox.example"

_NONE = types_pb2.NOTIFICATION_OUTCOME_NONE
_REQUESTED = types_pb2.NOTIFICATION_OUTCOME_REQUESTED
_SUPPRESSED = types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED


def list_webinars(
    world: World, request: webinar_pb2.ListWebinarsRequest
) -> webinar_pb2.ListWebinarsResponse:
    """ListWebinars: by start; a series stands at its first one."""
    low, high = occurrences.bounds(request.window)

    def keep(webinar: webinar_pb2.Webinar) -> bool:
        return _takes_place_in(webinar, low, high)

    frames, following = world.webinars.page(
        request.page_token, request.page_size, keep if request.HasField("window") else None
    )
    answer = webinar_pb2.ListWebinarsResponse.FromString(b"".join(frames))
    answer.next_page_token = following
    if request.include_raw:
        raw.fill(*answer.webinars)
    return answer


def _takes_place_in(webinar: webinar_pb2.Webinar, low: int, high: int) -> bool:
    """Whether `webinar`, or one of its series, overlaps [low, high)."""
    agenda = Agenda("UTC")
    event = event_pb2.Event(id=webinar.id, start_at=webinar.start_at, end_at=webinar.end_at)
    if webinar.HasField("recurrence"):
        event.recurrence.CopyFrom(webinar.recurrence)
    agenda.put(event)
    return bool(occurrences.unexpanded(agenda, low, high, lambda _: True))


def get_webinar(
    world: World, request: webinar_pb2.GetWebinarRequest
) -> webinar_pb2.GetWebinarResponse:
    """GetWebinar, with the first page of registrants."""
    answer = webinar_pb2.GetWebinarResponse.FromString(world.webinars.record(request.id).framed)
    for registrant in world.registrants_of(request.id):
        if len(answer.webinar.registrants) == PAGE_IN_WEBINAR:
            break
        answer.webinar.registrants.add().CopyFrom(registrant)
    if request.include_raw:
        raw.fill(answer.webinar)
    return answer


def create_webinar(
    world: World, request: webinar_pb2.CreateWebinarRequest
) -> webinar_pb2.CreateWebinarResponse:
    """CreateWebinar."""
    own_id = world.requests.id_for("webinar", request.request_id)
    if world.requests.repeats("webinar", own_id, request):
        return webinar_pb2.CreateWebinarResponse(webinar=world.made(world.webinars, own_id))
    webinar = webinar_pb2.Webinar(id=own_id, status=event_pb2.EVENT_STATUS_CONFIRMED)
    take(webinar, request.webinar, WRITABLE)
    if not webinar.HasField("is_registration_required"):
        webinar.is_registration_required = True
    if not webinar.approval_mode:
        webinar.approval_mode = webinar_pb2.APPROVAL_MODE_AUTOMATIC
    if not webinar.HasField("is_published"):
        webinar.is_published = True
    webinar.organizer.CopyFrom(world.account)
    webinar.join_url = f"{BASE_URL}/j/{own_id}"
    webinar.registration_url = f"{BASE_URL}/register/{own_id}"
    settle(webinar)
    world.save(world.webinars, webinar)
    world.registrants[own_id] = Shelf("registrant", webinar_pb2.WebinarRegistrant, by_time)
    world.requests.remember(own_id, request.request_id, request)
    answer = webinar_pb2.CreateWebinarResponse(webinar=webinar)
    answer.report.notifications = _outcome(request.webinar, told=bool(webinar.panelists))
    return answer


def update_webinar(
    world: World, request: webinar_pb2.UpdateWebinarRequest
) -> webinar_pb2.UpdateWebinarResponse:
    """UpdateWebinar."""
    record = world.webinars.record(request.id)
    webinar = world.webinars.get(request.id)
    _check_scope(webinar, request.scope)
    check_etag(request.webinar.etag, record.version)
    known = {panelist.email.lower(): panelist for panelist in record_panelists(webinar)}
    apply(webinar, request.webinar, request.update_mask.paths)
    if "panelists" in roots(request.update_mask.paths):
        _keep_panelists(webinar, known)
    settle(webinar)
    answer = webinar_pb2.UpdateWebinarResponse(webinar=world.save(world.webinars, webinar))
    told = bool(webinar.panelists or len(world.registrants[webinar.id]))
    answer.report.notifications = _outcome(request.webinar, told=told)
    return answer


def delete_webinar(
    world: World, request: webinar_pb2.DeleteWebinarRequest
) -> webinar_pb2.DeleteWebinarResponse:
    """DeleteWebinar, with its registrants."""
    if request.allow_missing and request.id not in world.webinars:
        return webinar_pb2.DeleteWebinarResponse(already_absent=True)
    record = world.webinars.record(request.id)
    webinar = world.webinars.get(request.id)
    _check_scope(webinar, request.scope)
    check_etag(request.etag, record.version)
    told = bool(webinar.panelists or len(world.registrants[webinar.id]))
    world.drop_webinar(request.id)
    answer = webinar_pb2.DeleteWebinarResponse()
    answer.report.notifications = _outcome(request, told=told)
    return answer


def by_time(registrant: webinar_pb2.WebinarRegistrant) -> int:
    """Registrants are listed in the order in which they came."""
    return registrant.created_at.ToMicroseconds()


def record_panelists(webinar: webinar_pb2.Webinar) -> list[webinar_pb2.WebinarPanelist]:
    """Copies of the panelists."""
    copies = []
    for panelist in webinar.panelists:
        copy = webinar_pb2.WebinarPanelist()
        copy.CopyFrom(panelist)
        copies.append(copy)
    return copies


def _keep_panelists(
    webinar: webinar_pb2.Webinar, known: dict[str, webinar_pb2.WebinarPanelist]
) -> None:
    """Those who were invited before keep id and link."""
    for panelist in webinar.panelists:
        before = known.get(panelist.email.lower())
        if before is not None:
            panelist.id, panelist.join_url, panelist.status = (
                before.id,
                before.join_url,
                before.status,
            )


def _check_scope(webinar: webinar_pb2.Webinar, scope: types_pb2.UpdateScope.ValueType) -> None:
    if not webinar.HasField("recurrence"):
        return
    if scope == types_pb2.UPDATE_SCOPE_UNSPECIFIED:
        raise ProviderError.invalid("scope", "is required for a webinar that recurs")
    if scope != types_pb2.UPDATE_SCOPE_ALL:
        raise ProviderError.invalid("scope", "a series of webinars is written as a whole: ALL")


def settle(webinar: webinar_pb2.Webinar) -> None:
    """Check the whole webinar and give panelists what they lack.

    Raises:
        ProviderError: INVALID, naming the field.
    """
    if not webinar.subject.strip():
        raise ProviderError.invalid("webinar.subject", "is required")
    for name in ("start_at", "end_at"):
        if not getattr(webinar, name).HasField("timestamp"):
            raise ProviderError.invalid(f"webinar.{name}", "must be an instant")
    if times.instant(webinar.end_at) <= times.instant(webinar.start_at):
        raise ProviderError.invalid("webinar.end_at", "must be after webinar.start_at")
    if webinar.HasField("recurrence"):
        if not webinar.start_at.time_zone:
            raise ProviderError.invalid(
                "webinar.start_at.time_zone", "is required beside recurrence"
            )
        recurrence.validate(
            webinar.recurrence.rules, webinar.start_at, field="webinar.recurrence.rules"
        )
        rules = list(webinar.recurrence.rules)
        webinar.recurrence.Clear()
        recurrence.fill(webinar.recurrence, rules, webinar.start_at)
    for index, panelist in enumerate(webinar.panelists):
        if not panelist.email:
            raise ProviderError.invalid(f"webinar.panelists[{index}].email", "is required")
        if not panelist.id:
            name = f"{webinar.id}\n{panelist.email.lower()}"
            panelist.id = uuid.uuid5(uuid.NAMESPACE_URL, name).hex[:16]
            panelist.join_url = f"{BASE_URL}/p/{panelist.id}"
            panelist.status = webinar_pb2.REGISTRANT_STATUS_APPROVED


def _outcome(
    request: webinar_pb2.Webinar | webinar_pb2.DeleteWebinarRequest, *, told: bool
) -> types_pb2.NotificationOutcome.ValueType:
    """Unless the caller says no, people are told; the sandbox only pretends to."""
    if not told:
        return _NONE
    silent = request.HasField("send_notifications") and not request.send_notifications
    return _SUPPRESSED if silent else _REQUESTED
