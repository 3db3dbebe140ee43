"""What Calendly holds: one user, event types, scheduled events, invitees, recaps."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
API = "https://api.calendly.com"
HOST = f"{API}/users/5d2f9c10-7b3a-4d1e-9f8c-6a5b4c3d2e1f"
OTHER = f"{API}/users/7e3a0d21-8c4b-4e2f-a09d-7b6c5d4e3f20"
ORGANIZATION = f"{API}/organizations/9c1a2b3c-4d5e-4f60-8a7b-8c9d0e1f2a3b"
QUICK = f"{API}/event_types/3c5e7a90-1b2d-4e6f-8a9b-0c1d2e3f4a5b"


class Refusal(Exception):  # noqa: N818 - it is the answer
    """An error answer."""

    def __init__(self, status: int, title: str, message: str, *parameters: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"title": title, "message": message}
        if parameters:
            self.body["details"] = [{"parameter": p, "message": "is invalid"} for p in parameters]


def stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def tail(uri: str) -> str:
    return uri.rpartition("/")[2]


def user(uri: str, name: str) -> Json:
    slug = name.lower().replace(" ", "-")
    return {
        "uri": uri,
        "name": name,
        "slug": slug,
        "email": f"{slug.split('-', maxsplit=1)[0]}@example.com",
        "scheduling_url": f"https://calendly.com/{slug}",
        "timezone": "Europe/Berlin",
        "avatar_url": None,
        "locale": "en",
        "time_notation": "24h",
        "resource_type": "User",
        "created_at": "2026-05-12T12:34:08.231012Z",
        "updated_at": "2026-05-12T12:34:16.471286Z",
        "current_organization": ORGANIZATION,
    }


@dataclass
class World:
    """The account.

    Attributes:
        types: event types by URI.
        events: scheduled events by URI.
        invitees: by the URI of their event.
        external: busy spans of calendars that Calendly reads.
    """

    users: dict[str, Json] = field(default_factory=dict)
    types: dict[str, Json] = field(default_factory=dict)
    events: dict[str, Json] = field(default_factory=dict)
    invitees: dict[str, list[Json]] = field(default_factory=dict)
    recaps: dict[str, Json] = field(default_factory=dict)
    transcripts: dict[str, str] = field(default_factory=dict)
    hooks: dict[str, Json] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    external: list[tuple[datetime, datetime]] = field(default_factory=list)
    external_type: str = "external"
    broken_calendar: bool = False
    free_plan: bool = False
    _last: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.users[HOST] = user(HOST, "Host Example")
        self.users[OTHER] = user(OTHER, "Other Example")
        quick = self.add_type("Quick chat", uri=QUICK)
        quick["locations"] = [{"kind": "zoom_conference"}, {"kind": "ask_invitee"}]
        quick["custom_questions"] = [
            {
                "name": "notes",
                "type": "text",
                "position": 0,
                "enabled": True,
                "required": False,
                "answer_choices": [],
                "include_other": False,
            }
        ]

    def now(self) -> str:
        """The present, later each time."""
        self._last = max(self._last + timedelta(microseconds=1), datetime.now(UTC))
        return stamp(self._last)

    # -- event types

    def add_type(self, name: str, uri: str = "", **fields: Any) -> Json:
        uri = uri or f"{API}/event_types/{uuid.uuid4()}"
        now = self.now()
        made: Json = {
            "uri": uri,
            "name": name,
            "active": True,
            "slug": f"{name.lower().replace(' ', '-')[:20]}-{tail(uri)[:8]}",
            "scheduling_url": f"https://calendly.com/host-example/{tail(uri)[:8]}",
            "duration": 30,
            "duration_options": None,
            "kind": "solo",
            "pooling_type": None,
            "type": "StandardEventType",
            "color": "#8247f5",
            "booking_method": "instant",
            "secret": False,
            "is_paid": False,
            "locale": "en",
            "position": 0,
            "internal_note": None,
            "description_plain": "",
            "description_html": "",
            "admin_managed": False,
            "deleted_at": None,
            "profile": {"type": "User", "name": "Host Example", "owner": HOST},
            "locations": [],
            "custom_questions": [],
            "created_at": now,
            "updated_at": now,
            **fields,
        }
        self.types[uri] = made
        return made

    # -- scheduled events

    def slots(self, kind: Json, low: datetime, high: datetime) -> list[tuple[datetime, int]]:
        """Free starts on the half-hour, 09:00 to 17:00 UTC, Monday to Friday, and places left."""
        if not kind["active"] or kind["deleted_at"]:
            return []
        length = timedelta(minutes=kind["duration"])
        taken = [
            (moment(e["start_time"]), moment(e["end_time"]), e)
            for e in self.events.values()
            if e["status"] == "active"
        ]
        places = 5 if kind["kind"] == "group" else 1
        found = []
        at = low.replace(minute=0, second=0, microsecond=0)
        while at < high:
            open_ = (
                at.weekday() < 5 and at.hour >= 9 and at + length <= at.replace(hour=17, minute=0)
            )
            if at >= low and open_:
                clashing = [e for start, end, e in taken if start < at + length and at < end]
                same = [e for e in clashing if e["event_type"] == kind["uri"] and places > 1]
                left = places - sum(e["invitees_counter"]["active"] for e in same)
                if len(same) == len(clashing) and left > 0:
                    found.append((at, left))
            at += timedelta(minutes=30)
        return found

    def add_event(self, kind: Json, start: datetime, email: str, **invitee: Any) -> Json:
        """A booking, whoever made it; answers with the invitee."""
        same = [
            e
            for e in self.events.values()
            if e["event_type"] == kind["uri"]
            and e["status"] == "active"
            and moment(e["start_time"]) == start
            and kind["kind"] == "group"
        ]
        event = same[0] if same else self._new_event(kind, start)
        event["invitees_counter"]["total"] += 1
        event["invitees_counter"]["active"] += 1
        now = self.now()
        event["updated_at"] = now
        own_id = uuid.uuid4()
        made: Json = {
            "uri": f"{event['uri']}/invitees/{own_id}",
            "email": email,
            "name": "Ada Example",
            "first_name": None,
            "last_name": None,
            "status": "active",
            "timezone": "Europe/Berlin",
            "event": event["uri"],
            "text_reminder_number": None,
            "rescheduled": False,
            "old_invitee": None,
            "new_invitee": None,
            "cancel_url": f"https://calendly.com/cancellations/{own_id}",
            "reschedule_url": f"https://calendly.com/reschedulings/{own_id}",
            "questions_and_answers": [],
            "tracking": {
                "utm_source": None,
                "utm_medium": None,
                "utm_campaign": None,
                "utm_content": None,
                "utm_term": None,
                "salesforce_uuid": None,
            },
            "payment": None,
            "no_show": None,
            "reconfirmation": None,
            "routing_form_submission": None,
            "scheduling_method": "api",
            "invitee_scheduled_by": None,
            "created_at": now,
            "updated_at": now,
            **invitee,
        }
        self.invitees[event["uri"]].append(made)
        return made

    def _new_event(self, kind: Json, start: datetime) -> Json:
        uri = f"{API}/scheduled_events/{uuid.uuid4()}"
        end = start + timedelta(minutes=kind["duration"])
        quarter = timedelta(minutes=15)
        now = self.now()
        event: Json = {
            "uri": uri,
            "name": kind["name"],
            "status": "active",
            "start_time": stamp(start),
            "end_time": stamp(end),
            "event_type": kind["uri"],
            "location": None,
            "invitees_counter": {
                "total": 0,
                "active": 0,
                "limit": 5 if kind["kind"] == "group" else 1,
            },
            "event_memberships": [
                {
                    "user": HOST,
                    "user_email": "host@example.com",
                    "user_name": "Host Example",
                    "buffered_start_time": stamp(start - quarter),
                    "buffered_end_time": stamp(end + quarter),
                }
            ],
            "event_guests": [],
            "calendar_event": {"kind": "google", "external_id": uuid.uuid4().hex},
            "meeting_notes_plain": None,
            "meeting_notes_html": None,
            "created_at": now,
            "updated_at": now,
        }
        self.events[uri] = event
        self.invitees[uri] = []
        return event

    def cancel(self, event: Json, reason: str, by: str = "host") -> Json:
        if event["status"] == "canceled":
            raise Refusal(403, "Permission Denied", "Event is already canceled")
        event["status"] = "canceled"
        event["cancellation"] = {
            "canceled_by": "Host Example",
            "reason": reason or None,
            "canceler_type": by,
            "created_at": self.now(),
        }
        event["invitees_counter"]["active"] = 0
        event["updated_at"] = self.now()
        for invitee in self.invitees[event["uri"]]:
            invitee["status"] = "canceled"
            invitee["updated_at"] = self.now()
        found: Json = event["cancellation"]
        return found

    def reschedule(self, event: Json, start: datetime) -> Json:
        """As the invitee does on the page: a new event, and the old one canceled (P86)."""
        (old,) = self.invitees[event["uri"]]
        kind = self.types[event["event_type"]]
        new = self.add_event(kind, start, old["email"], old_invitee=old["uri"])
        old["rescheduled"], old["new_invitee"] = True, new["uri"]
        self.cancel(event, "Moved", "invitee")
        return self.events[new["event"]]

    def add_recap(self, name: str, event: str | None = None) -> Json:
        uri = f"{API}/meeting_recaps/{uuid.uuid4()}"
        now = datetime.now(UTC)
        made: Json = {
            "uri": uri,
            "app_url": f"https://calendly.com/app/meetings/recaps/{tail(uri)[:8]}",
            "event": event,
            "status": "Available",
            "name": name,
            "location": None,
            "start_time": stamp(now - timedelta(hours=1)),
            "end_time": stamp(now - timedelta(minutes=31)),
            "created_at": self.now(),
            "updated_at": self.now(),
            "attendees": [
                {"host": True, "user_email": "host@example.com", "user_name": "Host Example"},
                {"host": False, "user_email": "ada@example.com", "user_name": "Ada Example"},
            ],
            "summary_md": "## Summary\nTalked about pricing.",
            "action_items_md": "- send quote\n- call back",
            "discussion_md": "…",
            "transcript": f"{uri}/transcript",
            "share_link": None,
        }
        self.recaps[uri] = made
        self.transcripts[uri] = "\n".join(
            f"{'Host' if n % 2 else 'Ada'} Example: Sentence {n}, at 10:30." for n in range(8)
        )
        return made
