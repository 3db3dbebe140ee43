"""Booking links: reading and writing them."""

import re
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from providers.core.errors import Kind, ProviderError
from providers.core.fields import apply, roots, take
from providers.sandbox import raw
from providers.sandbox.world import World, check_etag
from ucal.v1 import link_pb2, types_pb2

WRITABLE = (
    "name",
    "description",
    "duration",
    "duration_options",
    "is_active",
    "price_amount",
    "price_currency",
    "location",
    "max_uses",
    "expires_at",
    "slug",
    "locations",
    "questions",
    "buffer_before",
    "buffer_after",
    "minimum_notice",
    "color",
    "capacity",
)
BASE_URL = "https://book.sandbox.example"

_DAY = timedelta(days=1)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def list_links(world: World, request: link_pb2.ListLinksRequest) -> link_pb2.ListLinksResponse:
    """ListLinks: oldest first."""
    wanted = request.is_active
    frames, following = world.links.page(
        request.page_token,
        request.page_size,
        (lambda link: link.is_active == wanted) if request.HasField("is_active") else None,
    )
    answer = link_pb2.ListLinksResponse.FromString(b"".join(frames))
    answer.next_page_token = following
    if request.include_raw:
        raw.fill(*answer.links)
    return answer


def get_link(world: World, request: link_pb2.GetLinkRequest) -> link_pb2.GetLinkResponse:
    """GetLink."""
    answer = link_pb2.GetLinkResponse.FromString(world.links.record(request.id).framed)
    if request.include_raw:
        raw.fill(answer.link)
    return answer


def create_link(world: World, request: link_pb2.CreateLinkRequest) -> link_pb2.CreateLinkResponse:
    """CreateLink. A link with a parent begins as a copy of it."""
    own_id = world.requests.id_for("link", request.request_id)
    if world.requests.repeats("link", own_id, request):
        return link_pb2.CreateLinkResponse(link=world.made(world.links, own_id))
    link = link_pb2.Link(is_active=True, capacity=1)
    parent_id = request.link.parent_link_id
    if parent_id:
        if parent_id not in world.links:
            raise ProviderError.invalid("link.parent_link_id", "names no link of this connection")
        link.CopyFrom(world.links.get(parent_id))
        for name in ("slug", "created_at", "max_uses", "expires_at"):
            link.ClearField(name)
        link.parent_link_id = parent_id
    take(link, request.link, WRITABLE)
    link.id = own_id
    link.owner.CopyFrom(world.account)
    settle(world, link, touched=frozenset(name for name in WRITABLE if _is_set(request.link, name)))
    world.save(world.links, link)
    world.requests.remember(own_id, request.request_id, request)
    return link_pb2.CreateLinkResponse(link=link)


def update_link(world: World, request: link_pb2.UpdateLinkRequest) -> link_pb2.UpdateLinkResponse:
    """UpdateLink."""
    record = world.links.record(request.id)
    check_etag(request.link.etag, record.version)
    link = world.links.get(request.id)
    apply(link, request.link, request.update_mask.paths)
    touched = roots(request.update_mask.paths)
    settle(world, link, touched=touched)
    return link_pb2.UpdateLinkResponse(link=world.save(world.links, link))


def delete_link(world: World, request: link_pb2.DeleteLinkRequest) -> link_pb2.DeleteLinkResponse:
    """DeleteLink. Bookings, and links made from it, stay."""
    if request.allow_missing and request.id not in world.links:
        return link_pb2.DeleteLinkResponse(already_absent=True)
    check_etag(request.etag, world.links.record(request.id).version)
    world.drop(world.links, request.id)
    return link_pb2.DeleteLinkResponse()


def _is_set(link: link_pb2.Link, name: str) -> bool:
    return any(field.name == name for field, _ in link.ListFields())


def settle(world: World, link: link_pb2.Link, *, touched: frozenset[str]) -> None:
    """Check the whole link and derive what follows from other fields.

    Raises:
        ProviderError: INVALID, naming the field; ALREADY_EXISTS for a slug that is in use.
    """
    if not link.name.strip():
        raise ProviderError.invalid("link.name", "is required")
    _check_lengths(link)
    if link.price_amount.strip("0.") and not link.price_currency:
        raise ProviderError.invalid("link.price_currency", "is required beside a price")
    _check_questions(link)
    _settle_slug(world, link)
    _settle_places(link, touched)
    link.url = f"{BASE_URL}/{world.account.email.partition('@')[0]}/{link.slug}"


def _check_lengths(link: link_pb2.Link) -> None:
    if not link.HasField("duration"):
        raise ProviderError.invalid("link.duration", "is required")
    _between("link.duration", link.duration, timedelta(minutes=1), _DAY)
    for index, option in enumerate(link.duration_options):
        _between(f"link.duration_options[{index}]", option, timedelta(minutes=1), _DAY)
    if link.duration_options and link.duration not in link.duration_options:
        raise ProviderError.invalid("link.duration", "must be one of link.duration_options")
    for name in ("buffer_before", "buffer_after", "minimum_notice"):
        limit = 365 * _DAY if name == "minimum_notice" else _DAY
        _between(f"link.{name}", getattr(link, name), timedelta(0), limit)


def _between(field: str, value: Duration, low: timedelta, high: timedelta) -> None:
    seconds = value.seconds + value.nanos / 1e9
    if not low.total_seconds() <= seconds <= high.total_seconds():
        raise ProviderError.invalid(
            field, f"must be from {low.total_seconds():.0f} s to {high.total_seconds():.0f} s"
        )


def _check_questions(link: link_pb2.Link) -> None:
    seen: set[str] = set()
    for index, question in enumerate(link.questions):
        if not question.name or question.name in seen:
            raise ProviderError.invalid(
                f"link.questions[{index}].name", "must be there, once among the questions"
            )
        seen.add(question.name)


def _settle_slug(world: World, link: link_pb2.Link) -> None:
    asked = bool(link.slug)
    slug = link.slug or re.sub(r"[^a-z0-9]+", "-", link.name.lower()).strip("-")[:48] or "meeting"
    if not _SLUG.fullmatch(slug):
        raise ProviderError.invalid("link.slug", "takes a-z, 0-9 and hyphens, 64 at most")
    others = {other.slug for other in world.links if other.id != link.id}
    if slug in others and asked:
        raise ProviderError(
            Kind.ALREADY_EXISTS,
            "another link has this slug: choose another one",
            reason="SLUG_EXISTS",
            violations=[("link.slug", "is in use")],
            resource=("link", slug),
        )
    link.slug = slug if slug not in others else f"{slug[:48]}-{link.id[:8]}"


def _settle_places(link: link_pb2.Link, touched: frozenset[str]) -> None:
    """`location` is the text of the first place; calls follow from the places."""
    if "location" in touched and "locations" not in touched:
        del link.locations[:]
        if link.location:
            link.locations.add(text=link.location)
    else:
        link.location = next((place.text for place in link.locations if place.text), "")
    del link.conferences[:]
    for place in link.locations:
        if place.conference_kind != types_pb2.CONFERENCE_KIND_UNSPECIFIED:
            link.conferences.add(kind=place.conference_kind)
