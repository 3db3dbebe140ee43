"""ORGANIZER and ATTENDEE lines, both ways (RFC 5545 sections 3.8.4.1, 3.8.4.3; RFC 6638). Pure.

Lines of people who stay are kept with all their parameters: an answer that was given, what the
server noted about delivery, and whatever other clients wrote.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

from providers.core.ical import Component, Line, param, params_of, plain
from providers.core.ical_write import join_params, quote
from ucal.v1 import event_pb2, types_pb2

RESPONSES: Mapping[str, types_pb2.AttendeeResponse.ValueType] = {
    "NEEDS-ACTION": types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION,
    "ACCEPTED": types_pb2.ATTENDEE_RESPONSE_ACCEPTED,
    "TENTATIVE": types_pb2.ATTENDEE_RESPONSE_TENTATIVE,
    "DECLINED": types_pb2.ATTENDEE_RESPONSE_DECLINED,
}
ROLES: Mapping[str, types_pb2.AttendeeRole.ValueType] = {
    "REQ-PARTICIPANT": types_pb2.ATTENDEE_ROLE_REQUIRED,
    "OPT-PARTICIPANT": types_pb2.ATTENDEE_ROLE_OPTIONAL,
    "NON-PARTICIPANT": types_pb2.ATTENDEE_ROLE_NON_PARTICIPANT,
    "CHAIR": types_pb2.ATTENDEE_ROLE_HOST,
}
PARTSTATS = {response: word for word, response in RESPONSES.items()}
ROLE_WORDS = {role: word for word, role in ROLES.items()}
_RESOURCES = frozenset({"RESOURCE", "ROOM"})
_COMMENTS = ("X-RESPONSE-COMMENT", "X-CALENDARSERVER-ATTENDEE-COMMENT")


# -- reading


def address_of(line: Line) -> str:
    """Mail address of an ATTENDEE or ORGANIZER, as written; "" when it has none."""
    value = line[2].strip()
    if value[:7].lower() == "mailto:":
        address = value[7:]
        return unquote(address) if "%" in address else address
    return param(line, "EMAIL") or (value if "@" in value and ":" not in value else "")


def _params(line: Line) -> dict[str, str]:
    """`params_of`, by the shorter way that most lines allow."""
    text = line[1]
    if '"' in text:
        return params_of(line)
    parts = [part.partition("=") for part in text.split(";")[1:]]
    return {name.upper(): value for name, _, value in parts}


def fill_person(person: types_pb2.Person, line: Line) -> None:
    """Write who `line` names."""
    person.email = address_of(line)
    person.name = plain(_params(line).get("CN", ""))


def fill_attendee(event: event_pb2.Event, line: Line, addresses: frozenset[str]) -> None:
    """Add the attendee that `line` names."""
    params = _params(line)
    found = event.attendees.add()
    address = found.email = address_of(line)
    if "CN" in params:
        found.name = plain(params["CN"])
    response = found.response = RESPONSES.get(
        params.get("PARTSTAT", "NEEDS-ACTION").strip('"').upper(),
        types_pb2.ATTENDEE_RESPONSE_UNSPECIFIED,
    )
    found.role = ROLES.get(
        params.get("ROLE", "REQ-PARTICIPANT").strip('"').upper(), types_pb2.ATTENDEE_ROLE_REQUIRED
    )
    if "CUTYPE" in params:
        found.is_resource = params["CUTYPE"].strip('"').upper() in _RESOURCES
    for name in _COMMENTS:
        if name in params:
            found.comment = plain(params[name])
            break
    if address.lower() in addresses:
        found.is_self = True
        event.own_response = response


def finish(event: event_pb2.Event) -> None:
    """Mark the organizer among the attendees."""
    if not event.attendees or not event.organizer.email:
        return
    organizer = event.organizer.email.lower()
    for attendee in event.attendees:
        if attendee.email.lower() == organizer:
            attendee.is_organizer = True


# -- writing


def organizer_line(person: types_pb2.Person) -> Line:
    """ORGANIZER."""
    return ("ORGANIZER", _name(person.name), f"mailto:{person.email}")


def attendee_line(attendee: types_pb2.Attendee) -> Line:
    """ATTENDEE of somebody who is invited now."""
    params = {
        "CUTYPE": "RESOURCE" if attendee.is_resource else "INDIVIDUAL",
        "ROLE": ROLE_WORDS.get(attendee.role, "REQ-PARTICIPANT"),
        "PARTSTAT": "NEEDS-ACTION",
        "RSVP": "TRUE",
    }
    return ("ATTENDEE", _name(attendee.name) + join_params(params), f"mailto:{attendee.email}")


def _name(name: str) -> str:
    return f";CN={quote(name)}" if name else ""


def write_attendees(component: Component, wanted: Sequence[types_pb2.Attendee]) -> None:
    """Make the ATTENDEE lines say who is `wanted`; those who were there keep their line (P49)."""
    there = {address_of(line).lower(): line for line in component.every("ATTENDEE")}
    lines = []
    for attendee in wanted:
        line = there.get(attendee.email.lower())
        lines.append(attendee_line(attendee) if line is None else _changed(line, attendee))
    component.put_all(["ATTENDEE"], lines)


def _changed(line: Line, attendee: types_pb2.Attendee) -> Line:
    params = params_of(line)
    if attendee.name and attendee.name != param(line, "CN"):
        params["CN"] = quote(attendee.name)
    known = ROLES.get(params.get("ROLE", "REQ-PARTICIPANT").upper())
    if attendee.role and attendee.role != known:
        params["ROLE"] = ROLE_WORDS[attendee.role]
    if attendee.is_resource and params.get("CUTYPE", "").upper() not in _RESOURCES:
        params["CUTYPE"] = "RESOURCE"
    return ("ATTENDEE", join_params(params), line[2])


def change(
    event: event_pb2.Event, add: Iterable[types_pb2.Attendee], remove: Iterable[str]
) -> None:
    """Add and remove attendees of `event` and leave the others as they are (P50)."""
    gone = {email.lower() for email in remove}
    kept = event_pb2.Event(attendees=[a for a in event.attendees if a.email.lower() not in gone])
    there = {attendee.email.lower(): attendee for attendee in kept.attendees}
    for new in add:
        place = there.get(new.email.lower())
        if place is None:
            place = there[new.email.lower()] = kept.attendees.add(email=new.email)
        place.name = new.name or place.name
        place.role = new.role or place.role
        place.is_resource = new.is_resource or place.is_resource
    event.ClearField("attendees")
    event.attendees.MergeFrom(kept.attendees)


def silence(component: Component) -> None:
    """Tell the server not to write to the attendees (RFC 6638 section 7.1)."""
    component.lines = [
        _with(line, "SCHEDULE-AGENT", "CLIENT") if line[0] == "ATTENDEE" else line
        for line in component.lines
    ]


def silence_reply(component: Component) -> None:
    """Tell the server not to write to the organizer."""
    component.lines = [
        _with(line, "SCHEDULE-AGENT", "CLIENT") if line[0] == "ORGANIZER" else line
        for line in component.lines
    ]


def speak(component: Component) -> None:
    """Undo `silence` and `silence_reply`: the server writes to people again."""
    component.lines = [
        _without(line, "SCHEDULE-AGENT") if line[0] in {"ATTENDEE", "ORGANIZER"} else line
        for line in component.lines
    ]


def answer(
    component: Component,
    addresses: frozenset[str],
    response: types_pb2.AttendeeResponse.ValueType,
) -> bool:
    """Write the account's own answer into its line and no other; False when it has none (P51)."""
    done = False
    lines = []
    for line in component.lines:
        if line[0] == "ATTENDEE" and address_of(line).lower() in addresses:
            done = True
            lines.append(_without(_with(line, "PARTSTAT", PARTSTATS[response]), "RSVP"))
        else:
            lines.append(line)
    component.lines = lines
    return done


def _with(line: Line, name: str, value: str) -> Line:
    params = params_of(line)
    params[name] = value
    return (line[0], join_params(params), line[2])


def _without(line: Line, name: str) -> Line:
    params = params_of(line)
    if params.pop(name, None) is None:
        return line
    return (line[0], join_params(params), line[2])
