"""Calendly's words and the contract's, read in both directions."""

from collections.abc import Mapping

from ucal.v1 import event_pb2, recording_pb2, types_pb2

STATUS: Mapping[str | None, event_pb2.EventStatus.ValueType] = {
    "active": event_pb2.EVENT_STATUS_CONFIRMED,
    "canceled": event_pb2.EVENT_STATUS_CANCELED,
}
INVITEE_STATUS: Mapping[str | None, types_pb2.AttendeeResponse.ValueType] = {
    "active": types_pb2.ATTENDEE_RESPONSE_ACCEPTED,
    "accepted": types_pb2.ATTENDEE_RESPONSE_ACCEPTED,
    "canceled": types_pb2.ATTENDEE_RESPONSE_DECLINED,
    "declined": types_pb2.ATTENDEE_RESPONSE_DECLINED,
}
# `kind` of a place that an event type offers. Events say some of them otherwise: see EVENT_CALLS.
CALLS: Mapping[str, types_pb2.ConferenceKind.ValueType] = {
    "zoom_conference": types_pb2.CONFERENCE_KIND_ZOOM,
    "google_conference": types_pb2.CONFERENCE_KIND_GOOGLE_MEET,
    "microsoft_teams_conference": types_pb2.CONFERENCE_KIND_TEAMS,
    "gotomeeting_conference": types_pb2.CONFERENCE_KIND_GOTO,
    "webex_conference": types_pb2.CONFERENCE_KIND_WEBEX,
}
KIND_OF_CALL: Mapping[types_pb2.ConferenceKind.ValueType, str] = {
    call: kind for kind, call in CALLS.items()
}
EVENT_CALLS: Mapping[str, types_pb2.ConferenceKind.ValueType] = {
    **CALLS,
    "zoom": types_pb2.CONFERENCE_KIND_ZOOM,
    "gotomeeting": types_pb2.CONFERENCE_KIND_GOTO,
}
CALL_STATE: Mapping[str | None, types_pb2.ConferenceState.ValueType] = {
    "initiated": types_pb2.CONFERENCE_STATE_PENDING,
    "processing": types_pb2.CONFERENCE_STATE_PENDING,
    "pushed": types_pb2.CONFERENCE_STATE_READY,
    "failed": types_pb2.CONFERENCE_STATE_FAILED,
}
# Places that whoever books, or the type, has to name in words.
PHYSICAL = "physical"
CUSTOM = "custom"
INBOUND = "inbound_call"
TOLD_BY_INVITEE = frozenset({"ask_invitee", "outbound_call"})
NEEDS_TEXT = frozenset({PHYSICAL, CUSTOM, INBOUND})

# Answers have capitals, queries have none.
RECAP_STATE: Mapping[str, recording_pb2.MediaState.ValueType] = {
    "available": recording_pb2.MEDIA_STATE_READY,
    "processing": recording_pb2.MEDIA_STATE_PROCESSING,
    "unavailable": recording_pb2.MEDIA_STATE_FAILED,
}
