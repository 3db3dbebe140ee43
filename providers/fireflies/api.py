"""Questions to Fireflies: queries, and errors beside data. Nothing but queries.

docs.fireflies.ai, GraphQL API. The mutations that there are (deleteTranscript destroys the
recording) have no place here: what is mapped is read-only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.fireflies.errors import error_of
from providers.fireflies.wire import Answer, Running, Transcript, Trouble, Words

T = TypeVar("T")
Variables: TypeAlias = Mapping[str, str | int]
Data: TypeAlias = Mapping[str, msgspec.Raw]

_NULL = msgspec.Raw(b"null")

# Signed URLs are asked for only where they are shown.
_MEETING = (
    "id title date dateString duration privacy organizer_email host_email participants "
    "fireflies_users meeting_link calendar_id cal_id calendar_type transcript_url is_live "
    "meeting_attendees{displayName name email} "
    "meeting_info{fred_joined silent_meeting summary_status}"
)
_RECORDING = f"{_MEETING} audio_url video_url summary{{overview short_summary action_items}}"
_RUNNING = (
    "active_meetings{id title organizer_email meeting_link start_time end_time privacy state}"
)
_LIST_VARIABLES = (
    "$fromDate:DateTime,$toDate:DateTime,$limit:Int,$skip:Int,$keyword:String,$scope:String"
)
_LIST_ARGUMENTS = (
    "fromDate:$fromDate,toDate:$toDate,limit:$limit,skip:$skip,keyword:$keyword,scope:$scope"
)

LIST_EVENTS = f"query({_LIST_VARIABLES}){{transcripts({_LIST_ARGUMENTS}){{{_MEETING}}}}}"
LIST_EVENTS_AND_RUNNING = (
    f"query({_LIST_VARIABLES}){{transcripts({_LIST_ARGUMENTS}){{{_MEETING}}} {_RUNNING}}}"
)
LIST_RECORDINGS = f"query({_LIST_VARIABLES}){{transcripts({_LIST_ARGUMENTS}){{{_RECORDING}}}}}"
GET_EVENT = f"query($id:String!){{transcript(id:$id){{{_MEETING}}}}}"
GET_RECORDING = f"query($id:String!){{transcript(id:$id){{{_RECORDING}}}}}"
GET_WORDS = (
    "query($id:String!){transcript(id:$id){id speakers{id name} "
    "sentences{index speaker_id speaker_name text raw_text start_time end_time}}}"
)
GET_RUNNING = f"query{{{_RUNNING}}}"
GET_USER = "query{user{user_id email name is_admin}}"

# Errors of `active_meetings` that leave a list of transcripts as it is: the key may not see them.
_NOT_FOR_THIS_KEY = frozenset({Kind.FORBIDDEN, Kind.PRECONDITION, Kind.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """An object as it is read, and as it was sent."""

    it: T
    sent: bytes

    def fill_raw(self, target: Any, own_id: str) -> None:
        """Copy what was sent into `target`, a Struct."""
        fill_raw(target, msgspec.json.decode(self.sent), own_id)


Meeting: TypeAlias = Found[Transcript] | Found[Running]


async def ask(
    call: Call,
    query: str,
    variables: Variables,
    root: str,
    *,
    needed: frozenset[str] = frozenset(),
) -> tuple[Data, Reply]:
    """Send one query; its data.

    Errors of single fields, which a plan may not include, leave the fields empty.

    Args:
        root: field of the query that must be there.
        needed: fields below it that must be there too.

    Raises:
        ProviderError: as `Http.send`, and for errors that come with HTTP 200.
    """
    body = {"query": query, "variables": variables}
    reply = await call.http.send("POST", "graphql", json=body, reads=True)
    answer = decode(reply, Answer)
    for trouble in answer.errors or ():
        error = error_of(reply, trouble)
        if not _is_partial(trouble, error.kind, root, needed):
            raise error
    return answer.data or {}, reply


def _is_partial(trouble: Trouble, kind: Kind, root: str, needed: frozenset[str]) -> bool:
    path = trouble.path or []
    if not path:
        return False
    if path[0] != root:
        return kind in _NOT_FOR_THIS_KEY
    return len(path) > 1 and not needed.intersection(map(str, path[1:]))


async def transcript(
    call: Call,
    query: str,
    own_id: str,
    type: type[T],
    *,
    kind: str = "recording",
    needed: str = "",
) -> Found[T]:
    """The transcript `own_id`.

    Args:
        kind: what the caller calls it.
        needed: field that must be there.

    Raises:
        ProviderError: NOT_FOUND.
    """
    names = frozenset({needed} if needed else ())
    try:
        data, reply = await ask(call, query, {"id": own_id}, "transcript", needed=names)
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND:
            error.resource = (kind, own_id)
        raise
    sent = bytes(data.get("transcript", _NULL))
    if sent == b"null":
        raise ProviderError.not_found(kind, own_id)
    return Found(part(data, reply, "transcript", type), sent)


def part(data: Data, reply: Reply, root: str, type: type[T]) -> T:
    """The field `root` of an answer as `type`.

    Raises:
        ProviderError: PROVIDER_FAULT when it is not.
    """
    return decode(replace(reply, content=bytes(data.get(root, _NULL))), type)


def each(data: Data, reply: Reply, root: str, type: type[T]) -> Iterator[Found[T] | None]:
    """The objects of the list `root`; None for one that is not as documented (P70).

    Raises:
        ProviderError: PROVIDER_FAULT when it is no list.
    """
    for sent in part(data, reply, root, list[msgspec.Raw]):
        try:
            yield Found(msgspec.json.decode(sent, type=type), bytes(sent))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            yield None


def running(data: Data, reply: Reply) -> list[Found[Running]]:
    """Running meetings beside other data; none where the key may not see them."""
    if bytes(data.get("active_meetings", _NULL)) == b"null":
        return []
    return [one for one in each(data, reply, "active_meetings", Running) if one is not None]


async def words(call: Call, own_id: str) -> Words:
    """What was said in `own_id`."""
    return (await transcript(call, GET_WORDS, own_id, Words, needed="sentences")).it


async def event(call: Call, own_id: str) -> Meeting:
    """The transcript, or the running meeting, `own_id`.

    Raises:
        ProviderError: NOT_FOUND.
    """
    try:
        return await transcript(call, GET_EVENT, own_id, Transcript, kind="event")
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        missing = error
    data, reply = await ask(call, GET_RUNNING, {}, "active_meetings")
    for one in running(data, reply):
        if one.it.id == own_id:
            return one
    raise missing
