"""Transcripts of Teams: WebVTT as Teams writes it, into utterances. Pure.

learn.microsoft.com/graph/api/calltranscript-get: `<v Name>text</v>` in each cue, times without
leading zeros ("0:0:5.320"), and offsets before the start of the recording (seen in 2026). Anything
else of WebVTT (W3C) is passed over.
"""

import html
import re
from collections.abc import Iterator
from datetime import timedelta

from ucal.v1 import recording_pb2

MAX_SEGMENTS = 100_000
_CUE = re.compile(r"(-?[\d:.]+)\s*-->\s*(-?[\d:.]+)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_TAG = re.compile(r"</?[a-z][^>]*>|<[\d:.]+>")
_TIME = re.compile(r"(-?)(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?")


def _offset(text: str) -> timedelta | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    sign, hours, minutes, seconds, fraction = found.groups()
    when = timedelta(
        hours=int(hours or 0),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int((fraction or "0").ljust(6, "0")),
    )
    # What was said before the recording began is put at its beginning.
    return timedelta() if sign else when


def segments(content: bytes) -> list[recording_pb2.TranscriptSegment]:
    """The utterances in order of their start, at most `MAX_SEGMENTS`."""
    text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    found = []
    for start, end, speaker, words in _cues(text):
        segment = recording_pb2.TranscriptSegment(speaker=speaker, text=words)
        segment.start_offset.FromTimedelta(start)
        segment.end_offset.FromTimedelta(max(start, end))
        found.append(segment)
        if len(found) == MAX_SEGMENTS:
            break
    return sorted(found, key=lambda each: each.start_offset.ToNanoseconds())


def _cues(text: str) -> Iterator[tuple[timedelta, timedelta, str, str]]:
    for block in text.split("\n\n"):
        lines = block.strip("\n").split("\n")
        at = next((n for n, line in enumerate(lines) if "-->" in line), None)
        if at is None:
            continue
        times = _CUE.search(lines[at])
        start = _offset(times[1]) if times else None
        end = _offset(times[2]) if times else None
        if start is None or end is None:
            continue
        for speaker, words in _voices("\n".join(lines[at + 1 :])):
            yield start, end, speaker, words


def _voices(text: str) -> Iterator[tuple[str, str]]:
    """Who says what in one cue; several people may."""
    marks = list(_VOICE.finditer(text))
    if not marks:
        marks_text = _plain(text)
        if marks_text:
            yield "", marks_text
        return
    for number, mark in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        words = _plain(text[mark.end() : end])
        if words:
            yield html.unescape(mark[1]).strip(), words


def _plain(text: str) -> str:
    return " ".join(html.unescape(_TAG.sub("", text)).split())
