"""Google Meet REST API v2 as Google spells it, reduced to what is read. No mapping lives here.

Reference: developers.google.com/workspace/meet/api/reference/rest/v2, discovery document meet:v2
revision 20261029. An empty list is `{}`, without the list's key; times have up to nine digits of a
second.
"""

from typing import Any

import msgspec


class ConferenceRecord(msgspec.Struct, gc=False):
    """conferenceRecords: one call that was held, or is being held while endTime is missing."""

    name: str
    startTime: str = ""
    endTime: str = ""
    expireTime: str = ""
    space: str = ""


class ConferenceRecords(msgspec.Struct, gc=False):
    """Answer of conferenceRecords.list."""

    conferenceRecords: list[ConferenceRecord] = []
    nextPageToken: str = ""


class DriveDestination(msgspec.Struct, gc=False):
    """conferenceRecords.recordings#driveDestination."""

    file: str = ""
    exportUri: str = ""


class DocsDestination(msgspec.Struct, gc=False):
    """docsDestination of conferenceRecords.transcripts and .smartNotes."""

    document: str = ""
    exportUri: str = ""


class Artifact(msgspec.Struct, gc=False):
    """conferenceRecords.recordings, .transcripts and .smartNotes, which differ by destination."""

    name: str
    state: str = ""
    startTime: str = ""
    endTime: str = ""
    driveDestination: DriveDestination | None = None
    docsDestination: DocsDestination | None = None


class Artifacts(msgspec.Struct, gc=False):
    """Answer of the three lists, with artifacts as they came."""

    recordings: list[dict[str, Any]] = []
    transcripts: list[dict[str, Any]] = []
    smartNotes: list[dict[str, Any]] = []
    nextPageToken: str = ""


class TranscriptEntry(msgspec.Struct, gc=False):
    """conferenceRecords.transcripts.entries."""

    participant: str = ""
    text: str = ""
    languageCode: str = ""
    startTime: str = ""
    endTime: str = ""


class TranscriptEntries(msgspec.Struct, gc=False):
    """Answer of conferenceRecords.transcripts.entries.list."""

    transcriptEntries: list[TranscriptEntry] = []
    nextPageToken: str = ""


class Person(msgspec.Struct, gc=False):
    """signedinUser, anonymousUser or phoneUser: a name, and never an address."""

    displayName: str = ""


class Participant(msgspec.Struct, gc=False):
    """conferenceRecords.participants; exactly one of the three kinds of user."""

    name: str
    earliestStartTime: str = ""
    latestEndTime: str = ""
    signedinUser: Person | None = None
    anonymousUser: Person | None = None
    phoneUser: Person | None = None


class Participants(msgspec.Struct, gc=False):
    """Answer of conferenceRecords.participants.list."""

    participants: list[Participant] = []
    nextPageToken: str = ""


class Space(msgspec.Struct, gc=False):
    """spaces: the room that calls are held in."""

    name: str
    meetingCode: str = ""


class Endpoint(msgspec.Struct, gc=False):
    """subscriptions#notificationEndpoint."""

    pubsubTopic: str = ""


class Subscription(msgspec.Struct, gc=False):
    """subscriptions of the Workspace Events API."""

    name: str
    expireTime: str = ""
    state: str = ""
    targetResource: str = ""
    eventTypes: list[str] = []
    notificationEndpoint: Endpoint | None = None


class Subscriptions(msgspec.Struct, gc=False):
    """Answer of subscriptions.list."""

    subscriptions: list[Subscription] = []
    nextPageToken: str = ""


class SubscriptionOperation(msgspec.Struct, gc=False):
    """Answer of subscriptions.create, .patch and .reactivate: a long-running operation."""

    name: str = ""
    done: bool = False
    error: dict[str, Any] | None = None
    response: dict[str, Any] | None = None


class UserInfo(msgspec.Struct, gc=False):
    """Answer of oauth2.userinfo.get (oauth2:v2)."""

    id: str


class PubsubMessage(msgspec.Struct, gc=False):
    """message of a Pub/Sub push; a CloudEvent in its attributes."""

    attributes: dict[str, str] = {}
    data: str = ""
    messageId: str = ""


class PubsubPush(msgspec.Struct, gc=False):
    """Body of a Pub/Sub push (cloud.google.com/pubsub/docs/push)."""

    message: PubsubMessage


class Named(msgspec.Struct, gc=False):
    """A resource of Meet, by its name alone."""

    name: str = ""


class Told(msgspec.Struct, gc=False):
    """data of a CloudEvent of Meet; other resources are not looked at."""

    conferenceRecord: Named | None = None
    recording: Named | None = None
