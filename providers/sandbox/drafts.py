"""An event before it is saved: checked as a whole, defaults filled in, the rest derived."""

from dataclasses import dataclass, field

from providers.core import recurrence, times
from providers.core.errors import Kind, ProviderError
from providers.sandbox import conferences, guests
from providers.sandbox.world import World
from ucal.v1 import event_pb2, types_pb2

WRITABLE = (
    "subject",
    "description",
    "start_at",
    "end_at",
    "timezone",
    "status",
    "attendees",
    "location",
    "recurrence",
    "conference",
    "attachments",
    "visibility",
    "show_as",
    "type",
    "reminders",
    "color",
    "room_ids",
    "metadata",
    "categories",
    "booking_answers",
)
# What an attendee may write in an event that somebody else called.
OWN_FIELDS = frozenset(
    {"visibility", "show_as", "reminders", "color", "metadata", "categories", "calendar_id"}
)

_SHOW_AS = {
    event_pb2.EVENT_TYPE_OUT_OF_OFFICE: event_pb2.SHOW_AS_OUT_OF_OFFICE,
    event_pb2.EVENT_TYPE_WORKING_LOCATION: event_pb2.SHOW_AS_WORKING_ELSEWHERE,
    event_pb2.EVENT_TYPE_BIRTHDAY: event_pb2.SHOW_AS_FREE,
}


@dataclass(slots=True)
class Losses:
    """Fields that could not be kept as they were asked for."""

    dropped: list[str] = field(default_factory=list)
    coerced: list[str] = field(default_factory=list)

    def report(self, report: types_pb2.WriteReport) -> None:
        """Write them into a report."""
        report.dropped_fields.paths.extend(self.dropped)
        report.coerced_fields.paths.extend(self.coerced)

    def refuse_if(self, strict: bool) -> None:
        """Refuse a loss that the caller does not want.

        Raises:
            ProviderError: PRECONDITION.
        """
        lost = self.dropped + self.coerced
        if strict and lost:
            raise ProviderError(
                Kind.PRECONDITION,
                f"the sandbox cannot keep as asked: {', '.join(lost)}",
                reason="FIELDS_NOT_SUPPORTED",
                violations=[(f"event.{name}", "cannot be kept as asked") for name in lost],
            )


def settle(world: World, event: event_pb2.Event, before: event_pb2.Event | None) -> Losses:
    """Make `event` fit to be saved. `before` is what it was, for an event that is there.

    Raises:
        ProviderError: INVALID, naming the field.
    """
    losses = Losses()
    settle_times(event)
    _settle_recurrence(event)
    _settle_words(event, losses)
    guests.seat(world, event, before.attendees if before else ())
    call = before.conference if before and before.HasField("conference") else None
    if not conferences.settle(world, event, call):
        losses.dropped.append("conference")
    return losses


def settle_times(event: event_pb2.Event) -> None:
    """Start and end are there, of one form and in order.

    Raises:
        ProviderError: INVALID, naming the field.
    """
    start, end = event.start_at.WhichOneof("value"), event.end_at.WhichOneof("value")
    if start is None:
        raise ProviderError.invalid("event.start_at", "is required")
    if end is None:
        raise ProviderError.invalid("event.end_at", "is required")
    if start != end:
        raise ProviderError.invalid("event.end_at", f"must be a {start}, as event.start_at is")
    event.is_all_day = start == "date"
    begins, ends = times.instant(event.start_at), times.instant(event.end_at)
    if ends < begins or (event.is_all_day and ends == begins):
        raise ProviderError.invalid(
            "event.end_at", "must be after event.start_at; the end of an all-day event is exclusive"
        )


def _settle_recurrence(event: event_pb2.Event) -> None:
    if not event.recurrence.rules:
        event.ClearField("recurrence")
        return
    if event.start_at.HasField("timestamp") and not event.start_at.time_zone:
        raise ProviderError.invalid("event.start_at.time_zone", "is required beside recurrence")
    rules = list(event.recurrence.rules)
    recurrence.validate(rules, event.start_at)
    event.recurrence.Clear()
    recurrence.fill(event.recurrence, rules, event.start_at)


def _settle_words(event: event_pb2.Event, losses: Losses) -> None:
    if event.type == event_pb2.EVENT_TYPE_OTHER:
        event.type = event_pb2.EVENT_TYPE_DEFAULT
        losses.coerced.append("type")
    event.type = event.type or event_pb2.EVENT_TYPE_DEFAULT
    event.status = event.status or event_pb2.EVENT_STATUS_CONFIRMED
    event.visibility = event.visibility or event_pb2.EVENT_VISIBILITY_DEFAULT
    event.show_as = event.show_as or _SHOW_AS.get(event.type, event_pb2.SHOW_AS_BUSY)
    if event.reminders.use_default and event.reminders.overrides:
        raise ProviderError.invalid(
            "event.reminders.overrides", "must be empty beside reminders.use_default"
        )
    if not event.HasField("reminders"):
        event.reminders.use_default = True
    for index, attachment in enumerate(event.attachments):
        if not attachment.url:
            raise ProviderError.invalid(f"event.attachments[{index}].url", "is required")


def check_organizer(world: World, event: event_pb2.Event, touched: frozenset[str]) -> None:
    """Only who called an event may change what others see of it.

    Raises:
        ProviderError: FORBIDDEN.
    """
    if guests.is_account(world, event.organizer.email) or touched <= OWN_FIELDS:
        return
    raise ProviderError(
        Kind.FORBIDDEN,
        "somebody else called this event: only own fields can be changed "
        f"({', '.join(sorted(OWN_FIELDS))}), and RespondToEvent answers it",
        reason="NOT_ORGANIZER",
    )
