"""XML from strangers, errors by status and element, paths, colours, links: pure functions."""

import contextlib
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.caldav import colors, dav, links, paths, values
from providers.caldav.dav import CALDAV, DAV
from providers.caldav.errors import CONDITIONS, classify, of_status
from providers.core.errors import Kind, ProviderError
from providers.core.replies import Reply
from ucal.v1 import types_pb2

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "specs" / "caldav" / "samples"

# -- hostile XML

_LOL = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{_LOL}]><x>&l9;</x>',
    "laughs in an attribute": f'<!DOCTYPE x [<!ENTITY l0 "lol">{_LOL}]><x a="&l9;"/>',
    "external entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "external DTD": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>',
    "DTD behind a comment": '<!-- <a> --><!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>',
    "depth": "<a>" * 5_000 + "</a>" * 5_000,
    "truncated": '<multistatus xmlns="DAV:"><response>',
    "HTML": "<html><body>Please log in<br></body></html>",
    "JSON": '{"error": "no"}',
    "nothing": "",
    "another root": '<error xmlns="DAV:"/>',
    "null": "\x00" * 100,
    "many elements": "<a>" + "<b/>" * 1_100_000 + "</a>",
}


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_xml_is_refused_at_once(name: str) -> None:
    data = BOMBS[name].encode()
    begin = time.process_time()
    with pytest.raises(ProviderError) as caught:
        dav.multistatus(data)
    assert time.process_time() - begin < 0.5
    assert caught.value.kind is Kind.PROVIDER_FAULT
    assert "root" not in str(caught.value.message)
    assert dav.condition_of(data) in {"", "l0"}


def test_utf_16_does_not_hide_a_dtd() -> None:
    data = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>'
    with pytest.raises(ProviderError):
        dav.parse(data.encode("utf-16"))


def test_a_doctype_inside_data_is_data() -> None:
    """Outlook puts whole HTML pages into X-ALT-DESC."""
    inner = "<![CDATA[X-ALT-DESC:<!DOCTYPE HTML><p>]]>"
    data = f'<multistatus xmlns="DAV:"><response><href>/a</href><propstat><prop><x>{inner}</x>'
    data += "</prop></propstat></response></multistatus>"
    (answer,) = dav.multistatus(data.encode()).answers
    assert answer.text(DAV + "x").startswith("X-ALT-DESC:<!DOCTYPE")


@given(st.binary(max_size=300))
def test_any_octets_end_in_an_answer_or_an_error(data: bytes) -> None:
    for text in (data, b"<multistatus xmlns='DAV:'>" + data + b"</multistatus>"):
        with contextlib.suppress(ProviderError):
            assert dav.multistatus(text).answers is not None


# -- multistatus


def test_p76_placeholders_statuses_and_namespaces() -> None:
    body = """<D:multistatus xmlns:D="DAV:" xmlns:X="urn:x">
      <D:response><D:href>/c/</D:href><D:propstat><D:prop><D:displayname>N</D:displayname></D:prop>
        <D:status></D:status></D:propstat>
        <D:propstat><D:prop><D:getetag/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status>
        </D:propstat></D:response>
      <D:response><D:href>/c/1.ics</D:href><D:href>/c/2.ics</D:href>
        <D:status>HTTP/1.1 404 Not Found</D:status></D:response>
      <X:response><D:href>/other</D:href></X:response>
      <D:response><D:href>/c/3.ics</D:href><D:propstat><D:prop><D:getetag>"3"</D:getetag></D:prop>
        <D:status>200 OK</D:status></D:propstat></D:response>
      <D:sync-token> t1 </D:sync-token>
    </D:multistatus>"""
    found = dav.multistatus(body.encode())
    assert found.sync_token == "t1"
    assert [(a.path, a.status) for a in found.answers] == [
        ("/c/", 200),
        ("/c/1.ics", 404),
        ("/c/2.ics", 404),
        ("/c/3.ics", 200),
    ]
    first = found.answers[0]
    assert first.text(DAV + "displayname") == "N"
    assert first.text(DAV + "getetag") == ""
    assert first.refused == {DAV + "getetag": 404}


@pytest.mark.parametrize("line", ["HTTP/1.1 abc", "HTTP/1.1 20", "x", "HTTP/1.1 ²²²"])
def test_a_status_line_that_is_none_is_a_failure(line: str) -> None:
    assert dav.status_of(line) == 500


_RECORDED = sorted(SAMPLES.glob("*")) if SAMPLES.is_dir() else []


@pytest.mark.skipif(not _RECORDED, reason="the shared folder specs/caldav/samples is not here")
def test_recorded_answers_are_read() -> None:
    """207s and errors of four servers, and bodies that python-caldav keeps."""
    count = 0
    for path in _RECORDED:
        text = path.read_text(encoding="utf-8", errors="replace")
        head, mark, body = text.partition("===== RESPONSE =====")
        body = body if mark else head
        begin = body.find("<?xml") if "<?xml" in body else body.find("<")
        if path.suffix not in {".xml", ".http"} or "multistatus" not in body or begin < 0:
            continue
        if body.startswith("<xml>"):
            continue  # a wrapper of python-caldav's test, of no server
        found = dav.multistatus(body[begin:].strip().encode())
        assert found.answers, path.name
        assert all(answer.path for answer in found.answers), path.name
        count += 1
    assert count > 20


# -- errors

TABLE = [
    (400, "", Kind.INVALID),
    (401, "", Kind.UNAUTHENTICATED),
    (403, "", Kind.FORBIDDEN),
    (403, "need-privileges", Kind.FORBIDDEN),
    (403, "valid-sync-token", Kind.CURSOR_EXPIRED),
    (409, "valid-sync-token", Kind.CURSOR_EXPIRED),
    (412, "valid-sync-token", Kind.CURSOR_EXPIRED),
    (403, "no-uid-conflict", Kind.ALREADY_EXISTS),
    (409, "no-uid-conflict", Kind.ALREADY_EXISTS),
    (412, "unique-scheduling-object-resource", Kind.ALREADY_EXISTS),
    (403, "valid-calendar-data", Kind.INVALID),
    (415, "supported-calendar-data", Kind.INVALID),
    (403, "supported-calendar-component", Kind.INVALID),
    (403, "valid-calendar-object-resource", Kind.INVALID),
    (403, "max-resource-size", Kind.INVALID),
    (403, "min-date-time", Kind.INVALID),
    (403, "max-instances", Kind.INVALID),
    (403, "calendar-collection-location-ok", Kind.INVALID),
    (403, "number-of-matches-within-limits", Kind.PRECONDITION),
    (404, "", Kind.NOT_FOUND),
    (405, "", Kind.UNSUPPORTED),
    (409, "", Kind.PRECONDITION),
    (410, "", Kind.NOT_FOUND),
    (412, "", Kind.CONFLICT),
    (423, "", Kind.CONFLICT),
    (429, "", Kind.RATE_LIMITED),
    (500, "", Kind.UNAVAILABLE),
    (501, "", Kind.UNSUPPORTED),
    (502, "", Kind.UNAVAILABLE),
    (503, "", Kind.UNAVAILABLE),
    (504, "", Kind.TIMEOUT),
    (507, "", Kind.QUOTA_EXCEEDED),
    (507, "quota-not-exceeded", Kind.QUOTA_EXCEEDED),
]


@pytest.mark.parametrize(("status", "condition", "kind"), TABLE)
def test_errors_by_status_and_element(status: int, condition: str, kind: Kind) -> None:
    space = "DAV:" if condition in {"valid-sync-token", "need-privileges"} else CALDAV[1:-1]
    body = f'<error xmlns="DAV:"><x:{condition} xmlns:x="{space}">secret</x:{condition}></error>'
    reply = Reply(
        status, httpx.Headers({"retry-after": "7"}), body.encode() if condition else b"", "u"
    )
    error = classify(reply)
    assert error.kind is kind
    assert "secret" not in f"{error.message}{error.metadata}"
    assert error.metadata["provider_status"] == str(status)
    if condition in CONDITIONS:
        assert error.metadata["provider_code"] == condition
    if status in (429, 503):
        assert error.retry_after == 7


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe", b"<error", b"<error xmlns='DAV:'/>"])
def test_an_error_without_an_element_goes_by_its_status(body: bytes) -> None:
    assert classify(Reply(403, httpx.Headers(), body, "u")).kind is Kind.FORBIDDEN


def test_parts_of_a_207() -> None:
    assert of_status(404).kind is Kind.NOT_FOUND
    assert of_status(424).kind is Kind.PRECONDITION
    assert of_status(403, "max-resource-size").kind is Kind.INVALID
    assert of_status(299).kind is Kind.PROVIDER_FAULT


# -- paths


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/a%40b/c%20d/", "/a@b/c d/"),
        ("https://h:443/a%40b/x.ics", "/a@b/x.ics"),
        ("//h/a", "/a"),
        ("/a%2Fb/%7C%23%25", "/a%2Fb/%7C%23%25"),
        ("/%C3%BC", "/ü"),
        ("/ü", "/ü"),
        ("/%FF%fe", "/%FF%FE"),
        ("/a?x#y", "/a"),
        ("/A_b-C", "/A_b-C"),
        ("/a%00b", "/a%00b"),
    ],
)
def test_one_way_to_write_a_path(href: str, path: str) -> None:
    assert paths.canonical(href) == path
    assert paths.canonical(paths.quoted(path)) == path


@given(st.text(max_size=40))
def test_a_path_is_canonical_when_it_is_made_canonical(text: str) -> None:
    once = paths.canonical(text)
    assert paths.canonical(paths.quoted(once)) == once


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20))
def test_ids_keep_their_parts(name: str) -> None:
    segment = paths.canonical("/" + paths.quote(name, safe=""))[1:]
    own_id = paths.EventId("/a b/", segment, "20270308T090000Z")
    if segment not in {".", ".."}:
        assert paths.parse_event_id(str(own_id)) == own_id


@pytest.mark.parametrize("path", ["", "a/", "/a/../b/", "/./", "/a//b/", "/" + "x" * 3000])
def test_paths_that_are_not_taken_from_callers(path: str) -> None:
    assert not paths.is_safe(paths.canonical(path)) or not path.endswith("/") or path == "/"


# -- values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT15M", 900),
        ("-PT1H30M", -5400),
        ("+P1DT2H", 93_600),
        ("P2W", 1_209_600),
        ("P", 0),
        ("PT", 0),
        ("15M", None),
        ("PT15", None),
        ("PTXM", None),
        ("P" + "9" * 40 + "D", None),
        ("P99999999D", None),
        ("PT²M", None),
    ],
)
def test_durations(text: str, seconds: int | None) -> None:
    found = values.parse_duration(text)
    assert (found.total_seconds() if found is not None else None) == seconds


@pytest.mark.parametrize("text", ["", "2027", "20271301", "20270308T", "20270308T25", "x" * 15])
def test_what_is_no_date(text: str) -> None:
    assert values.parse_wall(text) is None


def test_colours() -> None:
    assert colors.parse("DodgerBlue ") == "#1E90FF"
    assert colors.parse("#1e90ff") == "#1E90FF"
    assert colors.parse("no-such") == ""
    assert colors.dump("#1E90FF") == ("dodgerblue", True)
    assert colors.dump("#1E90FE") == ("dodgerblue", False)
    assert len(colors.HEX) == 148


@pytest.mark.parametrize(
    ("url", "kind", "number"),
    [
        ("https://zoom.us/j/93712345678?pwd=x", "ZOOM", "93712345678"),
        ("https://us02web.zoom.us/j/93712345678", "ZOOM", "93712345678"),
        ("https://meet.google.com/abc-defg-hij", "GOOGLE_MEET", "abc-defg-hij"),
        ("https://teams.microsoft.com/l/meetup-join/19%3a", "TEAMS", ""),
        ("https://facetime.apple.com/join#v=1&p=x", "FACETIME", ""),
        ("https://acme.webex.com/meet/ann", "WEBEX", ""),
        ("https://meet.goto.com/123456789", "GOTO", "123456789"),
        ("https://app.cal.com/video/abc123", "CAL_VIDEO", "abc123"),
        ("https://join.skype.com/x", "SKYPE", ""),
        ("https://meet.jit.si/Room", "OTHER", ""),
    ],
)
def test_links_to_calls(url: str, kind: str, number: str) -> None:
    found = types_pb2.Conference()
    links.fill(found, url)
    assert types_pb2.ConferenceKind.Name(found.kind) == f"CONFERENCE_KIND_{kind}"
    assert found.meeting_id == number
    assert links.find(f"Join ({url}).") == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.com/zoom.us/j/1",
        "https://evilzoom.us/j/93712345678",
        "http://[",
        "x://",
    ],
)
def test_other_links_are_no_calls(text: str) -> None:
    assert links.find(text) == ""
