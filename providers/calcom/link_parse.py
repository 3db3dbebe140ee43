"""Event types and private links of Cal.com as Links of the contract."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers.calcom import tables
from providers.calcom.wire import EventType, Place, PrivateLink
from providers.core import times
from providers.core.raw import fill_raw
from ucal.v1 import link_pb2, types_pb2

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_CURRENCY = re.compile(r"[A-Z]{3}")


def parse_link(
    target: link_pb2.Link,
    found: EventType,
    connection_id: str,
    raw: Mapping[str, Any] | None = None,
) -> None:
    """Write an event type into `target`. A hidden one is told as switched off."""
    target.connection_id = connection_id
    target.id = str(found.id)
    target.name = found.title or ""
    target.slug = found.slug or ""
    target.description = found.description or ""
    target.url = found.bookingUrl or ""
    target.is_active = not found.hidden
    _fill_lengths(target, found)
    _fill_price(target, found)
    for place in found.locations or []:
        _fill_place(target, place)
    target.location = next((place.text for place in target.locations if place.text), "")
    _fill_questions(target, found)
    if found.color is not None and _COLOR.fullmatch(found.color.lightThemeHex or ""):
        target.color = found.color.lightThemeHex or ""
    target.capacity = (found.seats.seatsPerTimeSlot if found.seats else None) or 1
    if raw is not None:
        fill_raw(target.raw, raw, target.id)


def _fill_lengths(target: link_pb2.Link, found: EventType) -> None:
    if found.lengthInMinutes:
        target.duration.seconds = found.lengthInMinutes * 60
    for option in found.lengthInMinutesOptions or []:
        target.duration_options.add(seconds=option * 60)
    for name, minutes in (
        ("buffer_before", found.beforeEventBuffer),
        ("buffer_after", found.afterEventBuffer),
        ("minimum_notice", found.minimumBookingNotice),
    ):
        if minutes:
            getattr(target, name).seconds = minutes * 60


def _fill_price(target: link_pb2.Link, found: EventType) -> None:
    """Cal.com counts minor units; 0 is free, whatever the currency."""
    if found.price is None:
        return
    if not found.price:
        target.price_amount = "0"
        return
    currency = (found.currency or "").upper()
    if not _CURRENCY.fullmatch(currency):
        return
    exponent = tables.EXPONENTS.get(currency, 2)
    target.price_amount = f"{Decimal(str(found.price)).scaleb(-exponent):.{exponent}f}"
    target.price_currency = currency


def _fill_place(target: link_pb2.Link, place: Place) -> None:
    text = place.address or place.phone or place.location or ""
    entry = target.locations.add(text=text, provider_kind=place.type)
    if place.type == "integration":
        word = place.integration or ""
        entry.provider_kind = word
        entry.conference_kind = tables.INTEGRATIONS.get(word, types_pb2.CONFERENCE_KIND_OTHER)
        target.conferences.add(kind=entry.conference_kind, provider_kind=word)
    elif place.type == "link":
        entry.text = place.link or ""
        entry.conference_kind = types_pb2.CONFERENCE_KIND_OTHER
        target.conferences.add(
            kind=entry.conference_kind, provider_kind="link", join_url=entry.text
        )


def _fill_questions(target: link_pb2.Link, found: EventType) -> None:
    """Those that the owner has added; name, address and the like are asked by every link."""
    for field in found.bookingFields or []:
        if field.isDefault or field.hidden:
            continue
        question = target.questions.add(
            name=field.slug or "",
            label=field.label or "",
            provider_kind=field.type,
            is_required=bool(field.required),
        )
        question.choices.extend(each for each in field.options or [] if isinstance(each, str))


def parse_private(
    target: link_pb2.Link,
    own: PrivateLink,
    parent: EventType,
    connection_id: str,
    raw: Mapping[str, Any] | None = None,
) -> None:
    """Write a private link into `target`: what it does not have is that of its event type."""
    parse_link(target, parent, connection_id)
    target.parent_link_id = target.id
    target.id = f"{parent.id}/{own.linkId}"
    target.url = own.bookingUrl or ""
    target.is_active = not own.isExpired
    target.ClearField("slug")
    if own.maxUsageCount is not None:
        target.max_uses = max(0, own.maxUsageCount - (own.usageCount or 0))
    if own.expiresAt:
        times.timestamp(target.expires_at, times.parse_rfc3339(own.expiresAt))
    if raw is not None:
        fill_raw(target.raw, raw, own.linkId)
