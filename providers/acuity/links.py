"""Appointment types as links. They are made in the web interface; the API lists them all at once.

Prices are in the account's one currency, which GET /me tells; what clients are asked stands in
forms that types name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from providers.acuity.api import Api, Found, number, place
from providers.acuity.event_parse import minutes
from providers.acuity.wire import AppointmentType, Form, FormField, Me
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.raw import fill_raw
from ucal.v1 import link_pb2

MAX_PAGE = 1_000
READABLE = (
    "name",
    "description",
    "url",
    "duration",
    "is_active",
    "price_amount",
    "price_currency",
    "questions",
    "buffer_before",
    "buffer_after",
    "color",
    "capacity",
    "raw",
)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What links are told from."""

    types: list[Found[AppointmentType]]
    forms: Mapping[int, Form]
    me: Me


async def catalog(api: Api) -> Catalog:
    """All appointment types, and what of forms and currency they need to be told."""
    types = await api.all(AppointmentType, "appointment-types")
    asks = any(each.it.formIDs for each in types)
    forms = await all_forms(api) if asks else {}
    return Catalog(types, forms, (await api.one(Me, "me")).it)


async def all_forms(api: Api) -> Mapping[int, Form]:
    """Forms by id."""
    return {each.it.id: each.it for each in await api.all(Form, "forms")}


def active(kind: AppointmentType) -> bool:
    """Whether it can be booked; private ones can, by whoever knows their URL."""
    return kind.active is True or kind.active == "true"


def fields_of(kind: AppointmentType, forms: Mapping[int, Form]) -> Iterator[FormField]:
    """What whoever books is asked."""
    for own_id in kind.formIDs or ():
        form = forms.get(own_id)
        if form is not None and not form.hidden:
            yield from (each for each in form.fields or () if each.name)


def parse_link(
    target: link_pb2.Link,
    found: Found[AppointmentType],
    connection_id: str,
    known: Catalog,
    *,
    raw: bool = False,
) -> None:
    """An appointment type into an empty `target`."""
    kind = found.it
    target.connection_id = connection_id
    target.id = str(kind.id)
    target.name = (kind.name or "").strip()
    target.description = kind.description or ""
    target.url = kind.schedulingUrl or _url(known.me, kind.id)
    target.duration.seconds = 60 * minutes(kind.duration)
    target.is_active = active(kind)
    target.color = kind.color or ""
    target.capacity = kind.classSize or (1 if kind.type == "service" else 0)
    if kind.paddingBefore:
        target.buffer_before.seconds = 60 * kind.paddingBefore
    if kind.paddingAfter:
        target.buffer_after.seconds = 60 * kind.paddingAfter
    amount = _price(kind.price)
    if amount:
        target.price_amount = amount
        target.price_currency = known.me.currency or ""
    for each in fields_of(kind, known.forms):
        asked = target.questions.add(name=each.name or "", label=each.name or "")
        asked.provider_kind = each.type or ""
        asked.is_required = bool(each.required)
        asked.choices.extend(each.options or ())
    if raw:
        fill_raw(target.raw, found.raw(), str(kind.id))


def _price(value: str | float | None) -> str:
    """Decimal text; "0" for what is free, "" when Acuity does not tell."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return ""
    if not amount.is_finite() or amount < 0 or abs(amount) > 10**9:
        return ""
    return f"{amount:f}" if amount else "0"


def _url(me: Me, own_id: int) -> str:
    page = me.schedulingPage or ""
    return f"{page}{'&' if '?' in page else '?'}appointmentType={own_id}" if page else ""


async def list_links(
    api: Api, call: Call, request: link_pb2.ListLinksRequest
) -> link_pb2.ListLinksResponse:
    """ListLinks, in Acuity's order."""
    known = await catalog(api)
    found = [
        each
        for each in known.types
        if not request.HasField("is_active") or active(each.it) is request.is_active
    ]
    begin = place(request.page_token)
    end = begin + min(request.page_size or MAX_PAGE, MAX_PAGE)
    answer = link_pb2.ListLinksResponse()
    for each in found[begin:end]:
        parse_link(answer.links.add(), each, call.connection_id, known, raw=request.include_raw)
    if end < len(found):
        answer.next_page_token = str(end)
    return answer


async def get_link(
    api: Api, call: Call, request: link_pb2.GetLinkRequest
) -> link_pb2.GetLinkResponse:
    """GetLink: picked out of the list."""
    wanted = number("link", request.id)
    known = await catalog(api)
    answer = link_pb2.GetLinkResponse()
    found = _pick(known.types, wanted, request.id)
    parse_link(answer.link, found, call.connection_id, known, raw=request.include_raw)
    return answer


async def read_type(api: Api, own_id: str) -> AppointmentType:
    """One appointment type.

    Raises:
        ProviderError: NOT_FOUND.
    """
    wanted = number("link", own_id)
    return _pick(await api.all(AppointmentType, "appointment-types"), wanted, own_id).it


def _pick(found: list[Found[AppointmentType]], wanted: int, own_id: str) -> Found[AppointmentType]:
    for each in found:
        if each.it.id == wanted:
            return each
    raise ProviderError.not_found("link", own_id)
