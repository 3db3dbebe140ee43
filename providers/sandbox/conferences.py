"""The calls of events: made on request, attached, or kept when an event changes (P54, P56, P58)."""

import hashlib
from datetime import timedelta

from providers.core.errors import ProviderError
from providers.sandbox.world import World
from ucal.v1 import event_pb2, types_pb2

MEET = types_pb2.CONFERENCE_KIND_GOOGLE_MEET
TEAMS = types_pb2.CONFERENCE_KIND_TEAMS
ZOOM = types_pb2.CONFERENCE_KIND_ZOOM

KINDS = (MEET, TEAMS, ZOOM)
"""Kinds that can be asked for. A Teams call is PENDING for `PENDING_FOR` (P55)."""
PENDING_FOR = timedelta(seconds=2)

_URLS = {
    MEET: "https://meet.sandbox.example/{0}-{1}-{2}",
    TEAMS: "https://teams.sandbox.example/l/{0}{1}{2}",
    ZOOM: "https://zoom.sandbox.example/j/{3}",
}
_READY = types_pb2.CONFERENCE_STATE_READY
_PENDING = types_pb2.CONFERENCE_STATE_PENDING


def settle(world: World, event: event_pb2.Event, before: types_pb2.Conference | None) -> bool:
    """Make, attach or keep the call of `event`; False when its calendar allows none of the kind.

    Raises:
        ProviderError: INVALID, naming the field.
    """
    wish = event.conference
    if not (wish.kind or wish.join_url):
        event.ClearField("conference")
        event.has_conference = False
        return True
    event.has_conference = True
    if before is not None and _same(wish, before):
        wish.CopyFrom(before)
        return True
    if wish.join_url:
        _attach(wish)
        return True
    calendar = world.calendars.get(event.calendar_id)
    if wish.kind not in calendar.allowed_conference_kinds:
        event.ClearField("conference")
        event.has_conference = False
        return False
    kind = wish.kind
    wish.Clear()
    wish.kind = kind
    if kind == TEAMS:
        wish.state = _PENDING
    else:
        ready(wish, event.id)
    return True


def expect(world: World, event: event_pb2.Event) -> None:
    """Let a call that is pending become ready in time; `event` has been saved."""
    if event.conference.state != _PENDING:
        return
    calendar_id, own_id = event.calendar_id, event.id

    def finish() -> None:
        try:
            event = world.agendas[calendar_id].stored(own_id).event()
        except (KeyError, ProviderError):
            return  # gone, or moved elsewhere, in the meantime
        if event.conference.state != _PENDING:
            return
        ready(event.conference, own_id)
        if event.recurring_event_id:
            world.save_exception(own_id.rpartition("_")[2], event)
        else:
            world.save_event(event)

    world.at(world.now + PENDING_FOR, finish)


def ready(conference: types_pb2.Conference, event_id: str) -> None:
    """Fill in a call of `conference.kind` that works."""
    digest = hashlib.sha256(f"{event_id}\n{conference.kind}".encode()).digest()
    letters = "".join(chr(ord("a") + byte % 26) for byte in digest[:10])
    number = str(10**10 + int.from_bytes(digest[10:15]) % 10**10)
    conference.state = _READY
    conference.provider_kind = types_pb2.ConferenceKind.Name(conference.kind).removeprefix(
        "CONFERENCE_KIND_"
    )
    conference.join_url = _URLS[conference.kind].format(
        letters[:3], letters[3:7], letters[7:], number
    )
    conference.conference_id = letters
    conference.meeting_id = number
    del conference.phones[:]
    if conference.kind == ZOOM:
        conference.password = letters[:6]
    if conference.kind != MEET:
        pin = f"{number[:9]}#"
        conference.phones.add(number="+493012345678", country_code="DE", pin=pin, label="Berlin")
        conference.phones.add(number="+12125550123", country_code="US", pin=pin, label="New York")


def _same(wish: types_pb2.Conference, before: types_pb2.Conference) -> bool:
    return wish.kind in (before.kind, types_pb2.CONFERENCE_KIND_UNSPECIFIED) and (
        wish.join_url in ("", before.join_url)
    )


def _attach(wish: types_pb2.Conference) -> None:
    scheme, _, rest = wish.join_url.partition("://")
    if scheme not in ("https", "http") or not rest or any(c.isspace() for c in wish.join_url):
        raise ProviderError.invalid("event.conference.join_url", "must be an http or https URL")
    kind, url = wish.kind, wish.join_url
    wish.Clear()
    wish.kind = kind or types_pb2.CONFERENCE_KIND_OTHER
    wish.provider_kind = "attached"
    wish.join_url = url
    wish.state = _READY
