"""VALARM and reminders, both ways (RFC 5545 section 3.6.6, RFC 9074). Pure.

A reminder of the contract is minutes before the start. Alarms that are something else, after the
start or tied to the end, are not shown; they are gone only when reminders are written.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime

from providers.caldav import values
from providers.caldav.planned import Planned
from providers.core.ical import Component, param
from providers.core.ical_write import escape
from ucal.v1 import event_pb2

ACTIONS: Mapping[str, event_pb2.ReminderMethod.ValueType] = {
    "DISPLAY": event_pb2.REMINDER_METHOD_POPUP,
    "EMAIL": event_pb2.REMINDER_METHOD_EMAIL,
    "AUDIO": event_pb2.REMINDER_METHOD_SOUND,
}
_WORDS = {method: word for word, method in ACTIONS.items()}
_LONGEST = 527_040


def fill(reminders: event_pb2.Reminders, alarm: Component, start: Planned | None) -> None:
    """Add the reminder that `alarm` is, if it is one."""
    minutes = _minutes(alarm, start)
    method = ACTIONS.get(alarm.text("ACTION").upper())
    if minutes is not None and method is not None:
        reminders.overrides.add(minutes_before=minutes, method=method)


def _minutes(alarm: Component, start: Planned | None) -> int | None:
    """Whole minutes before the start; None for what is not before it."""
    trigger = alarm.first("TRIGGER")
    if trigger is None or param(trigger, "RELATED").upper() == "END":
        return None
    if param(trigger, "VALUE").upper() == "DATE-TIME" or trigger[2][:1].isdigit():
        at = values.parse_utc(trigger[2])
        if at is None or not isinstance(start, datetime) or start.tzinfo is None:
            return None
        seconds = (start - at).total_seconds()
    else:
        length = values.parse_duration(trigger[2])
        if length is None:
            return None
        seconds = -length.total_seconds()
    return int(seconds // 60) if 0 <= seconds <= _LONGEST * 60 else None


def write(component: Component, reminders: event_pb2.Reminders, address: str) -> bool:
    """Make the alarms of an event say what `reminders` says; False when something had to give.

    An alarm that says it already is kept as it is, with its id and its acknowledgement. CalDAV has
    no default reminders and no text messages.
    """
    exact = not reminders.use_default
    there: dict[tuple[int, int], list[Component]] = {}
    for part in component.parts:
        if part.name == "VALARM":
            minutes = _minutes(part, None)
            method = ACTIONS.get(part.text("ACTION").upper())
            if minutes is not None and method is not None:
                there.setdefault((minutes, method), []).append(part)
    alarms = []
    for reminder in reminders.overrides:
        method = reminder.method or event_pb2.REMINDER_METHOD_POPUP
        if method not in _WORDS:
            method, exact = event_pb2.REMINDER_METHOD_POPUP, False
        known = there.get((reminder.minutes_before, method))
        alarms.append(
            known.pop() if known else _alarm(component, reminder.minutes_before, method, address)
        )
    component.parts = [part for part in component.parts if part.name != "VALARM"] + alarms
    return exact


def _alarm(
    component: Component, minutes: int, method: event_pb2.ReminderMethod.ValueType, address: str
) -> Component:
    subject = escape(component.text("SUMMARY")) or "Reminder"
    found = Component("VALARM")
    found.lines = [
        ("UID", "", str(uuid.uuid4()).upper()),
        ("ACTION", "", _WORDS[method]),
        ("TRIGGER", "", f"-PT{minutes}M"),
    ]
    if method != event_pb2.REMINDER_METHOD_SOUND:
        found.lines.append(("DESCRIPTION", "", subject))
    if method == event_pb2.REMINDER_METHOD_EMAIL:
        found.lines.append(("SUMMARY", "", subject))
        found.lines.append(("ATTENDEE", "", f"mailto:{address or 'nobody@example.invalid'}"))
    return found
