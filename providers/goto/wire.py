"""GoTo's messages, as its REST APIs spell them; mapping lives elsewhere.

Meetings: developer.goto.com/GoToMeetingV1. Names differ in case between operations there
(`meetingid`, `meetingId`), and numbers and truths may be text, so objects of meetings are read by
`api.lowered` and their fields here are in lower case. Webinars: developer.goto.com/GoToWebinarV2.
Keys have 64 bits and come as numbers or text.
"""

from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = dict[str, Any]
Key: TypeAlias = int | str | None


class Me(msgspec.Struct, gc=False):
    """GET /admin/rest/v1/me. The organizer key of both products is `key`."""

    key: Key = None
    accountKey: Key = None
    email: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    timeZone: str | None = None


class Recorded(msgspec.Struct, gc=False):
    """MeetingRecording of a HistoricalMeeting."""

    recordingid: Key = None
    recordingname: str | None = None
    downloadurl: str | None = None
    shareurl: str | None = None
    filesize: int | None = None


class Meeting(msgspec.Struct, gc=False):
    """MeetingById, UpcomingMeeting, HistoricalMeeting and MeetingCreated in one."""

    meetingid: Key = None
    subject: str | None = None
    starttime: str | None = None
    endtime: str | None = None
    createtime: str | None = None
    meetingtype: str | None = None
    conferencecallinfo: str | None = None
    passwordrequired: bool | None = None
    coorganizerkeys: list[Key] | None = None
    joinurl: str | None = None
    organizerkey: Key = None
    firstname: str | None = None
    lastname: str | None = None
    email: str | None = None
    sessionid: Key = None
    recording: Recorded | None = None


class Session(msgspec.Struct, gc=False):
    """DateTimeRange."""

    startTime: str | None = None
    endTime: str | None = None


class Webinar(msgspec.Struct, gc=False):
    """Webinar of lists, and WebinarByKey, in one."""

    webinarKey: Key = None
    organizerKey: Key = None
    organizerEmail: str | None = None
    organizerName: str | None = None
    subject: str | None = None
    description: str | None = None
    times: list[Session] | None = None
    timeZone: str | None = None
    locale: str | None = None
    approvalType: str | None = None
    registrationUrl: str | None = None
    registrationLimit: int | None = None
    type: str | None = None
    recurrenceType: str | None = None
    experienceType: str | None = None


class Counted(msgspec.Struct, gc=False):
    """`page` of lists with `_embedded`."""

    totalPages: int | None = None
    totalElements: int | None = None
    number: int | None = None


class Embedded(msgspec.Struct, gc=False):
    """`_embedded` of lists."""

    webinars: list[Json] | None = None
    recordingAssets: list[Json] | None = None


class Listed(msgspec.Struct, gc=False, rename={"embedded": "_embedded"}):
    """ReportingWebinarsResponse and AssetsResponse. An empty page may lack `_embedded`."""

    embedded: Embedded | None = None
    page: Counted | None = None


class Pieces(msgspec.Struct, gc=False):
    """RegistrantPaginatedResponse and RecordingAssetsResponse."""

    data: list[Json] | None = None
    total: int | None = None


class Made(msgspec.Struct, gc=False):
    """CreatedWebinar."""

    webinarKey: Key = None


class Panelist(msgspec.Struct, gc=False):
    """Panelist and CreatedPanelist: the id has a name in each."""

    panelistId: Key = None
    panelistKey: Key = None
    name: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    email: str | None = None
    joinLink: str | None = None


class Registrant(msgspec.Struct, gc=False):
    """Registrant, RegistrantDetailed and RegistrantCreated."""

    registrantKey: Key = None
    firstName: str | None = None
    lastName: str | None = None
    email: str | None = None
    status: str | None = None
    joinUrl: str | None = None
    registrationDate: str | None = None


class Field(msgspec.Struct, gc=False):
    """RegistrationField."""

    field: str | None = None
    required: bool | None = None


class Answer(msgspec.Struct, gc=False):
    """RegistrationAnswer."""

    answer: str | None = None
    answerKey: Key = None


class Question(msgspec.Struct, gc=False):
    """RegistrationQuestion."""

    questionKey: Key = None
    question: str | None = None
    required: bool | None = None
    type: str | None = None
    answers: list[Answer] | None = None


class Form(msgspec.Struct, gc=False):
    """RegistrationFields."""

    fields: list[Field] | None = None
    questions: list[Question] | None = None


class Asset(msgspec.Struct, gc=False):
    """Asset: a recording of a webinar."""

    recordingAssetKey: Key = None
    name: str | None = None
    productName: str | None = None
    createTime: str | None = None
    mp4DownloadUrl: str | None = None
    transcriptDownloadUrl: str | None = None
    recordingShareUrl: str | None = None
    webinarKey: Key = None


class Trouble(msgspec.Struct, gc=False, rename={"description": "error_description"}):
    """Bodies of errors: the gateway's, the older one, and OAuth's (RFC 6749 section 5.2)."""

    errorCode: object = None
    message: object = None
    int_err_code: object = None
    msg: object = None
    error: object = None
    description: object = None


class Delivered(msgspec.Struct, gc=False):
    """Body of a webhook's delivery, as far as it is used. Keys are numbers of 64 bits here."""

    eventName: str = ""
    eventKey: Key = None
    webinarKey: Key = None
    product: str = ""


class Hook(msgspec.Struct, gc=False):
    """Webhook."""

    webhookKey: Key = None
    callbackUrl: str = ""
    eventName: str = ""
    state: str | None = None

    def at(self, address: str) -> bool:
        """Whether it delivers to `address`, whatever the query."""
        return self.callbackUrl == address or self.callbackUrl.startswith(f"{address}?")


class EmbeddedHooks(msgspec.Struct, gc=False):
    """Webhooks."""

    webhooks: list[Hook] = []


class Hooks(msgspec.Struct, gc=False, rename={"embedded": "_embedded"}):
    """WebhooksResponse. An empty one may lack `_embedded`."""

    embedded: EmbeddedHooks | None = None

    @property
    def found(self) -> list[Hook]:
        """All of them."""
        return self.embedded.webhooks if self.embedded is not None else []


class UserSubscription(msgspec.Struct, gc=False):
    """UserSubscription."""

    webhookKey: Key = None
    userSubscriptionKey: Key = None
    userSubscriptionState: str | None = None


class EmbeddedSubscriptions(msgspec.Struct, gc=False):
    """UserSubscriptions."""

    userSubscriptions: list[UserSubscription] = []


class UserSubscriptions(msgspec.Struct, gc=False, rename={"embedded": "_embedded"}):
    """UserSubscriptionResponse. An empty one may lack `_embedded`."""

    embedded: EmbeddedSubscriptions | None = None

    @property
    def found(self) -> list[UserSubscription]:
        """All of them."""
        return self.embedded.userSubscriptions if self.embedded is not None else []
