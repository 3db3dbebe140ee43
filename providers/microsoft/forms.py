"""Registration for webinars: the form, and who has filled it in.

learn.microsoft.com/graph/api/resources/virtualeventregistration. The list takes no OData options.
"""

from providers.core.errors import ProviderError
from providers.core.http import quote
from providers.core.wire import decode
from providers.microsoft import event_times, tables
from providers.microsoft.api import Api
from providers.microsoft.wire_teams import (
    Question,
    QuestionAnswer,
    Questions,
    Registration,
    Registrations,
)
from ucal.v1 import types_pb2, webinar_pb2

MAX_PAGE = 1_000
_ROOT = "solutions/virtualEvents/webinars"
# resources/virtualeventregistrationpredefinedquestion, label.
PREDEFINED = frozenset(
    {
        "street",
        "city",
        "state",
        "postalCode",
        "countryOrRegion",
        "industry",
        "jobTitle",
        "organization",
    }
)


def name_of(question: Question) -> str:
    """The name under which a question is told, and its answers are."""
    return question.label or question.displayName or question.id


def parse_questions(target: webinar_pb2.Webinar, found: Questions) -> None:
    """The form into a webinar."""
    for each in found.value:
        target.registration_fields.add(
            name=name_of(each),
            is_required=bool(each.isRequired),
            label="" if each.label else each.displayName or "",
        )


def dump_question(asked: webinar_pb2.RegistrationField) -> dict[str, object]:
    """A field of the form as Graph takes it: one of its own, or a question in words."""
    kind = "#microsoft.graph.virtualEventRegistration"
    if asked.name in PREDEFINED:
        body: dict[str, object] = {"@odata.type": f"{kind}PredefinedQuestion", "label": asked.name}
    else:
        body = {
            "@odata.type": f"{kind}CustomQuestion",
            "displayName": asked.label or asked.name,
            "answerInputType": "text",
        }
    return {**body, "isRequired": asked.is_required}


def _path(webinar_id: str) -> str:
    return f"{_ROOT}/{quote(webinar_id)}/registrations"


async def registrants_page(
    api: Api, webinar_id: str, link: str
) -> tuple[list[webinar_pb2.WebinarRegistrant], str]:
    """A page of registrants, and where to go on."""
    reply = await api.send("GET", link or _path(webinar_id), resource=("webinar", webinar_id))
    page = decode(reply, Registrations)
    found = [_parsed(each) for each in page.value]
    return found, api.relative(page.nextLink, reply) if page.nextLink else ""


def _parsed(found: Registration) -> webinar_pb2.WebinarRegistrant:
    target = webinar_pb2.WebinarRegistrant(
        id=found.id,
        name=" ".join(each for each in (found.firstName, found.lastName) if each),
        email=found.email or "",
        status=tables.REGISTRANT_STATUS.get(
            found.status or "", webinar_pb2.REGISTRANT_STATUS_UNSPECIFIED
        ),
    )
    if found.registrationDateTime:
        event_times.parse_stamp(target.created_at, found.registrationDateTime)
    for answer in found.registrationQuestionAnswers or ():
        name, text = answer.displayName or answer.questionId or "", _text(answer)
        if name and text:
            target.answers[name] = text
    return target


def _text(answer: QuestionAnswer) -> str:
    if answer.value is not None:
        return answer.value
    if answer.booleanValue is not None:
        return "true" if answer.booleanValue else "false"
    return ", ".join(answer.multiChoiceValues or ())


async def list_registrants(
    api: Api, request: webinar_pb2.ListWebinarRegistrantsRequest
) -> webinar_pb2.ListWebinarRegistrantsResponse:
    """ListWebinarRegistrants. A page token holds Graph's link, and what was told of its page."""
    told, _, link = request.page_token.partition(" ")
    if told and not told.isdecimal():
        raise ProviderError.invalid("page_token", "is none of this list")
    found, more = await registrants_page(api, request.webinar_id, link)
    if request.status:
        found = [each for each in found if each.status == request.status]
    begin = int(told or 0)
    end = begin + (request.page_size or MAX_PAGE)
    answer = webinar_pb2.ListWebinarRegistrantsResponse(registrants=found[begin:end])
    if end < len(found):
        answer.next_page_token = f"{end} {link}"
    elif more:
        answer.next_page_token = f"0 {more}"
    return answer


async def create_registrant(
    api: Api, request: webinar_pb2.CreateWebinarRegistrantRequest
) -> webinar_pb2.CreateWebinarRegistrantResponse:
    """CreateWebinarRegistrant.

    Raises:
        ProviderError: INVALID without an address, or for an answer to no question.
    """
    asked = request.registrant
    if "@" not in asked.email:
        raise ProviderError.invalid("registrant.email", "is no e-mail address")
    first, _, last = asked.name.strip().partition(" ")
    body: dict[str, object] = {
        "email": asked.email,
        "firstName": first or asked.email.partition("@")[0],
        "lastName": last.strip(),
    }
    if asked.answers:
        body["registrationQuestionAnswers"] = await _answers(api, request)
    reply = await api.send(
        "POST", _path(request.webinar_id), json=body, resource=("webinar", request.webinar_id)
    )
    answer = webinar_pb2.CreateWebinarRegistrantResponse(
        registrant=_parsed(decode(reply, Registration))
    )
    answer.report.notifications = types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    return answer


async def _answers(
    api: Api, request: webinar_pb2.CreateWebinarRegistrantRequest
) -> list[dict[str, str]]:
    path = f"{_ROOT}/{quote(request.webinar_id)}/registrationConfiguration/questions"
    reply = await api.send("GET", path, resource=("webinar", request.webinar_id))
    known = {name_of(each): each for each in decode(reply, Questions).value}
    found = []
    for name, value in request.registrant.answers.items():
        if name not in known:
            raise ProviderError.invalid(
                "registrant.answers", "answers a question that is not asked"
            )
        found.append({"questionId": known[name].id, "displayName": name, "value": value})
    return found


async def update_status(
    api: Api, request: webinar_pb2.UpdateWebinarRegistrantStatusRequest
) -> webinar_pb2.UpdateWebinarRegistrantStatusResponse:
    """UpdateWebinarRegistrantStatus.

    Raises:
        ProviderError: INVALID for decisions, which are made in Teams only; NOT_FOUND.
    """
    path = f"{_path(request.webinar_id)}/{quote(request.registrant_id)}"
    resource = ("registrant", request.registrant_id)
    await api.send("GET", path, resource=resource)
    if request.status != webinar_pb2.REGISTRANT_STATUS_CANCELED:
        raise ProviderError.invalid(
            "status", "registrations are decided upon in Teams; here they can be CANCELED"
        )
    await api.send("POST", f"{path}/cancel", resource=resource)
    reply = await api.send("GET", path, resource=resource)
    return webinar_pb2.UpdateWebinarRegistrantStatusResponse(
        registrant=_parsed(decode(reply, Registration))
    )
