"""Who registered for a webinar."""

import uuid

from providers.core.errors import Kind, ProviderError
from providers.sandbox.store import Shelf
from providers.sandbox.world import World
from ucal.v1 import webinar_pb2

PAGE_IN_WEBINAR = 25

_APPROVED = webinar_pb2.REGISTRANT_STATUS_APPROVED
_PENDING = webinar_pb2.REGISTRANT_STATUS_PENDING
_WAITLISTED = webinar_pb2.REGISTRANT_STATUS_WAITLISTED
_CANCELED = webinar_pb2.REGISTRANT_STATUS_CANCELED
_JOIN_URL = "https://webinar.sandbox.example/r"


def list_webinar_registrants(
    world: World, request: webinar_pb2.ListWebinarRegistrantsRequest
) -> webinar_pb2.ListWebinarRegistrantsResponse:
    """ListWebinarRegistrants: in the order in which they came."""
    shelf = world.registrants_of(request.webinar_id)
    wanted = request.status
    frames, following = shelf.page(
        request.page_token,
        request.page_size,
        (lambda registrant: registrant.status == wanted) if wanted else None,
    )
    answer = webinar_pb2.ListWebinarRegistrantsResponse.FromString(b"".join(frames))
    answer.next_page_token = following
    return answer


def create_webinar_registrant(
    world: World, request: webinar_pb2.CreateWebinarRegistrantRequest
) -> webinar_pb2.CreateWebinarRegistrantResponse:
    """CreateWebinarRegistrant.

    Raises:
        ProviderError: NOT_FOUND; INVALID for an answer that is missing or not asked for;
            ALREADY_EXISTS for an address that has registered; PRECONDITION when the webinar takes
            no registrations or is over.
    """
    shelf = world.registrants_of(request.webinar_id)
    webinar = world.webinars.get(request.webinar_id)
    if webinar.approval_mode == webinar_pb2.APPROVAL_MODE_NONE:
        raise ProviderError(
            Kind.PRECONDITION,
            "this webinar takes no registrations: its approval_mode is NONE",
            reason="REGISTRATION_CLOSED",
        )
    _check(webinar, request.registrant)
    email = request.registrant.email.lower()
    for other in shelf:
        if other.email.lower() == email and other.status != _CANCELED:
            raise ProviderError(
                Kind.ALREADY_EXISTS,
                "this address has registered already",
                violations=[("registrant.email", "has registered already")],
                resource=("registrant", other.id),
            )
    registrant = webinar_pb2.WebinarRegistrant(id=uuid.uuid4().hex[:16])
    registrant.name = request.registrant.name
    registrant.email = request.registrant.email
    for name, text in request.registrant.answers.items():
        registrant.answers[name] = text
    registrant.status = _first_status(webinar, shelf)
    registrant.join_url = f"{_JOIN_URL}/{registrant.id}" if registrant.status == _APPROVED else ""
    world.save(shelf, registrant)
    return webinar_pb2.CreateWebinarRegistrantResponse(registrant=registrant)


def _check(webinar: webinar_pb2.Webinar, registrant: webinar_pb2.WebinarRegistrant) -> None:
    local, at, domain = registrant.email.partition("@")
    if not (local and at and domain) or any(c.isspace() for c in registrant.email):
        raise ProviderError.invalid("registrant.email", "must be an e-mail address")
    asked = {field.name: field for field in webinar.registration_fields}
    for name in registrant.answers:
        if name not in asked:
            raise ProviderError.invalid(
                "registrant.answers", "answers a field that is not asked for"
            )
    for index, field in enumerate(webinar.registration_fields):
        given = {"name": registrant.name, "email": registrant.email}.get(field.name, "")
        if field.is_required and not (given or registrant.answers.get(field.name, "")):
            raise ProviderError.invalid(
                "registrant.answers", f"registration_fields[{index}] must be filled in"
            )


def _first_status(
    webinar: webinar_pb2.Webinar, shelf: Shelf[webinar_pb2.WebinarRegistrant]
) -> webinar_pb2.RegistrantStatus.ValueType:
    if webinar.capacity:
        seated = sum(1 for other in shelf if other.status in (_APPROVED, _PENDING))
        if seated >= webinar.capacity:
            return _WAITLISTED
    return _PENDING if webinar.approval_mode == webinar_pb2.APPROVAL_MODE_MANUAL else _APPROVED


def update_webinar_registrant_status(
    world: World, request: webinar_pb2.UpdateWebinarRegistrantStatusRequest
) -> webinar_pb2.UpdateWebinarRegistrantStatusResponse:
    """UpdateWebinarRegistrantStatus.

    Raises:
        ProviderError: NOT_FOUND; PRECONDITION for a registration that was canceled.
    """
    shelf = world.registrants_of(request.webinar_id)
    registrant = shelf.get(request.registrant_id)
    if registrant.status == _CANCELED and request.status != _CANCELED:
        raise ProviderError(
            Kind.PRECONDITION,
            "this registration was canceled: register again",
            reason="ALREADY_CANCELED",
        )
    registrant.status = request.status
    registrant.join_url = f"{_JOIN_URL}/{registrant.id}" if request.status == _APPROVED else ""
    world.save(shelf, registrant)
    return webinar_pb2.UpdateWebinarRegistrantStatusResponse(registrant=registrant)
