"""Registrants of webinars: listing, registering."""

from collections.abc import Mapping

import msgspec

from providers.core import times
from providers.core.cursors import number_of
from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.goto.api import Api, convert, segment, text
from providers.goto.calendars import full_name
from providers.goto.moments import moment_or_none
from providers.goto.webinar_parse import WEBINAR
from providers.goto.wire import Form, Json, Pieces, Question, Registrant
from ucal.v1 import types_pb2, webinar_pb2

MAX_PAGE = 200
DEFAULT_PAGE = 100
WRITABLE = ("name", "email", "answers")
_STATUS: Mapping[str, webinar_pb2.RegistrantStatus.ValueType] = {
    "APPROVED": webinar_pb2.REGISTRANT_STATUS_APPROVED,
    "DENIED": webinar_pb2.REGISTRANT_STATUS_DENIED,
    "WAITING": webinar_pb2.REGISTRANT_STATUS_PENDING,
}
# GoTo's own fields of the form (RegistrantFields) besides name and address.
_FIELDS = frozenset(
    {
        "source", "address", "city", "state", "zipCode", "country", "phone", "organization",
        "jobTitle", "questionsAndComments", "industry", "numberOfEmployees",
        "purchasingTimeFrame", "purchasingRole",
    }
)  # fmt: skip
# With this, answers to the host's own questions are taken.
_WITH_ANSWERS = {"Accept": "application/vnd.citrix.g2wapi-v1.1+json"}


async def list_webinar_registrants(
    api: Api, request: webinar_pb2.ListWebinarRegistrantsRequest
) -> webinar_pb2.ListWebinarRegistrantsResponse:
    """ListWebinarRegistrants: GoTo's pages as they come, so that memory stays flat."""
    number, size = 0, min(request.page_size or DEFAULT_PAGE, MAX_PAGE)
    if request.page_token:
        first, _, second = request.page_token.partition("|")
        number, size = number_of(first), number_of(second)
    reply = await api.send(
        "GET",
        await _path(api, request.webinar_id),
        params={"page": number, "limit": size},
        resource=(WEBINAR, request.webinar_id),
    )
    found = _pieces(reply.content)
    if found is None:  # a plain array, whole
        everything = decode(reply, list[Json])
        found = Pieces(everything[number * size : (number + 1) * size], len(everything))
    answer = webinar_pb2.ListWebinarRegistrantsResponse()
    for raw in found.data or ():
        registrant = convert(raw, Registrant)
        if request.status in (0, _status(registrant)):
            parse(answer.registrants.add(), registrant)
    if found.data and (number + 1) * size < (found.total or 0):
        answer.next_page_token = f"{number + 1}|{size}"
    return answer


def _pieces(content: bytes) -> Pieces | None:
    """A page, which GoTo gives only when page or limit is asked for; None for an array."""
    try:
        return msgspec.json.decode(content, type=Pieces)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


async def _path(api: Api, webinar_id: str) -> str:
    return f"{await api.webinars()}/{segment(WEBINAR, webinar_id)}/registrants"


def _status(found: Registrant) -> webinar_pb2.RegistrantStatus.ValueType:
    return _STATUS.get((found.status or "").upper(), webinar_pb2.REGISTRANT_STATUS_UNSPECIFIED)


def parse(target: webinar_pb2.WebinarRegistrant, found: Registrant) -> None:
    """One registrant."""
    target.id = text(found.registrantKey)
    target.name = full_name(found.firstName, found.lastName)
    target.email = found.email or ""
    target.status = _status(found)
    target.join_url = found.joinUrl or ""
    created = moment_or_none(found.registrationDate)
    if created is not None:
        times.timestamp(target.created_at, created)


async def create_webinar_registrant(
    api: Api, request: webinar_pb2.CreateWebinarRegistrantRequest
) -> webinar_pb2.CreateWebinarRegistrantResponse:
    """CreateWebinarRegistrant."""
    body, asked = _body(request.registrant)
    path = await _path(api, request.webinar_id)
    resource = (WEBINAR, request.webinar_id)
    if asked:
        form = decode(await api.send("GET", f"{path}/fields", resource=resource), Form)
        body["responses"] = _responses(form, asked)
    reply = await api.send(
        "POST",
        path,
        json=body,
        headers=_WITH_ANSWERS if asked else None,
        expect=(409,),
        resource=resource,
    )
    if reply.status == 409:
        raise ProviderError(
            Kind.ALREADY_EXISTS, "this address has registered for the webinar before"
        )
    made = decode(reply, Registrant)
    answer = webinar_pb2.CreateWebinarRegistrantResponse()
    parse(answer.registrant, await _whole(api, path, made, body))
    for name, value in request.registrant.answers.items():
        answer.registrant.answers[name] = value
    answer.report.notifications = types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    return answer


def _body(sent: webinar_pb2.WebinarRegistrant) -> tuple[Json, dict[str, str]]:
    """Body of POST, and answers to the host's own questions by their keys.

    Raises:
        ProviderError: INVALID.
    """
    if not sent.email:
        raise ProviderError.invalid("registrant.email", "is required by GoTo")
    first, _, last = sent.name.strip().rpartition(" ")
    if not first.strip():
        raise ProviderError.invalid("registrant.name", "GoTo wants a first and a last name")
    body: Json = {"firstName": first.strip(), "lastName": last, "email": sent.email}
    asked = {}
    for name, value in sorted(sent.answers.items()):
        if name in _FIELDS:
            body[name] = value
        elif name.isascii() and name.isdecimal():
            asked[name] = value
        else:
            raise ProviderError.invalid(
                "registrant.answers", "answers a field that GoTo's registration form has not"
            )
    return body, asked


def _responses(form: Form, asked: Mapping[str, str]) -> list[Json]:
    """Answers to the host's own questions, by the keys that GoTo wants.

    Raises:
        ProviderError: INVALID, for a question that the form does not have, or a choice.
    """
    questions = {text(question.questionKey): question for question in form.questions or ()}
    found: list[Json] = []
    for name, value in asked.items():
        if name not in questions:
            raise ProviderError.invalid(
                "registrant.answers", "answers a question that is not asked"
            )
        found.append({"questionKey": int(name), **_response(questions[name], value)})
    return found


def _response(question: Question, value: str) -> Json:
    if question.type != "multipleChoice":
        return {"responseText": value}
    for answer in question.answers or ():
        if answer.answer == value:
            return {"answerKey": int(text(answer.answerKey))}
    raise ProviderError.invalid(
        "registrant.answers", f"question {text(question.questionKey)}: is none of the choices"
    )


async def _whole(api: Api, path: str, made: Registrant, body: Json) -> Registrant:
    """The registration as GoTo has it; what was sent, when that cannot be read."""
    key = text(made.registrantKey)
    try:
        if not key:
            raise ProviderError.not_found("registrant", key)
        return decode(await api.send("GET", f"{path}/{segment('registrant', key)}"), Registrant)
    except ProviderError:
        made.firstName, made.lastName = body["firstName"], body["lastName"]
        made.email = body["email"]
        return made
