"""What a provider's permissions let the service do, in plain words, from its capabilities."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from providers.core.capabilities import describe
from providers.core.provider import Provider
from ucal.v1 import provider_pb2, types_pb2

_P = provider_pb2
_T = types_pb2
_SUPPORTED = (_P.SUPPORT_NATIVE, _P.SUPPORT_EMULATED)

_SEEN = {
    _T.RESOURCE_KIND_CALENDAR: "the list of your calendars",
    _T.RESOURCE_KIND_EVENT: "your events: when, where, with whom, and what about",
    _T.RESOURCE_KIND_BUSY: "when you are free and when you are busy",
    _T.RESOURCE_KIND_LINK: "your booking pages and their free times",
    _T.RESOURCE_KIND_RECORDING: "recordings and transcripts of your meetings",
    _T.RESOURCE_KIND_WEBINAR: "your webinars and who has registered",
    _T.RESOURCE_KIND_ROOM: "rooms that can be booked",
    _T.RESOURCE_KIND_LOCATION: "places that events can be at",
}
_CHANGED = {
    _T.RESOURCE_KIND_CALENDAR: "calendars",
    _T.RESOURCE_KIND_EVENT: "events",
    _T.RESOURCE_KIND_LINK: "booking pages",
    _T.RESOURCE_KIND_WEBINAR: "webinars",
}
_VERBS = {_P.METHOD_CREATE: "make", _P.METHOD_UPDATE: "change", _P.METHOD_DELETE: "delete"}
_BESIDES = {
    _P.METHOD_RESPOND: "answer invitations in your name",
    _P.METHOD_CREATE_REGISTRANT: "register people for webinars",
    _P.METHOD_UPDATE_REGISTRANT_STATUS: "approve and turn down people who registered",
}
_LISTS = (
    (_T.RESOURCE_KIND_CALENDAR, "CalendarService", "ListCalendars"),
    (_T.RESOURCE_KIND_LINK, "LinkService", "ListLinks"),
    (_T.RESOURCE_KIND_RECORDING, "RecordingService", "ListRecordings"),
    (_T.RESOURCE_KIND_WEBINAR, "WebinarService", "ListWebinars"),
)
_EVENTS = (_T.RESOURCE_KIND_EVENT, "EventService", "ListEvents")


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope that is asked for.

    Attributes:
        name: as the vendor spells it.
        uses: what it is used for, in plain words; empty: only beside the others.
    """

    name: str
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the service may do once the person has said yes.

    Attributes:
        sees: what it can read.
        changes: what it can do.
        scopes: what is asked for at the vendor; empty: it is fixed there, or there are none.
    """

    sees: tuple[str, ...]
    changes: tuple[str, ...]
    scopes: tuple[Scope, ...] = ()


def allowed(provider: type[Provider], scopes: Sequence[str] = ()) -> Allowed:
    """What `scopes` allow at `provider`; none: whatever it has operations for."""
    found = list(_working(provider))
    usable = [each for each in found if _covered(each, scopes)]
    return Allowed(
        tuple(_seen(usable)),
        tuple(_changed(usable)),
        tuple(Scope(scope, _uses(found, scope)) for scope in scopes),
    )


def _working(provider: type[Provider]) -> Iterator[provider_pb2.Capability]:
    for each in describe(provider).capabilities:
        if each.support in _SUPPORTED and each.method != _P.METHOD_WATCH:
            yield each


def _covered(capability: provider_pb2.Capability, scopes: Collection[str]) -> bool:
    needed = capability.oauth_scopes
    return not scopes or not needed or any(scope in scopes for scope in needed)


def _uses(found: Sequence[provider_pb2.Capability], scope: str) -> tuple[str, ...]:
    tied = [each for each in found if scope in each.oauth_scopes]
    return (*(f"see {what}" for what in _seen(tied)), *_changed(tied))


def _seen(found: Sequence[provider_pb2.Capability]) -> Iterator[str]:
    acting = {*_VERBS, *_BESIDES}
    kinds = {each.kind for each in found if each.method not in acting}
    return (words for kind, words in _SEEN.items() if kind in kinds)


def _changed(found: Sequence[provider_pb2.Capability]) -> Iterator[str]:
    can = {(each.kind, each.method) for each in found}
    for kind, what in _CHANGED.items():
        verbs = [verb for method, verb in _VERBS.items() if (kind, method) in can]
        if verbs:
            yield f"{_listed(verbs)} {what}"
    methods = {method for _, method in can}
    yield from (words for method, words in _BESIDES.items() if method in methods)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def first_call(provider: type[Provider]) -> tuple[str, str]:
    """Service and RPC to try first on a new connection; empty: there is none."""
    can = {
        each.kind
        for each in _working(provider)
        if each.method == _P.METHOD_LIST and not each.list_needs_parent
    }
    return next(
        ((service, rpc) for kind, service, rpc in (_EVENTS, *_LISTS) if kind in can), ("", "")
    )
