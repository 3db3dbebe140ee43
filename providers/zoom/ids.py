"""Ids of Zoom's objects: what callers may name, and how each is written into a URL."""

import re
from dataclasses import dataclass

from providers.core.errors import ProviderError
from providers.core.http import quote

# 64-bit numbers of nine to eleven digits (P83), and behind a colon an occurrence of a series.
_MEETING = re.compile(r"([0-9]{1,19})(?::([0-9]{1,15}))?")
_UUID = re.compile(r"(?![0-9]+\Z)[A-Za-z0-9+/_-]{1,64}={0,2}")
_PLAIN = re.compile(r"[A-Za-z0-9_.@+-]{1,256}")


@dataclass(frozen=True, slots=True)
class MeetingId:
    """A meeting or webinar, or one occurrence of it.

    Attributes:
        number: of the meeting.
        occurrence: planned start in epoch milliseconds; "": the meeting itself.
    """

    number: str
    occurrence: str = ""

    def __str__(self) -> str:
        return f"{self.number}:{self.occurrence}" if self.occurrence else self.number

    @property
    def params(self) -> dict[str, str]:
        """The query parameter that keeps a request to the occurrence (P80)."""
        return {"occurrence_id": self.occurrence} if self.occurrence else {}


def meeting_id(text: str, resource: str) -> MeetingId:
    """What `text` names.

    Raises:
        ProviderError: NOT_FOUND for what no meeting is called. It is never sent: Zoom would take a
            deletion without its occurrence for one of the whole series.
    """
    found = _MEETING.fullmatch(text)
    if found is None:
        raise ProviderError.not_found(resource, text)
    return MeetingId(found[1], found[2] or "")


def uuid_segment(text: str, resource: str = "recording") -> str:
    """A UUID of an instance for a URL's path; encoded twice where Zoom wants that (P78).

    Raises:
        ProviderError: NOT_FOUND for what is no UUID; a plain number is none, it would name whatever
            instance was the last one (P79).
    """
    if not _UUID.fullmatch(text):
        raise ProviderError.not_found(resource, text)
    once = quote(text)
    return quote(once) if text.startswith("/") or "//" in text else once


def plain_segment(text: str, resource: str) -> str:
    """An id without signs of its own: of a user, a registrant, a schedule.

    Raises:
        ProviderError: NOT_FOUND for anything else.
    """
    if not _PLAIN.fullmatch(text) or text in (".", ".."):
        raise ProviderError.not_found(resource, text)
    return quote(text)
