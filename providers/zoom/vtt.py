"""WebVTT as Zoom writes transcripts: cues with times, and the speaker before a colon.

W3C WebVTT section 4; the speaker's form is Zoom's ("Ana Ruiz: Good morning"). Nothing is fetched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

_TIMES = re.compile(
    r"(?:([0-9]{1,4}):)?([0-5]?[0-9]):([0-5][0-9])[.,]([0-9]{3})[ \t]+-->[ \t]+"
    r"(?:([0-9]{1,4}):)?([0-5]?[0-9]):([0-5][0-9])[.,]([0-9]{3})(?:[ \t].*)?"
)
_SPEAKER = re.compile(r"([^:<>\n]{1,80}):[ \t]+(.*)", re.DOTALL)
_VOICE = re.compile(r"<v(?:\.[^ \t>]*)?[ \t]+([^>\n]{1,200})>")
_TAG = re.compile(r"<[^>\n]{0,200}>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&lrm;", ""), ("&amp;", "&"))


@dataclass(frozen=True, slots=True)
class Cue:
    """One utterance; times count from the start of the recording."""

    start: timedelta
    end: timedelta
    speaker: str
    text: str


def parse_cues(content: str) -> list[Cue]:
    """Cues in order of their start; what is no cue is passed over."""
    text = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return sorted(_cues(text), key=lambda cue: cue.start)


def _cues(text: str) -> Iterator[Cue]:
    for block in re.split(r"\n{2,}", text):
        lines = block.strip("\n").split("\n")
        for index, line in enumerate(lines[:2]):
            times = _TIMES.fullmatch(line.strip())
            if times is None:
                continue
            words = "\n".join(lines[index + 1 :]).strip()
            start, end = _offset(times.groups()[:4]), _offset(times.groups()[4:])
            if words:
                yield _cue(start, max(start, end), words)
            break


def _offset(parts: tuple[str | None, ...]) -> timedelta:
    hours, minutes, seconds, millis = (int(part or 0) for part in parts)
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=millis)


def _cue(start: timedelta, end: timedelta, words: str) -> Cue:
    voice = _VOICE.search(words)
    plain = _plain(words)
    if voice is not None:
        return Cue(start, end, _plain(voice[1]), plain)
    named = _SPEAKER.fullmatch(plain)
    if named is None:
        return Cue(start, end, "", plain)
    return Cue(start, end, named[1].strip(), named[2].strip() or plain)


def _plain(text: str) -> str:
    text = _TAG.sub("", text)
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text.strip()
