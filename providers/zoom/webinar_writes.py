"""Making, changing and deleting webinars, and who presents at them."""

from collections.abc import Iterable, Sequence

from providers.core import times
from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.zoom import events, meetings, retiming, series, series_writes, webinars
from providers.zoom.api import Api
from providers.zoom.event_writes import take_back
from providers.zoom.ids import MeetingId, meeting_id, plain_segment
from providers.zoom.retiming import Wish
from providers.zoom.series_writes import WEBINARS, Series, planned_series, settle
from providers.zoom.webinar_reads import fill_webinar, panelists_of
from providers.zoom.webinars import WEBINAR
from providers.zoom.wire import Meeting
from providers.zoom.zones import dump_zone
from ucal.v1 import types_pb2, webinar_pb2

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
    "password",
    "registration_fields",
    "approval_mode",
)
# Zoom takes so many panelists at a time.
_BATCH = 30
_SETTINGS = frozenset(
    {"approval_mode", "is_registration_required", "capacity", "is_q_and_a_enabled"}
)


async def create_webinar(
    api: Api, request: webinar_pb2.CreateWebinarRequest
) -> webinar_pb2.CreateWebinarResponse:
    """CreateWebinar. What cannot be made as a whole is taken back."""
    webinar = request.webinar
    body, wanted = _dump_webinar(api, webinar)
    user = await api.user(webinar.calendar_id)
    reply = await api.send("POST", f"users/{user}/webinars", json=body)
    found = decode(reply, Meeting)
    answer = webinar_pb2.CreateWebinarResponse()
    other = await _complete(api, webinar, found, wanted)
    await fill_webinar(api, answer.webinar, MeetingId(series.number(found)))
    if other:
        answer.report.coerced_fields.paths.append("recurrence")
    _note_coerced(answer.report, webinar, answer.webinar, frozenset(WRITABLE))
    answer.report.notifications = _told(webinar)
    return answer


def _told(webinar: webinar_pb2.Webinar) -> types_pb2.NotificationOutcome.ValueType:
    """Whom Zoom tells is the account's and the webinar's setting, not the call's."""
    if webinar.HasField("send_notifications") and not webinar.send_notifications:
        return types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE
    return types_pb2.NOTIFICATION_OUTCOME_UNSPECIFIED


def _dump_webinar(
    api: Api, webinar: webinar_pb2.Webinar
) -> tuple[dict[str, object], Series | None]:
    wish = Wish(
        webinar,
        frozenset({"start_at", "end_at", "subject", "description"}),
        WEBINARS,
        api.call.now(),
    )
    wish.check()
    start = webinar.start_at
    zone = dump_zone(start.time_zone, "webinar.start_at.time_zone") if start.time_zone else ""
    wanted = None
    if webinar.recurrence.rules:
        if not start.time_zone:
            raise ProviderError.invalid("webinar.start_at.time_zone", "a series needs a zone")
        wanted = planned_series(webinar.recurrence.rules, start, WEBINARS)
    begin = times.instant(start)
    series_writes.future(begin, wish.now, "webinar.start_at")
    body: dict[str, object] = {"type": WEBINARS.fixed if wanted else WEBINARS.once}
    local = wanted is not None
    body |= meetings.dump_start(start, zone, local=local, field="webinar.start_at")
    end = times.instant(webinar.end_at)
    body["duration"] = meetings.dump_minutes(begin, end, "webinar.end_at")
    body |= wish.texts()
    paths = frozenset(field.name for field, _ in webinar.ListFields())
    if paths & _SETTINGS:
        body["settings"] = webinars.dump_settings(webinar, paths)
    if webinar.password:
        body["password"] = webinars.dump_password(webinar.password)
    if wanted is not None:
        body["recurrence"] = wanted.body
    return body, wanted


async def _complete(
    api: Api, webinar: webinar_pb2.Webinar, found: Meeting, wanted: Series | None
) -> bool:
    """What takes further requests; whether occurrences became other ones than was asked."""
    path = f"webinars/{series.number(found)}"
    try:
        await _invite(api, path, webinar.panelists)
        if webinar.registration_fields:
            await api.send(
                "PATCH", f"{path}/registrants/questions", json=webinars.dump_questions(webinar)
            )
        if wanted is None:
            return False
        return (await settle(api, WEBINARS, found, wanted))[1]
    except ProviderError:
        await take_back(api, WEBINARS, series.number(found))
        raise


async def _invite(api: Api, path: str, panelists: Iterable[webinar_pb2.WebinarPanelist]) -> None:
    bodies = [{"name": p.name or p.email, "email": p.email} for p in panelists]
    for begin in range(0, len(bodies), _BATCH):
        await api.send(
            "POST", f"{path}/panelists", json={"panelists": bodies[begin : begin + _BATCH]}
        )


def _note_coerced(
    report: types_pb2.WriteReport,
    asked: webinar_pb2.Webinar,
    made: webinar_pb2.Webinar,
    roots: frozenset[str],
) -> None:
    names = report.coerced_fields.paths
    for name in ("start_at", "end_at"):
        if name in roots and not made.recurring_webinar_id:
            wanted, got = getattr(asked, name), getattr(made, name)
            renamed = name == "start_at" and wanted.time_zone not in ("", got.time_zone)
            if times.instant(wanted) != times.instant(got) or renamed:
                names.append(name)


# -- changing


async def update_webinar(
    api: Api, request: webinar_pb2.UpdateWebinarRequest
) -> webinar_pb2.UpdateWebinarResponse:
    """UpdateWebinar."""
    asked = meeting_id(request.id, WEBINAR)
    roots = frozenset(path.partition(".")[0] for path in request.update_mask.paths)
    wish = Wish(request.webinar, roots, WEBINARS, api.call.now())
    answer = webinar_pb2.UpdateWebinarResponse()
    async with api.one_at_a_time(asked.number):
        found, _ = await events.fetch(api, asked, path="webinars", resource=WEBINAR)
        recurring = series.kind(found) in series.FIXED
        series_writes.check_scope(asked, request.scope, recurring=recurring)
        if request.scope == types_pb2.UPDATE_SCOPE_THIS_INSTANCE and asked.occurrence:
            body = retiming.occurrence_body(wish, asked, found)
            if body:
                path = f"webinars/{asked.number}"
                await api.send("PATCH", path, params=asked.params, json=body)
        elif await _update_whole(api, wish, asked, found):
            answer.report.coerced_fields.paths.append("recurrence")
        await fill_webinar(api, answer.webinar, asked)
    _note_coerced(answer.report, request.webinar, answer.webinar, roots)
    answer.report.notifications = _told(request.webinar)
    return answer


async def _update_whole(api: Api, wish: Wish, asked: MeetingId, found: Meeting) -> bool:
    webinar, roots = wish.resource, wish.roots
    if not isinstance(webinar, webinar_pb2.Webinar):
        raise TypeError("not a webinar")
    path = f"webinars/{asked.number}"
    body = wish.texts()
    settings = webinars.dump_settings(webinar, roots)
    if settings:
        body["settings"] = settings
    if "password" in roots:
        body["password"] = webinars.dump_password(webinar.password)
    change = retiming.retiming(wish, found, asked)
    if change is not None:
        body |= change.body()
    if body:
        await api.send("PATCH", path, json=body)
    if "panelists" in roots:
        await _replace_panelists(api, path, webinar.panelists)
    if "registration_fields" in roots:
        questions = webinars.dump_questions(webinar)
        await api.send("PATCH", f"{path}/registrants/questions", json=questions)
    if change is None or change.wanted is None:
        return False
    number = MeetingId(asked.number)
    fresh, _ = await events.fetch(api, number, path="webinars", resource=WEBINAR)
    return (await settle(api, WEBINARS, fresh, change.wanted))[1] or change.loses


async def _replace_panelists(
    api: Api, path: str, wanted: Sequence[webinar_pb2.WebinarPanelist]
) -> None:
    """Invite who is new before anybody loses the link; who stays keeps it."""
    there = await panelists_of(api, path)
    known = {(p.email or "").lower(): p for p in there}
    names = {p.email.lower(): p.name for p in wanted}
    stays = {
        address
        for address, p in known.items()
        if address in names and names[address] in ("", p.name)
    }
    for address, panelist in known.items():
        if address in names and address not in stays:
            await _remove(api, path, panelist.id or "")
    await _invite(api, path, [p for p in wanted if p.email.lower() not in stays])
    for address, panelist in known.items():
        if address not in names:
            await _remove(api, path, panelist.id or "")


async def _remove(api: Api, path: str, panelist_id: str) -> None:
    await api.send("DELETE", f"{path}/panelists/{plain_segment(panelist_id, 'panelist')}")


# -- deleting


async def delete_webinar(
    api: Api, request: webinar_pb2.DeleteWebinarRequest
) -> webinar_pb2.DeleteWebinarResponse:
    """DeleteWebinar. Registrants are told when Zoom is asked to tell them."""
    answer = webinar_pb2.DeleteWebinarResponse()
    try:
        await _delete(api, request)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
        return answer
    if request.HasField("send_notifications"):
        answer.report.notifications = (
            types_pb2.NOTIFICATION_OUTCOME_REQUESTED
            if request.send_notifications
            else types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED
        )
    return answer


async def _delete(api: Api, request: webinar_pb2.DeleteWebinarRequest) -> None:
    asked = meeting_id(request.id, WEBINAR)
    whole = MeetingId(asked.number)
    found, _ = await events.fetch(api, whole, name=request.id, path="webinars", resource=WEBINAR)
    recurring = series.kind(found) in series.FIXED
    series_writes.check_scope(asked, request.scope, recurring=recurring)
    params: dict[str, str] = {}
    if request.HasField("send_notifications"):
        params["cancel_webinar_reminder"] = str(request.send_notifications).lower()
    if asked.occurrence:
        slot = events.occurrence(asked, found) if recurring else None
        if slot is None or slot.deleted:
            raise ProviderError.not_found(WEBINAR, request.id)
        if request.scope == types_pb2.UPDATE_SCOPE_THIS_INSTANCE:
            params |= asked.params
    async with api.one_at_a_time(asked.number):
        await api.send(
            "DELETE", f"webinars/{asked.number}", params=params, resource=(WEBINAR, request.id)
        )
