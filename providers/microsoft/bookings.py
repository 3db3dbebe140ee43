"""Services of Microsoft Bookings as links (learn.microsoft.com/graph/api/resources/bookingservice).

A service belongs to a business, which has the page, the currency and the staff; a link's id names
both. Who books does so on the business's page.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from google.protobuf.duration_pb2 import Duration

from providers.core.errors import Kind, ProviderError
from providers.core.http import quote
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.microsoft import event_times, tables
from providers.microsoft.api import Api
from providers.microsoft.wire import RawPage
from providers.microsoft.wire_teams import (
    Business,
    Businesses,
    CustomQuestions,
    Named,
    NamedList,
    Service,
)
from ucal.v1 import link_pb2, types_pb2

ROOT = "solutions/bookingBusinesses"
MAX_PAGE = 100
WRITABLE = (
    "name",
    "description",
    "duration",
    "is_active",
    "price_amount",
    "location",
    "buffer_before",
    "buffer_after",
    "minimum_notice",
    "capacity",
)
READABLE = (
    *WRITABLE,
    "created_at",
    "updated_at",
    "url",
    "price_currency",
    "conferences",
    "locations",
    "owner",
    "questions",
    "raw",
)
_SEPARATOR = "|"
_MAX_BUSINESSES = 200
_PRICED = frozenset({"fixedPrice", "startingAt", "hourly"})
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """ISO 8601 "PT1H30M" (Edm.Duration: days are the longest unit); zero when it is none."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return timedelta()
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def dump_duration(length: Duration) -> str:
    """ISO 8601, whole minutes."""
    minutes = max(0, length.seconds) // 60
    hours, rest = divmod(minutes, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{rest}M" if rest or not hours else "")


def _ids(link_id: str) -> tuple[str, str]:
    business, mark, service = link_id.partition(_SEPARATOR)
    if not business or not mark or not service:
        raise ProviderError.invalid("id", "is none that was given here")
    return business, service


def _path(business_id: str, service_id: str = "") -> str:
    path = f"{ROOT}/{quote(business_id)}/services"
    return f"{path}/{quote(service_id)}" if service_id else path


async def _businesses(api: Api) -> list[Business]:
    """Businesses that the account sees; lists tell their ids alone."""
    path, found = ROOT, list[Business]()
    while path and len(found) < _MAX_BUSINESSES:
        reply = await api.send("GET", path)
        page = decode(reply, Businesses)
        found += page.value
        path = api.relative(page.nextLink, reply) if page.nextLink else ""
    return found


async def _business(api: Api, business_id: str, link_id: str) -> tuple[Business, CustomQuestions]:
    root = f"{ROOT}/{quote(business_id)}"
    reply = await api.send("GET", root, resource=("link", link_id))
    asked = await api.send("GET", f"{root}/customQuestions", resource=("link", link_id))
    return decode(reply, Business), decode(asked, CustomQuestions)


async def list_links(api: Api, request: link_pb2.ListLinksRequest) -> link_pb2.ListLinksResponse:
    """ListLinks: business by business. A page token holds the place: business, service."""
    begin, told = _place(request.page_token)
    answer = link_pb2.ListLinksResponse()
    known = await _businesses(api)
    if begin >= len(known):
        return answer
    business, questions = await _business(api, known[begin].id, known[begin].id)
    items, path = list[dict[str, Any]](), _path(business.id)
    while path:
        reply = await api.send("GET", path)
        page = decode(reply, RawPage)
        items += page.value
        path = api.relative(page.nextLink, reply) if page.nextLink else ""
    size = request.page_size or MAX_PAGE
    for item in items[told : told + size]:
        link = link_pb2.Link()
        parse_link(link, item, api, business, questions, raw=request.include_raw)
        if not request.HasField("is_active") or link.is_active == request.is_active:
            answer.links.append(link)
    if told + size < len(items):
        answer.next_page_token = f"{begin}.{told + size}"
    elif begin + 1 < len(known):
        answer.next_page_token = f"{begin + 1}.0"
    return answer


def _place(token: str) -> tuple[int, int]:
    if not token:
        return 0, 0
    first, dot, second = token.partition(".")
    if not (dot and first.isdecimal() and second.isdecimal()):
        raise ProviderError.invalid("page_token", "is none of this list")
    return int(first), int(second)


def parse_link(
    target: link_pb2.Link,
    item: dict[str, Any],
    api: Api,
    business: Business,
    questions: CustomQuestions,
    *,
    raw: bool,
) -> None:
    """A service of a business into an empty `target`."""
    found = msgspec.convert(item, Service)
    target.connection_id = api.connection_id
    target.id = f"{business.id}{_SEPARATOR}{found.id}"
    target.name = found.displayName or ""
    target.description = found.description or ""
    target.url = found.webUrl or business.publicUrl or ""
    target.is_active = bool(business.isPublished) and not found.isHiddenFromCustomers
    for source, field in (
        (found.defaultDuration, "duration"),
        (found.preBuffer, "buffer_before"),
        (found.postBuffer, "buffer_after"),
        (found.schedulingPolicy and found.schedulingPolicy.minimumLeadTime, "minimum_notice"),
    ):
        if source and parse_duration(source):
            getattr(target, field).FromTimedelta(parse_duration(source))
    for text, field in (
        (found.createdDateTime, "created_at"),
        (found.lastUpdatedDateTime, "updated_at"),
    ):
        if text:
            event_times.parse_stamp(getattr(target, field), text)
    _parse_terms(target, found, business)
    _parse_questions(target, found, questions)
    if raw:
        fill_raw(target.raw, item, found.id)


def _parse_terms(target: link_pb2.Link, found: Service, business: Business) -> None:
    target.capacity = tables.counted(found.maximumAttendeesCount)
    if found.defaultPriceType == "free":
        target.price_amount = "0"
    elif found.defaultPriceType in _PRICED and found.defaultPrice is not None:
        target.price_amount = f"{max(0.0, found.defaultPrice):.2f}"
    currency = business.defaultCurrencyIso or ""
    if target.HasField("price_amount") and len(currency) == 3:
        target.price_currency = currency.upper()
    place = found.defaultLocation.displayName if found.defaultLocation is not None else None
    if place:
        target.location = place
        target.locations.add(text=place)
    if found.isLocationOnline:
        target.conferences.add(kind=types_pb2.CONFERENCE_KIND_TEAMS)
        target.locations.add(conference_kind=types_pb2.CONFERENCE_KIND_TEAMS)
    target.owner.name = business.displayName or ""
    target.owner.email = business.email or ""


def _parse_questions(target: link_pb2.Link, found: Service, known: CustomQuestions) -> None:
    by_id = {each.id: each for each in known.value}
    for asked in found.customQuestions or ():
        question = by_id.get(asked.questionId or "")
        if question is not None:
            target.questions.add(
                name=question.id,
                label=question.displayName or "",
                provider_kind=question.answerInputType or "",
                is_required=bool(asked.isRequired),
                choices=question.answerOptions or (),
            )


async def get_link(api: Api, request: link_pb2.GetLinkRequest) -> link_pb2.GetLinkResponse:
    """GetLink."""
    answer = link_pb2.GetLinkResponse()
    await _fill(api, answer.link, request.id, raw=request.include_raw)
    return answer


async def _fill(api: Api, target: link_pb2.Link, link_id: str, *, raw: bool = False) -> None:
    business_id, service_id = _ids(link_id)
    business, questions = await _business(api, business_id, link_id)
    reply = await api.send("GET", _path(business_id, service_id), resource=("link", link_id))
    decode(reply, Service)
    item = decode(reply, dict[str, Any])
    parse_link(target, item, api, business, questions, raw=raw)


def _body(link: link_pb2.Link, names: Iterable[str], report: types_pb2.WriteReport) -> Any:
    """The service's properties among `names`."""
    body: dict[str, Any] = {}
    for name in names:
        if name in _TEXTS:
            body[_TEXTS[name]] = getattr(link, name)
        elif name in _LENGTHS:
            value: Duration = getattr(link, name)
            body[_LENGTHS[name]] = dump_duration(value)
            if value.seconds % 60 or value.nanos:
                report.coerced_fields.paths.append(name)
        elif name == "minimum_notice":
            body["schedulingPolicy"] = {"minimumLeadTime": dump_duration(link.minimum_notice)}
        elif name == "location":
            body["defaultLocation"] = {"displayName": link.location}
        elif name == "is_active":
            body["isHiddenFromCustomers"] = not link.is_active
        elif name == "capacity":
            body["maximumAttendeesCount"] = link.capacity or 1
        elif name == "price_amount":
            body |= _price(link)
    return body


_TEXTS = {"name": "displayName", "description": "description"}
_LENGTHS = {
    "duration": "defaultDuration",
    "buffer_before": "preBuffer",
    "buffer_after": "postBuffer",
}


def _price(link: link_pb2.Link) -> dict[str, Any]:
    if not link.HasField("price_amount"):
        return {"defaultPriceType": "notSet", "defaultPrice": 0.0}
    amount = float(link.price_amount)
    return {"defaultPriceType": "fixedPrice" if amount else "free", "defaultPrice": amount}


async def create_link(api: Api, request: link_pb2.CreateLinkRequest) -> link_pb2.CreateLinkResponse:
    """CreateLink: a service of the account's only business, with all its staff.

    Raises:
        ProviderError: PRECONDITION when there is no business, or more than one.
    """
    if not request.link.name:
        raise ProviderError.invalid("link.name", "is required by Bookings")
    known = await _businesses(api)
    if len(known) != 1:
        raise ProviderError(
            Kind.PRECONDITION,
            "a service is made in the account's only Bookings business, and there is "
            + ("none" if not known else "more than one"),
            reason="BUSINESS_AMBIGUOUS" if known else "BUSINESS_MISSING",
        )
    root = f"{ROOT}/{quote(known[0].id)}"
    staff = decode(await api.send("GET", f"{root}/staffMembers"), NamedList)
    answer = link_pb2.CreateLinkResponse()
    names = [field.name for field, _ in request.link.ListFields()]
    body = _body(request.link, names, answer.report)
    body["staffMemberIds"] = [each.id for each in staff.value]
    made = decode(await api.send("POST", f"{root}/services", json=body), Named)
    await _fill(api, answer.link, f"{known[0].id}{_SEPARATOR}{made.id}")
    return answer


async def update_link(api: Api, request: link_pb2.UpdateLinkRequest) -> link_pb2.UpdateLinkResponse:
    """UpdateLink."""
    answer = link_pb2.UpdateLinkResponse()
    names = dict.fromkeys(path.partition(".")[0] for path in request.update_mask.paths)
    if "name" in names and not request.link.name:
        raise ProviderError.invalid("link.name", "cannot be cleared in Bookings")
    body = _body(request.link, names, answer.report)
    path = _path(*_ids(request.id))
    await api.send("PATCH", path, json=body, resource=("link", request.id))
    await _fill(api, answer.link, request.id)
    return answer


async def delete_link(api: Api, request: link_pb2.DeleteLinkRequest) -> link_pb2.DeleteLinkResponse:
    """DeleteLink. Appointments that were booked stay."""
    answer = link_pb2.DeleteLinkResponse()
    path = _path(*_ids(request.id))
    reply = await api.send("DELETE", path, expect=(404,), retry_safe=True)
    if reply.status == 404 and not reply.repeated:
        if not request.allow_missing:
            raise ProviderError.not_found("link", request.id)
        answer.already_absent = True
    return answer
