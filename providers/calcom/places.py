"""Where a booking takes place: the caller's wish as one of the places that its link offers.

POST /v2/bookings names a place of the event type by its type; only those that the attendee chooses
carry a value. PATCH …/location takes values of the host's own.
"""

from collections.abc import Sequence
from typing import Any

from providers.calcom import tables
from providers.calcom.wire import Place
from providers.core.errors import ProviderError
from ucal.v1 import event_pb2, types_pb2

# Places whose value the attendee gives, and what it is called.
_FREE = {"attendeeAddress": "address", "attendeeDefined": "location"}


def for_booking(event: event_pb2.Event, offered: Sequence[Place]) -> dict[str, Any] | None:
    """`location` of a new booking; None leaves the choice to Cal.com, which takes the first.

    Raises:
        ProviderError: INVALID when the link does not offer what is asked.
    """
    asks_call = bool(event.conference.kind or event.conference.join_url)
    if asks_call and event.location:
        raise ProviderError.invalid("event.location", "a booking takes one place, or one call")
    if event.conference.join_url:
        return _link(event.conference.join_url, offered)
    if event.conference.kind:
        return _call(event.conference.kind, offered)
    return _place(event.location, offered) if event.location else None


def _call(kind: tables.ConferenceKind, offered: Sequence[Place]) -> dict[str, Any]:
    words = [each.integration for each in offered if each.type == "integration"]
    if not offered:
        words = ["cal-video"]  # what links have whose owner chose nothing
    word = tables.INTEGRATION_OF.get(kind, "")
    if not word or word not in words:
        raise ProviderError.invalid(
            "event.conference.kind", "the link offers no such call: see its locations"
        )
    return {"type": "integration", "integration": word}


def _link(url: str, offered: Sequence[Place]) -> dict[str, Any]:
    first = next((each for each in offered if each.type == "link"), None)
    if first is not None and first.link == url:
        return {"type": "link"}
    if any(each.type == "attendeeDefined" for each in offered):
        return {"type": "attendeeDefined", "location": url}
    raise ProviderError.invalid(
        "event.conference.join_url", "the link does not offer this call: see its locations"
    )


def _place(text: str, offered: Sequence[Place]) -> dict[str, Any]:
    for kind in ("address", "phone"):
        first = next((each for each in offered if each.type == kind), None)
        if first is not None and text == (first.address or first.phone):
            return {"type": kind}
    if _is_phone(text) and any(each.type == "attendeePhone" for each in offered):
        return {"type": "attendeePhone", "phone": text}
    for kind, name in _FREE.items():
        if any(each.type == kind for each in offered):
            return {"type": kind, name: text}
    raise ProviderError.invalid(
        "event.location", "the link does not offer this place: see its locations"
    )


def _is_phone(text: str) -> bool:
    digits = text.removeprefix("+").replace(" ", "").replace("-", "")
    return digits.isdecimal() and len(digits) >= 5


def for_update(event: event_pb2.Event, paths: set[str]) -> dict[str, Any]:
    """`location` of a booking that is there.

    Raises:
        ProviderError: INVALID for what Cal.com cannot put there.
    """
    if "location" in paths and "conference" in paths:
        raise ProviderError.invalid("event.location", "a booking takes one place, or one call")
    if "conference" in paths:
        if not event.conference.join_url:
            raise ProviderError.invalid(
                "event.conference.join_url", "a call of a booking is changed by its link only"
            )
        return {"type": "link", "link": event.conference.join_url}
    if not event.location:
        raise ProviderError.invalid("event.location", "the place of a booking cannot be cleared")
    kind = "phone" if _is_phone(event.location) else "address"
    return {"type": kind, kind: event.location}


# What of a link's locations has a value of the owner's, and what it is called.
_VALUES = {"address": "address", "phone": "phone", "link": "link"}
_VALUELESS = frozenset({"attendeeAddress", "attendeePhone", "attendeeDefined"})


def for_link(places: Sequence[Any]) -> list[dict[str, Any]]:
    """`locations` of an event type.

    Args:
        places: messages `LinkLocation`.

    Raises:
        ProviderError: INVALID for a place that Cal.com does not know.
    """
    return [_of_link(place, f"link.locations[{index}]") for index, place in enumerate(places)]


def _of_link(place: Any, field: str) -> dict[str, Any]:
    word = place.provider_kind
    if word in _VALUELESS:
        return {"type": word}
    if place.conference_kind not in (
        types_pb2.CONFERENCE_KIND_UNSPECIFIED,
        types_pb2.CONFERENCE_KIND_OTHER,
    ):
        found = tables.INTEGRATION_OF.get(place.conference_kind)
        if found is None:
            raise ProviderError.invalid(f"{field}.conference_kind", "Cal.com makes no such calls")
        return {"type": "integration", "integration": found}
    if not word and place.text:
        word = "link" if place.text.startswith(("https://", "http://")) else "address"
    if word in _VALUES:
        if not place.text:
            raise ProviderError.invalid(f"{field}.text", "is required")
        return {"type": word, _VALUES[word]: place.text, "public": True}
    if word:
        return {"type": "integration", "integration": word}
    raise ProviderError.invalid(field, "says neither a place nor a call")
