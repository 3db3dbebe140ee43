"""Acuity API v1 as Acuity spells it, reduced to what is read. No mapping lives here.

Reference: developers.acuityscheduling.com/reference. Numbers come as text at times, and what is
there or not differs from call to call; localised texts (`date`, `time`, `endTime`) are not read.
"""

import msgspec


class Me(msgspec.Struct, gc=False):
    """GET /me; the currency is told here and nowhere else."""

    email: str | None = None
    name: str | None = None
    displayName: str | None = None
    timezone: str | None = None
    currency: str | None = None
    schedulingPage: str | None = None


class Calendar(msgspec.Struct, gc=False):
    """GET /calendars."""

    id: int
    name: str | None = None
    email: str | None = None
    replyTo: str | None = None
    description: str | None = None
    location: str | None = None
    timezone: str | None = None


class FormValue(msgspec.Struct, gc=False):
    """Appointment.forms.values."""

    fieldID: int | None = None
    name: str | None = None
    value: str | int | float | bool | None = None


class AnsweredForm(msgspec.Struct, gc=False):
    """Appointment.forms."""

    values: list[FormValue] | None = None


class Appointment(msgspec.Struct, gc=False):
    """Appointment; `duration` is text in most answers."""

    id: int
    datetime: str
    duration: str | int | None = None
    firstName: str | None = None
    lastName: str | None = None
    email: str | None = None
    type: str | None = None
    appointmentTypeID: int | None = None
    calendarID: int | None = None
    calendar: str | None = None
    datetimeCreated: str | None = None
    timezone: str | None = None
    calendarTimezone: str | None = None
    canceled: bool | None = False
    location: str | None = None
    notes: str | None = None
    forms: list[AnsweredForm] | None = None


class AppointmentType(msgspec.Struct, gc=False):
    """GET /appointment-types; `active` may be text."""

    id: int
    name: str | None = None
    active: bool | str | None = None
    description: str | None = None
    duration: int | str | None = None
    price: str | int | float | None = None
    color: str | None = None
    private: bool | None = False
    type: str | None = None
    classSize: int | None = None
    paddingAfter: int | None = 0
    paddingBefore: int | None = 0
    calendarIDs: list[int] | None = None
    formIDs: list[int] | None = None
    schedulingUrl: str | None = None


class FormField(msgspec.Struct, gc=False):
    """Form.fields."""

    id: int
    name: str | None = None
    required: bool | None = False
    type: str | None = None
    options: list[str] | None = None


class Form(msgspec.Struct, gc=False):
    """GET /forms."""

    id: int
    hidden: bool | None = False
    fields: list[FormField] | None = None


class AvailableDate(msgspec.Struct, gc=False):
    """GET /availability/dates."""

    date: str


class AvailableTime(msgspec.Struct, gc=False):
    """GET /availability/times and /availability/classes."""

    time: str
    slotsAvailable: int | None = None


class Block(msgspec.Struct, gc=False):
    """GET /blocks."""

    id: int
    calendarID: int
    start: str
    end: str


class Webhook(msgspec.Struct, gc=False):
    """POST /webhooks."""

    id: int
    target: str | None = None


class Problem(msgspec.Struct, gc=False):
    """Error."""

    error: str | None = None
    message: str | None = None
