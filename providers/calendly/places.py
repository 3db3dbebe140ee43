"""Where a booking takes place: Calendly's `location` of events and `locations` of event types."""

from collections.abc import Iterator
from typing import Any

from providers.calendly import tables
from providers.calendly.wire import Location, LocationConfiguration
from providers.core.errors import ProviderError
from ucal.v1 import event_pb2, link_pb2, types_pb2

_MAX_PHONES = 100


def parse_place(target: event_pb2.Event, place: Location | None) -> None:
    """Where an event takes place into its `location` or `conference`."""
    if place is None or not place.type:
        return
    kind = tables.EVENT_CALLS.get(place.type)
    if kind is None:
        target.location = place.location or ""
        return
    target.has_conference = True
    call = target.conference
    call.kind = kind
    call.provider_kind = place.type
    call.state = tables.CALL_STATE.get(place.status, types_pb2.CONFERENCE_STATE_UNSPECIFIED)
    # A failed call may carry a URL that leads nowhere.
    if place.join_url and place.status in ("pushed", None):
        call.join_url = place.join_url
        call.state = types_pb2.CONFERENCE_STATE_READY
    if isinstance(place.data, dict):
        _parse_call(call, place.data)


def _parse_call(call: types_pb2.Conference, data: dict[str, Any]) -> None:
    """What the product of the call says of it; each has a shape of its own."""
    call.meeting_id = _text(data.get("id") or data.get("uniqueMeetingId"))
    call.password = _text(data.get("password"))
    for number in _items(_part(data, "settings").get("global_dial_in_numbers")):
        _phone(call, number.get("number"), number.get("country"), number.get("type"))
    for number in _items(_part(data, "telephony").get("callInNumbers")):
        _phone(call, number.get("callInNumber"), "", number.get("label"))
    audio = _part(data, "audioConferencing")
    _phone(call, audio.get("tollNumber"), "", "", pin=audio.get("conferenceId"))


def _phone(
    call: types_pb2.Conference, number: object, country: object, label: object, pin: object = ""
) -> None:
    if _text(number):
        phone = call.phones.add(number=_text(number), label=_text(label), pin=_text(pin))
        phone.country_code = _text(country) if len(_text(country)) == 2 else ""


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _items(value: object) -> Iterator[dict[str, Any]]:
    for item in value[:_MAX_PHONES] if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item


# -- of event types


def parse_places(target: link_pb2.Link, places: list[LocationConfiguration]) -> None:
    """What an event type offers."""
    for place in places:
        shown = target.locations.add(provider_kind=place.kind or "")
        shown.text = place.location or _text(place.phone_number)
        kind = tables.CALLS.get(place.kind or "")
        if kind is not None:
            shown.conference_kind = kind
            target.conferences.add(kind=kind, provider_kind=place.kind or "")
    target.location = next((place.text for place in target.locations if place.text), "")


def dump_places(places: list[link_pb2.LinkLocation], field: str) -> list[dict[str, object]]:
    """What an event type is to offer.

    Raises:
        ProviderError: INVALID for a call that Calendly does not make, or a place without words.
    """
    return [_dump_place(place, f"{field}[{index}]") for index, place in enumerate(places)]


def _dump_place(place: link_pb2.LinkLocation, field: str) -> dict[str, object]:
    if place.conference_kind:
        kind = tables.KIND_OF_CALL.get(place.conference_kind)
        if kind is None:
            raise ProviderError.invalid(
                f"{field}.conference_kind", "is no kind of call that Calendly makes"
            )
        return {"kind": kind}
    kind = place.provider_kind or tables.PHYSICAL
    if kind in tables.CALLS or kind in tables.TOLD_BY_INVITEE:
        return {"kind": kind}
    if kind not in tables.NEEDS_TEXT:
        raise ProviderError.invalid(f"{field}.provider_kind", "is no kind of place that is known")
    if not place.text:
        raise ProviderError.invalid(f"{field}.text", "is required for such a place")
    return {"kind": kind, "phone_number" if kind == tables.INBOUND else "location": place.text}


# -- of a booking


def choose(places: list[LocationConfiguration], event: event_pb2.Event) -> dict[str, object] | None:
    """Which of the type's places a booking takes; None when the type leaves no choice.

    Raises:
        ProviderError: INVALID for a place that the type does not offer, or when one must be named.
    """
    if event.conference.join_url:
        raise ProviderError.invalid(
            "event.conference.join_url", "Calendly makes its own calls and attaches none"
        )
    if event.conference.kind and event.location:
        raise ProviderError.invalid("event.location", "excludes event.conference")
    if event.conference.kind:
        return _call(places, event.conference.kind)
    if event.location:
        return _spot(places, event.location)
    if not places:
        return None
    first = places[0]
    if first.kind in tables.TOLD_BY_INVITEE:
        raise ProviderError.invalid("event.location", "the link asks for a place or a number")
    chosen: dict[str, object] = {"kind": first.kind}
    if first.kind in (tables.PHYSICAL, tables.CUSTOM):
        chosen["location"] = first.location
    return chosen


def _call(
    places: list[LocationConfiguration], kind: types_pb2.ConferenceKind.ValueType
) -> dict[str, object]:
    word = tables.KIND_OF_CALL.get(kind)
    if word is None or word not in {place.kind for place in places}:
        raise ProviderError.invalid("event.conference.kind", "the link offers no such call")
    return {"kind": word}


def _spot(places: list[LocationConfiguration], text: str) -> dict[str, object]:
    for place in places:
        if place.kind in (tables.PHYSICAL, tables.CUSTOM) and place.location == text:
            return {"kind": place.kind, "location": text}
    for place in places:
        if place.kind in tables.TOLD_BY_INVITEE:
            return {"kind": place.kind, "location": text}
    raise ProviderError.invalid("event.location", "the link offers no such place")
