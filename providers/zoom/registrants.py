"""Registrants of webinars: lists, registrations, approvals.

developers.zoom.us/docs/api, operations webinarRegistrants, webinarRegistrantCreate,
webinarRegistrantStatus. The list holds one status at a time; without a wish all of them are walked.
"""

from collections.abc import Mapping

from providers.core import times
from providers.core.errors import Kind, ProviderError
from providers.zoom import series
from providers.zoom.api import MAX_PAGE, Api, items, read
from providers.zoom.ids import MeetingId, meeting_id, plain_segment
from providers.zoom.webinars import FORM_FIELDS, WEBINAR
from providers.zoom.wire import Registrant
from ucal.v1 import webinar_pb2

DEFAULT_PAGE = 100
STATUSES: Mapping[str, webinar_pb2.RegistrantStatus.ValueType] = {
    "pending": webinar_pb2.REGISTRANT_STATUS_PENDING,
    "approved": webinar_pb2.REGISTRANT_STATUS_APPROVED,
    "denied": webinar_pb2.REGISTRANT_STATUS_DENIED,
}
_WORDS = {status: word for word, status in STATUSES.items()}
_ACTIONS = {
    webinar_pb2.REGISTRANT_STATUS_APPROVED: "approve",
    webinar_pb2.REGISTRANT_STATUS_DENIED: "deny",
    webinar_pb2.REGISTRANT_STATUS_CANCELED: "cancel",
}
WRITABLE = ("name", "email", "answers")
_MAX_NAME = 64
_MAX_ADDRESS = 128
_MAX_ANSWER = 128


def parse_registrant(target: webinar_pb2.WebinarRegistrant, found: Registrant, raw: object) -> None:
    """Write a registrant; `raw` is what it came as, for the fields of the form."""
    target.id = str(found.id or found.registrant_id or "")
    target.name = " ".join(filter(None, (found.first_name, found.last_name)))
    target.email = found.email or ""
    target.status = STATUSES.get(
        (found.status or "").lower(), webinar_pb2.REGISTRANT_STATUS_UNSPECIFIED
    )
    target.join_url = found.join_url or ""
    created = series.instant(found.create_time)
    if created is not None:
        times.timestamp(target.created_at, created)
    if isinstance(raw, dict):
        for name in FORM_FIELDS - {"last_name"}:
            if isinstance(raw.get(name), str) and raw[name]:
                target.answers[name] = raw[name]
    for answer in found.custom_questions or ():
        if answer.title and answer.value:
            target.answers[answer.title] = answer.value


def dump_registrant(registrant: webinar_pb2.WebinarRegistrant) -> dict[str, object]:
    """Body of POST registrants.

    Raises:
        ProviderError: INVALID, for what Zoom does not take.
    """
    if len(registrant.email) > _MAX_ADDRESS or "@" not in registrant.email:
        raise ProviderError.invalid("registrant.email", "is no address that Zoom takes")
    first, _, last = registrant.name.strip().partition(" ")
    if not first:
        raise ProviderError.invalid("registrant.name", "Zoom wants a first name")
    if max(len(first), len(last)) > _MAX_NAME:
        raise ProviderError.invalid("registrant.name", f"Zoom takes {_MAX_NAME} characters a name")
    body: dict[str, object] = {"email": registrant.email, "first_name": first}
    if last:
        body["last_name"] = last
    own: list[dict[str, str]] = []
    for name, value in sorted(registrant.answers.items()):
        if name in FORM_FIELDS:
            body[name] = value
            continue
        if len(value) > _MAX_ANSWER:
            raise ProviderError.invalid(
                "registrant.answers", f"Zoom takes answers of {_MAX_ANSWER} characters"
            )
        own.append({"title": name, "value": value})
    if own:
        body["custom_questions"] = own
    return body


async def list_webinar_registrants(
    api: Api, request: webinar_pb2.ListWebinarRegistrantsRequest
) -> webinar_pb2.ListWebinarRegistrantsResponse:
    """ListWebinarRegistrants. One page of Zoom's at a time, however many there are."""
    asked = meeting_id(request.webinar_id, WEBINAR)
    words = _wanted(request.status)
    word, _, token = request.page_token.partition("/")
    if request.page_token and word not in words:
        raise ProviderError.invalid("page_token", "cannot be read: list anew")
    left = words[words.index(word) :] if word else words
    answer = webinar_pb2.ListWebinarRegistrantsResponse()
    while left and not answer.registrants:
        page = await api.page(
            f"webinars/{asked.number}/registrants",
            size=min(request.page_size or DEFAULT_PAGE, MAX_PAGE),
            token=token,
            params={"status": left[0], **asked.params},
            resource=(WEBINAR, request.webinar_id),
        )
        for found, raw in items(page.registrants, Registrant):
            target = answer.registrants.add()
            parse_registrant(target, found, read(raw, dict))
            target.status = target.status or STATUSES[left[0]]
        token = page.next_page_token or ""
        left = left if token else left[1:]
    answer.next_page_token = f"{left[0]}/{token}" if left else ""
    return answer


def _wanted(status: webinar_pb2.RegistrantStatus.ValueType) -> list[str]:
    """Words of Zoom's for the statuses that are asked for.

    Raises:
        ProviderError: UNSUPPORTED, for a status that Zoom keeps no registrants in.
    """
    if not status:
        return list(STATUSES)
    if status not in _WORDS:
        raise ProviderError(
            Kind.UNSUPPORTED,
            "Zoom: only pending, approved and denied registrants can be listed",
            violations=[("status", "Zoom keeps no registrants in it")],
            metadata={"capability": "list_webinar_registrants"},
        )
    return [_WORDS[status]]


async def create_webinar_registrant(
    api: Api, request: webinar_pb2.CreateWebinarRegistrantRequest
) -> webinar_pb2.CreateWebinarRegistrantResponse:
    """CreateWebinarRegistrant; for one occurrence when the id names one (P80)."""
    asked = meeting_id(request.webinar_id, WEBINAR)
    body = dump_registrant(request.registrant)
    named = (WEBINAR, request.webinar_id)
    params = {"occurrence_ids": asked.occurrence} if asked.occurrence else {}
    async with api.one_at_a_time(asked.number):
        reply = await api.send(
            "POST", f"webinars/{asked.number}/registrants", params=params, json=body, resource=named
        )
    made = read(reply.content, Registrant)
    answer = webinar_pb2.CreateWebinarRegistrantResponse()
    own_id = made.registrant_id or ""
    await _fill(api, answer.registrant, asked, own_id)
    # The answer to POST may hold the only copy of the personal link.
    answer.registrant.join_url = answer.registrant.join_url or made.join_url or ""
    return answer


async def _fill(
    api: Api, target: webinar_pb2.WebinarRegistrant, asked: MeetingId, own_id: str
) -> None:
    segment = plain_segment(own_id, "registrant")
    reply = await api.send(
        "GET",
        f"webinars/{asked.number}/registrants/{segment}",
        params=asked.params,
        resource=("registrant", own_id),
    )
    parse_registrant(target, read(reply.content, Registrant), read(reply.content, dict))
    target.id = target.id or own_id


async def update_webinar_registrant_status(
    api: Api, request: webinar_pb2.UpdateWebinarRegistrantStatusRequest
) -> webinar_pb2.UpdateWebinarRegistrantStatusResponse:
    """UpdateWebinarRegistrantStatus. Who is canceled is gone from Zoom's lists."""
    asked = meeting_id(request.webinar_id, WEBINAR)
    answer = webinar_pb2.UpdateWebinarRegistrantStatusResponse()
    await _fill(api, answer.registrant, asked, request.registrant_id)
    who = {"id": answer.registrant.id, "email": answer.registrant.email}
    body = {"action": _ACTIONS[request.status], "registrants": [who]}
    async with api.one_at_a_time(asked.number):
        await api.send(
            "PUT",
            f"webinars/{asked.number}/registrants/status",
            params=asked.params,
            json=body,
            resource=("registrant", request.registrant_id),
        )
    if request.status == webinar_pb2.REGISTRANT_STATUS_CANCELED:
        answer.registrant.status = request.status
        return answer
    answer.registrant.Clear()
    await _fill(api, answer.registrant, asked, request.registrant_id)
    return answer
