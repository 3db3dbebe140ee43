"""Teams and Bookings as Microsoft Graph v1.0 spells them, reduced to what is read. No mapping."""

import msgspec

from providers.microsoft.wire import DateTimeTimeZone, ItemBody, Location


class Identity(msgspec.Struct, gc=False):
    """resources/identity."""

    id: str | None = None
    displayName: str | None = None
    email: str | None = None


class IdentitySet(msgspec.Struct, gc=False):
    """resources/identityset."""

    user: Identity | None = None


class OnlineMeeting(msgspec.Struct, gc=False):
    """resources/onlinemeeting."""

    id: str
    subject: str | None = None
    joinWebUrl: str | None = None
    meetingSpokenLanguageTag: str | None = None


class OnlineMeetings(msgspec.Struct, gc=False):
    """What a filter of meetings finds."""

    value: list[OnlineMeeting] = []


class CallArtifact(msgspec.Struct, gc=False):
    """resources/callrecording and resources/calltranscript."""

    id: str
    meetingId: str | None = None
    contentCorrelationId: str | None = None
    createdDateTime: str | None = None
    endDateTime: str | None = None
    meetingOrganizer: IdentitySet | None = None


class Webinar(msgspec.Struct, gc=False):
    """resources/virtualeventwebinar."""

    id: str
    displayName: str | None = None
    description: ItemBody | None = None
    startDateTime: DateTimeTimeZone | None = None
    endDateTime: DateTimeTimeZone | None = None
    status: str | None = None
    isRegistrationRequired: bool | None = None
    createdBy: IdentitySet | None = None


class Presenter(msgspec.Struct, gc=False):
    """resources/virtualeventpresenter."""

    id: str
    email: str | None = None
    identity: Identity | None = None


class Presenters(msgspec.Struct, gc=False):
    """A list of presenters."""

    value: list[Presenter] = []


class Session(msgspec.Struct, gc=False):
    """resources/virtualeventsession."""

    id: str
    joinWebUrl: str | None = None
    videoOnDemandWebUrl: str | None = None


class Sessions(msgspec.Struct, gc=False):
    """A list of sessions."""

    value: list[Session] = []


class Question(msgspec.Struct, gc=False):
    """resources/virtualeventregistrationquestionbase; `label` of predefined ones."""

    id: str
    displayName: str | None = None
    isRequired: bool | None = None
    label: str | None = None


class Questions(msgspec.Struct, gc=False):
    """A list of questions."""

    value: list[Question] = []


class RegistrationConfiguration(msgspec.Struct, gc=False):
    """resources/virtualeventwebinarregistrationconfiguration."""

    capacity: int | None = None
    registrationWebUrl: str | None = None
    isManualApprovalEnabled: bool | None = None


class QuestionAnswer(msgspec.Struct, gc=False):
    """resources/virtualeventregistrationquestionanswer."""

    questionId: str | None = None
    displayName: str | None = None
    value: str | None = None
    booleanValue: bool | None = None
    multiChoiceValues: list[str] | None = None


class Registration(msgspec.Struct, gc=False):
    """resources/virtualeventregistration; its times have no zone and are UTC."""

    id: str
    firstName: str | None = None
    lastName: str | None = None
    email: str | None = None
    status: str | None = None
    registrationDateTime: str | None = None
    registrationQuestionAnswers: list[QuestionAnswer] | None = None


class Registrations(msgspec.Struct, gc=False):
    """A page of registrations."""

    value: list[Registration] = []
    nextLink: str = msgspec.field(default="", name="@odata.nextLink")


class Business(msgspec.Struct, gc=False):
    """resources/bookingbusiness; lists tell id and name alone."""

    id: str
    displayName: str | None = None
    email: str | None = None
    isPublished: bool | None = None
    publicUrl: str | None = None
    defaultCurrencyIso: str | None = None


class Businesses(msgspec.Struct, gc=False):
    """A page of businesses."""

    value: list[Business] = []
    nextLink: str = msgspec.field(default="", name="@odata.nextLink")


class SchedulingPolicy(msgspec.Struct, gc=False):
    """resources/bookingschedulingpolicy."""

    minimumLeadTime: str | None = None


class QuestionAssignment(msgspec.Struct, gc=False):
    """resources/bookingquestionassignment."""

    questionId: str | None = None
    isRequired: bool | None = None


class Service(msgspec.Struct, gc=False):
    """resources/bookingservice; durations are ISO 8601."""

    id: str
    displayName: str | None = None
    description: str | None = None
    webUrl: str | None = None
    defaultDuration: str | None = None
    defaultLocation: Location | None = None
    defaultPrice: float | None = None
    defaultPriceType: str | None = None
    isHiddenFromCustomers: bool | None = None
    isLocationOnline: bool | None = None
    preBuffer: str | None = None
    postBuffer: str | None = None
    maximumAttendeesCount: int | None = None
    schedulingPolicy: SchedulingPolicy | None = None
    customQuestions: list[QuestionAssignment] | None = None
    createdDateTime: str | None = None
    lastUpdatedDateTime: str | None = None


class CustomQuestion(msgspec.Struct, gc=False):
    """resources/bookingcustomquestion."""

    id: str
    displayName: str | None = None
    answerInputType: str | None = None
    answerOptions: list[str] | None = None


class CustomQuestions(msgspec.Struct, gc=False):
    """A list of questions of a business."""

    value: list[CustomQuestion] = []


class Named(msgspec.Struct, gc=False):
    """Anything that has an id."""

    id: str


class NamedList(msgspec.Struct, gc=False):
    """A list of which the ids alone are wanted."""

    value: list[Named] = []


class User(msgspec.Struct, gc=False):
    """resources/user."""

    id: str = ""
    displayName: str | None = None
    mail: str | None = None
    userPrincipalName: str | None = None
