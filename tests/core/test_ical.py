"""iCalendar read and written: nothing is lost, nothing takes long, nothing breaks out."""

import re
import time
from pathlib import Path

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core import ical, ical_write
from providers.core.errors import Kind, ProviderError

FOLDER = Path(__file__).parents[3] / "shared" / "specs" / "caldav" / "ics"
FILES = sorted(FOLDER.glob("*.ics")) if FOLDER.is_dir() else []
WHOLE = [path for path in FILES if b"VCALENDAR" in path.read_bytes()]
MISSING = "the shared specs (../shared/specs/caldav/ics) are not here"


def calendar(*lines: str) -> ical.Component:
    text = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"])
    return ical.read(text).events[0]


# -- against another reader


# Values that `icalendar` splits, joins or drops, so that its lines are not those of the file.
LISTS = {"CATEGORIES", "RDATE", "EXDATE", "FREEBUSY", "RESOURCES"}


@pytest.mark.skipif(not FILES, reason=MISSING)
@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_reads_what_icalendar_reads(path: Path) -> None:
    data = path.read_bytes()
    theirs = icalendar.Calendar.from_ical(data, multiple=True)
    ours = ical.components(ical.unfold(data))
    assert [each.name for each in theirs] == [each.name for each in ours]
    for one, other in zip(theirs, ours, strict=True):
        _same(one, other)


def _same(theirs: icalendar.cal.Component, ours: ical.Component) -> None:
    assert theirs.name == ours.name
    names = [name for name, _ in theirs.property_items(recursive=False)]
    known = {name.upper() for name in names} - {"BEGIN", "END"}
    assert {line[0] for line in ours.lines} - known <= {name for name, _ in theirs.errors}
    for name in known - LISTS:
        values = theirs.get(name)
        texts = [_text(value) for value in (values if isinstance(values, list) else [values])]
        mine = [ical.unescape(line[2]) for line in ours.every(name)]
        if name in {"SUMMARY", "DESCRIPTION", "LOCATION", "UID", "COMMENT", "STATUS", "CLASS"}:
            assert mine == [text.replace('\\"', '"') for text in texts]  # Apple escapes quotes
        assert len(mine) == len(texts), name
        for value, line in zip(
            values if isinstance(values, list) else [values], ours.every(name), strict=True
        ):
            for key, text in getattr(value, "params", {}).items():
                if isinstance(text, str) and key.upper() != "VALUE":
                    assert ical.param(line, key.upper()) == text
    assert len(theirs.subcomponents) == len(ours.parts)
    for one, other in zip(theirs.subcomponents, ours.parts, strict=True):
        _same(one, other)


def _text(value: object) -> str:
    return str(value)


@pytest.mark.skipif(not FILES, reason=MISSING)
@pytest.mark.parametrize("path", WHOLE, ids=[path.stem for path in WHOLE])
def test_files_survive_being_written(path: Path) -> None:
    data = path.read_bytes()
    document = ical.read(data)
    written = ical_write.write(document)
    assert ical.read(written) == document
    first, end, _ = ical.unfold(data).partition("END:VCALENDAR")  # what follows is another one
    unfolded = [line.strip() for line in f"{first}{end}".split("\n") if ":" in line]
    ours = ical.unfold(written).rstrip("\n").split("\n")
    assert sorted(line.strip() for line in ours) == sorted(unfolded)
    for line in written.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()
    icalendar.Calendar.from_ical(written)


# -- lenient reading


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("fold", [" ", "\t"])
def test_line_ends_and_folds(end: str, fold: str) -> None:
    text = end.join(
        [
            "BEGIN:VCALENDAR",
            "BEGIN:VEVENT",
            "SUMMARY:Long ",
            f"{fold}walk",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )
    assert ical.read(text).events[0].text("SUMMARY") == "Long walk"
    assert ical.read(text.encode()).events[0].text("SUMMARY") == "Long walk"


def test_a_fold_in_the_middle_of_a_character() -> None:
    data = "BEGIN:VCALENDAR\r\nX-A:für\r\nEND:VCALENDAR\r\n".encode().replace(
        b"\xc3\xbc", b"\xc3\r\n \xbc"
    )
    assert ical.read(data).root.text("X-A") == "für"


def test_a_byte_order_mark_and_bytes_that_are_no_text() -> None:
    assert ical.read(b"\xef\xbb\xbfBEGIN:VCALENDAR\nX:1\nEND:VCALENDAR").root.text("X") == "1"
    assert ical.read("\ufeffBEGIN:VCALENDAR\nX:1\nEND:VCALENDAR").root.text("X") == "1"
    assert ical.read(b"BEGIN:VCALENDAR\nX:a\xffb\nEND:VCALENDAR").root.text("X") == "a\ufffdb"


@pytest.mark.parametrize(
    ("line", "name", "params", "value"),
    [
        ("summary:x", "SUMMARY", {}, "x"),
        ("X-FOO;A=1;B=2:v:w;x", "X-FOO", {"A": "1", "B": "2"}, "v:w;x"),
        ('X-A;CN="Doe, J: the; 2nd":mailto:j@x', "X-A", {"CN": "Doe, J: the; 2nd"}, "mailto:j@x"),
        ("ATTENDEE;CN=^'Al^' ^n ^^:mailto:a@x", "ATTENDEE", {"CN": '"Al" \n ^'}, "mailto:a@x"),
        ('X-A;TZID="(UTC-05:00) East":2020', "X-A", {"TZID": "(UTC-05:00) East"}, "2020"),
        ("X-A;tzid=Europe/Berlin:2020", "X-A", {"TZID": "Europe/Berlin"}, "2020"),
        ("X-A;B=:v", "X-A", {"B": ""}, "v"),
        ("X-A;B=a=b:v", "X-A", {"B": "a=b"}, "v"),
        ("X-A:", "X-A", {}, ""),
        ('X-A;CN="open:mailto:x', "X-A", {}, "mailto:x"),
        ("X_ODD NAME:v", "X_ODD NAME", {}, "v"),
    ],
)  # fmt: skip
def test_lines(line: str, name: str, params: dict[str, str], value: str) -> None:
    event = calendar("UID:1", line)
    found = event.lines[1]
    assert found[0] == name
    assert found[2] == value
    for key, expected in params.items():
        assert ical.param(found, key) == expected
    assert ical.param(found, "NONE") == ""
    text = b"\r\n".join(ical_write.fold(each) for each in ical_write.lines_of(event))
    assert line.partition(":")[0].upper().encode() in text.upper()


def test_text_values() -> None:
    event = calendar(r"DESCRIPTION:a\, b\; c\\ d\n e\N f\x", r"CATEGORIES:A\,B,C,D\\,E")
    assert event.text("DESCRIPTION") == "a, b; c\\ d\n e\n fx"
    line = event.first("CATEGORIES")
    assert line is not None
    assert list(ical.split(line[2])) == ["A,B", "C", "D\\", "E"]
    assert event.text("SUMMARY") == ""


def test_lines_that_are_none_are_passed_over() -> None:
    event = calendar("UID:1", "", "no colon here", "   ", "SUMMARY:x", ":no name")
    assert [line[0] for line in event.lines] == ["UID", "SUMMARY"]


def test_components_that_do_not_end_as_they_began() -> None:
    text = (
        "END:VEVENT\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nBEGIN:VALARM\nEND:VEVENT\n"
        "BEGIN:vevent\nUID:2"
    )
    document = ical.read(text)
    assert [event.text("UID") for event in document.events] == ["1", "2"]
    assert [part.name for part in document.events[0].parts] == ["VALARM"]


def test_zones_are_kept_as_they_stand() -> None:
    zone = (
        'BEGIN:VTIMEZONE\nTZID:A\\, B\nX-ODD;P="q":1\nBEGIN:STANDARD\nEND:STANDARD\nEND:VTIMEZONE\n'
    )
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\n{zone}BEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR\n"
    document = ical.read(text)
    assert document.zones == {"A, B": zone}
    assert [event.text("UID") for event in document.events] == ["1"]
    assert zone in ical.unfold(ical_write.write(document))


def test_zones_that_cannot_be_named_are_kept_too() -> None:
    nameless = "BEGIN:VTIMEZONE\nX:1\nEND:VTIMEZONE\n"
    named = "BEGIN:VTIMEZONE\nTZID:A\nEND:VTIMEZONE\n"
    text = f"BEGIN:VCALENDAR\n{nameless}{named}{named}END:VCALENDAR\n"
    document = ical.read(text)
    assert list(document.zones) == ["A"]
    written = ical.unfold(ical_write.write(document))
    assert written.count("BEGIN:VTIMEZONE") == 3
    assert ical.read(written) == document


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"BEGIN:VCARD\nEND:VCARD\n",
        b"BEGIN:VCALENDAR\n" + b"BEGIN:X\n" * 100,
        b"BEGIN:VCALENDAR\n" + b"X:1\n" * 200_001,
        b"BEGIN:VCALENDAR\n" + b"\nX:1" * 200_001 + b"\n\n",
        b"x" * (ical.MAX_BYTES + 1),
    ],
    ids=lambda data: f"{len(data)}",
)
def test_what_is_no_calendar(data: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        ical.read(data)
    assert caught.value.kind is Kind.PROVIDER_FAULT


BOMBS = [
    "BEGIN:VCALENDAR\n" + "BEGIN:VTIMEZONE\n" * 100_000,
    "BEGIN:VCALENDAR\n" + "BEGIN:VTIMEZONE\nEND:VTIMEZONE\n" * 50_000,
    "BEGIN:VCALENDAR\nX" + ";A=B" * 300_000 + "\n",
    "BEGIN:VCALENDAR\nX" + ';A="' * 300_000 + ":\n",
    "BEGIN:VCALENDAR\nX;A=" + '"' * 1_000_001 + ":\n",
    "BEGIN:VCALENDAR\nX:" + "\\" * 1_000_001 + "\n",
    "BEGIN:VCALENDAR\n" + "END:VEVENT\n" * 100_000,
    "BEGIN:VCALENDAR\nX:a" + "\n b" * 300_000 + "\n",
    "BEGIN:VCALENDAR\n" + "x" * 1_000_000 + "\n",
    "BEGIN:VCALENDAR\n" + ";" * 1_000_000 + "\n",
]


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_no_text_takes_for_ever(text: str) -> None:
    began = time.thread_time()
    try:
        document = ical.read(text)
    except ProviderError:
        document = ical.Document(ical.Component("VCALENDAR"))
    for line in document.root.lines:
        ical.param(line, "NONE")
        ical.unescape(line[2])
        list(ical.split(line[2]))
    ical_write.write(document)
    assert time.thread_time() - began < 2


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet='BEGINVCALDRTMOZSU:;="\\,\r\n \t^é\x00-1', max_size=200)
    | st.binary(max_size=200)
)
def test_any_text_is_read_or_refused(data: str | bytes) -> None:
    inside = data if isinstance(data, bytes) else data.encode()
    document = ical.read(b"BEGIN:VCALENDAR\r\nX:1\r\n" + inside)
    again = ical.read(ical_write.write(document))
    assert names(again) == names(document)


def names(document: ical.Document) -> list[str]:
    """Of the parts; a VTIMEZONE that did not end is a zone once it was written with an end."""
    return [part.name for part in document.root.parts if part.name != "VTIMEZONE"]


# -- changing


def test_changing_keeps_the_rest_in_place() -> None:
    event = calendar(
        "UID:1", "X-A:1", "SUMMARY:old", "X-B:2", "SUMMARY:twice", "DTSTART:20200101T000000Z"
    )
    event.put("SUMMARY", "new", ";LANGUAGE=en")
    event.put("LOCATION", "here")
    event.drop("X-B")
    other = event.copy()
    other.put("UID", "2")
    assert event.lines == [
        ("UID", "", "1"),
        ("X-A", "", "1"),
        ("SUMMARY", ";LANGUAGE=en", "new"),
        ("DTSTART", "", "20200101T000000Z"),
        ("LOCATION", "", "here"),
    ]
    assert other.text("UID") == "2"
    event.put_all(["SUMMARY", "LOCATION"], [])
    assert event.every("SUMMARY", "LOCATION") == []


# -- writing


@given(st.text(max_size=300))
def test_texts_survive(text: str) -> None:
    line = ("X-A", "", ical_write.escape(text))
    data = ical_write.fold(ical_write.whole(line))
    for part in data.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(part) <= 75
        part.decode()
    component = ical.components("BEGIN:X\n" + ical.unfold(data) + "END:X")[0]
    assert len(component.lines) == 1
    controls = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
    clean = controls.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    assert component.text("X-A") == clean.encode(errors="replace").decode()


@given(st.text(max_size=100))
def test_parameters_survive(text: str) -> None:
    params = ical_write.join_params({"CN": ical_write.quote(text), "X-B": "1"})
    data = ical_write.fold(ical_write.whole(("X-A", params, "v")))
    component = ical.components("BEGIN:X\n" + ical.unfold(data) + "END:X")[0]
    assert len(component.lines) == 1
    line = component.lines[0]
    assert line[2] == "v"
    assert ical.param(line, "X-B") == "1"
    controls = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
    clean = controls.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    assert ical.param(line, "CN") == clean.encode(errors="replace").decode()


def test_nothing_breaks_out_of_its_line() -> None:
    evil = ("SUMMARY", "", "x\r\nATTENDEE:mailto:eve@example.com\nX:1\x00")
    assert ical_write.whole(evil).splitlines() == ["SUMMARY:xATTENDEE:mailto:eve@example.comX:1"]
    with pytest.raises(ValueError, match="no name"):
        ical_write.join_params({"CN\r\nX": "1"})


def test_folds_are_as_long_as_may_be() -> None:
    assert ical_write.fold("X:" + "a" * 73) == b"X:" + b"a" * 73 + b"\r\n"
    assert ical_write.fold("X:" + "a" * 74) == b"X:" + b"a" * 73 + b"\r\n a\r\n"
    first, second, _ = ical_write.fold("X:" + "é" * 40).split(b"\r\n")
    assert (len(first), len(second)) == (74, 9)


# -- speed


def test_reading_is_fast_enough_for_lists() -> None:
    """At most 60 µs an event (PERFORMANCE.md section 7); the margin is for a busy machine."""
    attendees = [f"ATTENDEE;CN=P {n};PARTSTAT=ACCEPTED:mailto:p{n}@example.com" for n in range(4)]
    event = "\r\n".join(
        ["BEGIN:VEVENT", "UID:1@example.com", "DTSTAMP:20240101T000000Z", "SUMMARY:Meeting",
         "DTSTART;TZID=Europe/Berlin:20240101T090000", "DTEND;TZID=Europe/Berlin:20240101T100000",
         "DESCRIPTION:" + "x" * 60, " " + "y" * 60, 'ORGANIZER;CN="Doe, J":mailto:j@example.com',
         *attendees, "STATUS:CONFIRMED", "BEGIN:VALARM", "TRIGGER:-PT10M", "END:VALARM",
         "END:VEVENT"]
    )  # fmt: skip
    data = "\r\n".join(["BEGIN:VCALENDAR", *[event] * 500, "END:VCALENDAR"]).encode()
    best = min(_timed(data) for _ in range(5))
    assert best / 500 < 60e-6


def _timed(data: bytes) -> float:
    began = time.thread_time()
    assert len(ical.read(data).events) == 500
    return time.thread_time() - began
