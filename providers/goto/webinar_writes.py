"""Making, changing and canceling webinars."""

from collections.abc import Mapping

from providers.core import timezones
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.wire import decode
from providers.goto import sequences, webinar_parse, webinars
from providers.goto.api import Api, convert, rows, segment, text
from providers.goto.moments import coerced, instant
from providers.goto.sequences import Span
from providers.goto.webinar_parse import WEBINAR
from providers.goto.wire import Json, Made, Panelist, Webinar
from ucal.v1 import types_pb2, webinar_pb2

WRITABLE_ON_CREATE = (*webinar_parse.WRITABLE, "recurrence", "panelists")
_TIMES = ("start_at", "end_at")
_ALL = types_pb2.UPDATE_SCOPE_ALL
_OUTCOME: Mapping[bool | None, types_pb2.NotificationOutcome.ValueType] = {
    True: types_pb2.NOTIFICATION_OUTCOME_REQUESTED,
    False: types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED,
    None: types_pb2.NOTIFICATION_OUTCOME_UNSPECIFIED,
}


async def create_webinar(
    api: Api, request: webinar_pb2.CreateWebinarRequest
) -> webinar_pb2.CreateWebinarResponse:
    """CreateWebinar. Panelists are invited by a request of their own."""
    sent = request.webinar
    body = _new(sent)
    panelists = [_panelist(each, n) for n, each in enumerate(sent.panelists)]
    await api.calendar(sent.calendar_id)
    path = await api.webinars()
    key = text(decode(await api.send("POST", path, json=body), Made).webinarKey)
    invited = await _invite(api, f"{path}/{key}", key, panelists) if panelists else []
    answer = webinar_pb2.CreateWebinarResponse()
    await _show(api, answer.webinar, key, body)
    for panelist in invited:
        webinar_parse.parse_panelist(answer.webinar.panelists.add(), panelist)
    _report(answer.report, sent, _TIMES, body["timeZone"])
    answer.report.notifications = (
        types_pb2.NOTIFICATION_OUTCOME_REQUESTED
        if panelists
        else types_pb2.NOTIFICATION_OUTCOME_NONE
    )
    return answer


def _new(sent: webinar_pb2.Webinar) -> Json:
    span = _span(sent)
    zone = sent.start_at.time_zone or "UTC"
    body: Json = {
        "subject": webinar_parse.checked("subject", sent.subject),
        "description": webinar_parse.checked("description", sent.description),
        "times": [webinar_parse.dump_session(span)],
        "timeZone": timezones.iana_name(zone) or zone,
        "type": "single_session",
        "isPasswordProtected": False,
        "experienceType": "CLASSIC",
    }
    if sent.recurrence.rules:
        body |= sequences.dump(sent.recurrence.rules, span, body["timeZone"])
    return body


def _span(sent: webinar_pb2.Webinar) -> Span:
    start = instant(sent.start_at, "webinar.start_at")
    end = instant(sent.end_at, "webinar.end_at")
    if end <= start:
        raise ProviderError.invalid("webinar.end_at", "the webinar would end before it starts")
    return start, end


def _panelist(sent: webinar_pb2.WebinarPanelist, number: int) -> Json:
    if not sent.email:
        raise ProviderError.invalid(f"webinar.panelists[{number}].email", "is required by GoTo")
    return {"name": sent.name or sent.email, "email": sent.email}


async def _invite(api: Api, path: str, key: str, panelists: list[Json]) -> list[Panelist]:
    """Invite panelists to the webinar that was just made; without them it is taken back.

    Raises:
        ProviderError: that of inviting; CONFLICT with reason WEBINAR_WITHOUT_PANELISTS and the
            webinar's id, when it could not be taken back.
    """
    try:
        found = rows(await api.send("POST", f"{path}/panelists", json=panelists))
    except ProviderError as error:
        if error.kind is Kind.OUTCOME_UNKNOWN:
            raise _half_made(key) from None
        try:
            await api.send("DELETE", path, params={"sendCancellationEmails": "false"})
        except ProviderError:
            raise _half_made(key) from None
        raise
    return [convert(raw, Panelist) for raw in found]


def _half_made(key: str) -> ProviderError:
    return ProviderError(
        Kind.CONFLICT,
        "the webinar is there, whether its panelists are is not known: read it before going on",
        reason="WEBINAR_WITHOUT_PANELISTS",
        metadata={"webinar_id": key},
    )


async def _show(api: Api, target: webinar_pb2.Webinar, key: str, body: Json) -> None:
    """The webinar as GoTo has it now; as it was sent, when that cannot be read."""
    own, _ = await api.keys()
    try:
        found, _ = await webinars.fetch(api, key)
    except ProviderError:
        found = convert({**body, "webinarKey": key}, Webinar)
    webinar_parse.parse(target, found, api.call.connection_id, own, None)


def _report(
    report: types_pb2.WriteReport, sent: webinar_pb2.Webinar, names: tuple[str, ...], zone: str
) -> None:
    """GoTo keeps instants to the second, and one zone for both."""
    report.coerced_fields.paths.extend(n for n in names if coerced(getattr(sent, n), zone))


async def update_webinar(
    api: Api, request: webinar_pb2.UpdateWebinarRequest
) -> webinar_pb2.UpdateWebinarResponse:
    """UpdateWebinar: GoTo replaces the whole definition, so it is read, changed and written."""
    found, _ = await webinars.fetch(api, request.id)
    _check_scope(found, request.scope)
    body = webinar_parse.dump_whole(found)
    paths = {path.partition(".")[0] for path in request.update_mask.paths}
    _change(body, request.webinar, paths, found)
    path = f"{await api.webinars()}/{segment(WEBINAR, request.id)}"
    sent = request.webinar
    told = sent.send_notifications if sent.HasField("send_notifications") else None
    params = {} if told is None else {"notifyParticipants": str(told).lower()}
    await api.send("PUT", path, params=params, json=body, resource=(WEBINAR, request.id))
    answer = webinar_pb2.UpdateWebinarResponse()
    own, _ = await api.keys()
    changed = convert({**body, "webinarKey": request.id}, Webinar)
    for name in ("organizerEmail", "organizerName", "registrationUrl", "registrationLimit"):
        setattr(changed, name, getattr(found, name))
    changed.type, changed.experienceType = found.type, found.experienceType
    webinar_parse.parse(answer.webinar, changed, api.call.connection_id, own, None)
    names = tuple(name for name in _TIMES if name in paths)
    _report(answer.report, sent, names, body.get("timeZone", ""))
    answer.report.notifications = _OUTCOME[told]
    return answer


def _change(body: Json, sent: webinar_pb2.Webinar, paths: set[str], found: Webinar) -> None:
    for name in ("subject", "description"):
        if name in paths:
            body[name] = webinar_parse.checked(name, getattr(sent, name))
    names = [name for name in _TIMES if name in paths]
    if not names:
        return
    planned = webinar_parse.spans(found.times)
    if len(planned) > 1:
        raise ProviderError.invalid(
            f"webinar.{names[0]}", "sessions of a sequence cannot be moved through this service"
        )
    start, end = planned[0]
    if "start_at" in paths:
        start = instant(sent.start_at, "webinar.start_at")
        if sent.start_at.time_zone:
            body["timeZone"] = timezones.iana_name(sent.start_at.time_zone) or "UTC"
    if "end_at" in paths:
        end = instant(sent.end_at, "webinar.end_at")
    if end <= start:
        raise ProviderError.invalid("webinar.end_at", "the webinar would end before it starts")
    body["times"] = [webinar_parse.dump_session((start, end))]


def _check_scope(found: Webinar, scope: types_pb2.UpdateScope.ValueType) -> None:
    if len(found.times or ()) > 1 and scope != _ALL:
        raise ProviderError.invalid("scope", "a sequence is changed or canceled as a whole: ALL")


async def delete_webinar(
    api: Api, request: webinar_pb2.DeleteWebinarRequest
) -> webinar_pb2.DeleteWebinarResponse:
    """DeleteWebinar. The webinar is read first: a sequence goes as a whole."""
    answer = webinar_pb2.DeleteWebinarResponse()
    # GoTo tells nobody of a cancellation unless it is asked to.
    told = request.send_notifications
    answer.report.notifications = _OUTCOME[told]
    try:
        found, _ = await webinars.fetch(api, request.id)
        _check_scope(found, request.scope)
        reply = await api.send(
            "DELETE",
            f"{await api.webinars()}/{segment(WEBINAR, request.id)}",
            params={"sendCancellationEmails": str(told).lower(), "deleteAll": "true"},
            expect=(409,),
            resource=(WEBINAR, request.id),
        )
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
        answer.report.notifications = types_pb2.NOTIFICATION_OUTCOME_NONE
        return answer
    _check_over(reply)
    return answer


def _check_over(reply: Reply) -> None:
    if reply.status == 409:
        raise ProviderError(
            Kind.PRECONDITION,
            "the webinar is in session: GoTo cancels it afterwards only",
            reason="IN_SESSION",
        )
