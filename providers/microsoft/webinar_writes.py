"""Writing webinars: what is drafted, what belongs to it, publishing, canceling."""

from collections.abc import Iterable
from typing import Any

from providers.core.errors import Kind, ProviderError
from providers.core.http import quote
from providers.core.wire import decode
from providers.microsoft import event_times, forms, webinars
from providers.microsoft.api import Api
from providers.microsoft.webinars import EVENTS, ROOT, path_of
from providers.microsoft.wire_teams import Named, Presenters, Questions
from ucal.v1 import types_pb2, webinar_pb2

_GUEST = "#microsoft.graph.communicationsGuestIdentity"


def _body(webinar: webinar_pb2.Webinar, names: Iterable[str]) -> dict[str, Any]:
    """The webinar's own properties among `names`."""
    body: dict[str, Any] = {}
    for name in names:
        if name == "subject":
            body["displayName"] = webinar.subject
        elif name == "description":
            body["description"] = {"contentType": "text", "content": webinar.description}
        elif name == "start_at":
            body["startDateTime"] = event_times.dump_time(webinar.start_at, "webinar.start_at")
        elif name == "end_at":
            body["endDateTime"] = event_times.dump_time(webinar.end_at, "webinar.end_at")
        elif name == "is_registration_required":
            body["isRegistrationRequired"] = webinar.is_registration_required
    return body


async def create_webinar(
    api: Api, request: webinar_pb2.CreateWebinarRequest
) -> webinar_pb2.CreateWebinarResponse:
    """CreateWebinar: a draft, unless `is_published` is set. Everybody may register.

    Raises:
        ProviderError: CONFLICT CREATE_INCOMPLETE when the draft is there, and not all of it.
    """
    webinar = request.webinar
    names = [field.name for field, _ in webinar.ListFields()]
    if not webinar.subject:
        raise ProviderError.invalid("webinar.subject", "is required by Teams")
    webinars.refuse_times(webinar, names)
    body = {"audience": "everyone", **_body(webinar, names)}
    reply = await api.send("POST", ROOT, json=body)
    own_id = decode(reply, Named).id
    try:
        await _write_parts(api, own_id, webinar, names)
        if webinar.is_published:
            await api.send("POST", f"{EVENTS}/{quote(own_id)}/publish")
    except ProviderError as error:
        await _undo(api, own_id, error)
        raise
    answer = webinar_pb2.CreateWebinarResponse()
    await webinars.fill(api, answer.webinar, await webinars.read(api, own_id))
    answer.report.notifications = _told(answer.webinar)
    return answer


async def _undo(api: Api, own_id: str, cause: ProviderError) -> None:
    """Take the draft away again."""
    try:
        await api.send("DELETE", path_of(own_id), expect=(404,), retry_safe=True)
    except ProviderError:
        raise ProviderError(
            Kind.CONFLICT,
            "the webinar was drafted, and not all of it was written: look at it, or delete it",
            reason="CREATE_INCOMPLETE",
            metadata={**cause.metadata, "webinar_id": own_id},
        ) from None


def _told(webinar: webinar_pb2.Webinar) -> types_pb2.NotificationOutcome.ValueType:
    """Presenters are told when a webinar is published, and of what is changed after."""
    if webinar.is_published and webinar.panelists:
        return types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    return types_pb2.NOTIFICATION_OUTCOME_NONE


async def _write_parts(
    api: Api, own_id: str, webinar: webinar_pb2.Webinar, names: Iterable[str]
) -> None:
    """What is written apart."""
    wanted = set(names)
    if "capacity" in wanted:
        path = f"{path_of(own_id)}/registrationConfiguration"
        await api.send("PATCH", path, json={"capacity": webinar.capacity or None})
    if "registration_fields" in wanted:
        await _write_form(api, own_id, webinar)
    if "panelists" in wanted:
        await _write_presenters(api, own_id, webinar)


async def _write_presenters(api: Api, own_id: str, webinar: webinar_pb2.Webinar) -> None:
    """The list of presenters, by their addresses; who stays is left alone."""
    path = f"{path_of(own_id)}/presenters"
    found = decode(await api.send("GET", path), Presenters).value
    there = {(each.email or "").lower(): each for each in found}
    asked = {each.email.lower(): each for each in webinar.panelists}
    for address, each in there.items():
        if address not in asked:
            await api.send("DELETE", f"{path}/{quote(each.id)}", expect=(404,), retry_safe=True)
    for number, panelist in enumerate(webinar.panelists):
        if "@" not in panelist.email:
            raise ProviderError.invalid(
                f"webinar.panelists[{number}].email", "is no e-mail address"
            )
        if panelist.email.lower() not in there:
            person = {
                "@odata.type": _GUEST,
                "displayName": panelist.name or panelist.email,
                "email": panelist.email,
            }
            await api.send("POST", path, json={"email": panelist.email, "identity": person})


async def _write_form(api: Api, own_id: str, webinar: webinar_pb2.Webinar) -> None:
    """The fields of the form, by name; those that stay as they are, are left alone."""
    path = f"{path_of(own_id)}/registrationConfiguration/questions"
    found = decode(await api.send("GET", path), Questions).value
    asked = {each.label or each.name: each for each in webinar.registration_fields}
    kept = set()
    for question in found:
        name = forms.name_of(question)
        wanted = asked.get(name)
        if wanted is not None and wanted.is_required == bool(question.isRequired):
            kept.add(name)
        else:
            await api.send("DELETE", f"{path}/{quote(question.id)}", expect=(404,))
    for name, each in asked.items():
        if name not in kept:
            await api.send("POST", path, json=forms.dump_question(each))


async def update_webinar(
    api: Api, request: webinar_pb2.UpdateWebinarRequest
) -> webinar_pb2.UpdateWebinarResponse:
    """UpdateWebinar.

    Raises:
        ProviderError: PRECONDITION to take back a webinar that was published.
    """
    webinar, own_id = request.webinar, request.id
    names = list(dict.fromkeys(path.partition(".")[0] for path in request.update_mask.paths))
    webinars.refuse_times(webinar, names)
    current = await webinars.read(api, own_id)
    if current.get("status") == "canceled":
        raise webinars.not_there(own_id)
    published = current.get("status") == "published"
    if "is_published" in names and published and not webinar.is_published:
        raise ProviderError(
            Kind.PRECONDITION,
            "a webinar that was published stays so: cancel it instead",
            reason="PUBLISHED",
            violations=[("webinar.is_published", "cannot be taken back")],
        )
    body = _body(webinar, names)
    if body:
        await api.send("PATCH", path_of(own_id), json=body, resource=("webinar", own_id))
    await _write_parts(api, own_id, webinar, names)
    if "is_published" in names and webinar.is_published and not published:
        await api.send("POST", f"{EVENTS}/{quote(own_id)}/publish")
    answer = webinar_pb2.UpdateWebinarResponse()
    await webinars.fill(api, answer.webinar, await webinars.read(api, own_id))
    answer.report.notifications = _told(answer.webinar)
    return answer


async def delete_webinar(
    api: Api, request: webinar_pb2.DeleteWebinarRequest
) -> webinar_pb2.DeleteWebinarResponse:
    """DeleteWebinar: a published one is canceled, a draft is taken away."""
    answer = webinar_pb2.DeleteWebinarResponse()
    try:
        current = await webinars.read(api, request.id)
        if current.get("status") == "canceled":
            raise webinars.not_there(request.id)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
        return answer
    if current.get("status") == "published":
        await api.send("POST", f"{EVENTS}/{quote(request.id)}/cancel")
        suppressed = request.HasField("send_notifications") and not request.send_notifications
        answer.report.notifications = (
            types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE
            if suppressed
            else types_pb2.NOTIFICATION_OUTCOME_REQUESTED
        )
    else:
        await api.send("DELETE", path_of(request.id), resource=("webinar", request.id))
        answer.report.notifications = types_pb2.NOTIFICATION_OUTCOME_NONE
    return answer
