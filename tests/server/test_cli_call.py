"""`ucal call`: requests out of words, tables of lists, JSON when piped."""

import json
from collections.abc import AsyncIterator

import pytest
from click.testing import CliRunner

from server.cli import main
from server.cli.client import METHODS, message_from_json
from server.cli.fields import request_text, suggestions
from server.cli.lines import plain, when
from server.cli.tables import _widths
from server.presets import SANDBOX
from server.service import running
from server.settings import parse
from tests.server.terminal import Ran, ucal
from tests.serving import QUICK
from ucal.v1 import event_pb2, types_pb2

EVENTS = METHODS["ListEvents"]
CREATE = METHODS["CreateEvent"]


@pytest.fixture
async def address() -> AsyncIterator[str]:
    settings = parse({**SANDBOX, "listen": "127.0.0.1:0", "log_level": "error", "limits": QUICK})
    async with running(settings) as service:
        yield service.address


def written(rpc: str, *words: str) -> object:
    method = METHODS[rpc]
    text = request_text(method.input_type, words, "")
    message_from_json(method, text)
    return json.loads(text)


def refused(rpc: str, *words: str) -> str:
    answer = CliRunner().invoke(main, ["call", rpc, *words])
    assert answer.exit_code == 2
    return answer.stderr


def test_words_are_the_request() -> None:
    assert written("ListEvents", "connection_id=a", "page_size=5", "expand_recurring=true") == {
        "connection_id": "a",
        "page_size": 5,
        "expand_recurring": True,
    }


def test_dots_lead_into_messages_and_values_may_be_json() -> None:
    assert written(
        "CreateEvent",
        "event.subject=5",
        "event.start_at.timestamp=2027-03-01T09:00:00Z",
        'event.end_at={"timestamp": "2027-03-01T10:00:00Z"}',
        "event.visibility=private",
        'event.attendees={"email": "a@b.example"}',
        'event.attendees=[{"email": "c@d.example"}]',
    ) == {
        "event": {
            "subject": "5",
            "start_at": {"timestamp": "2027-03-01T09:00:00Z"},
            "end_at": {"timestamp": "2027-03-01T10:00:00Z"},
            "visibility": "EVENT_VISIBILITY_PRIVATE",
            "attendees": [{"email": "a@b.example"}, {"email": "c@d.example"}],
        }
    }


def test_maps_take_keys_with_dots() -> None:
    assert written("CreateConnection", "connection.labels.team.eu=a=b") == {
        "connection": {"labels": {"team.eu": "a=b"}}
    }


def test_words_go_on_where_json_ended() -> None:
    assert written("ListEvents", '{"connection_id": "a"}', "page_size=2") == {
        "connection_id": "a",
        "page_size": 2,
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["conection_id=a"], "there are connection_id"),
        (["page_size=many"], "page_size: 'many' is no number"),
        (["expand_recurring=maybe"], "neither true nor false"),
        (["connection_id"], "neither field=value"),
        (["connection_id.more=a"], "connection_id has no fields by name"),
        (["{", "page_size=1"], "not a ListEventsRequest"),
        (["window={"], "window: not JSON"),
        (["window.start_at=tomorrow"], "not a ListEventsRequest"),
    ],
)
def test_wrong_words_are_told_before_any_call(words: list[str], told: str) -> None:
    assert told in " ".join(refused("ListEvents", *words).split())


def test_the_shell_is_told_fields() -> None:
    assert "page_size=" in set(suggestions(EVENTS.input_type, "page_"))
    assert set(suggestions(CREATE.input_type, "event.start_at.ti")) == {
        "event.start_at.timestamp=",
        "event.start_at.time_zone=",
    }
    assert list(suggestions(CREATE.input_type, "nothing.at.all")) == []


def test_what_strangers_wrote_is_not_obeyed() -> None:
    assert plain("a\x1b[2Jb\nc\u202ed") == "a[2Jb cd"


async def test_lists_are_json_when_piped_and_tables_when_asked(address: str) -> None:
    words = ("call", "ListCalendars", "connection_id=sandbox", "--address", address)
    piped, table = await ucal(*words), await ucal(*words, "--table")
    assert "work" in {each["id"] for each in json.loads(piped.out)["calendars"]}
    head, _, first, *_ = table.out.splitlines()
    assert head.split()[0] == "name"
    assert first.split()[0] == "Work"
    assert "connection_id" not in head


async def test_a_list_on_a_terminal_is_a_table(address: str) -> None:
    words = ("call", "ListCalendars", "connection_id=sandbox", "--address", address)
    shown = await ucal(*words, terminal=True)
    assert "name" in shown.out.splitlines()[0]
    assert (await ucal(*words, "--json", terminal=True)).out.lstrip().startswith("{")


async def test_a_narrow_terminal_shows_fewer_columns_and_whole_ids(address: str) -> None:
    words = ("call", "ListCalendars", "connection_id=sandbox", "--address", address)
    shown = await ucal(*words, terminal=True, COLUMNS="44")
    head, _, *rows = (line.rstrip() for line in shown.out.splitlines())
    assert head.split()[0] == "name"
    assert head.split()[-1] == "id"
    assert rows[-1].split()[-1] == "team-new-york"
    assert max(map(len, rows)) <= 44


async def test_long_lines_go_on_under_where_they_began() -> None:
    shown = await ucal("providers", "goto", terminal=True, COLUMNS="80")
    lines = [line.rstrip() for line in shown.out.splitlines()]
    assert max(map(len, lines)) <= 80
    at = next(n for n, line in enumerate(lines) if line.startswith("  room list"))
    assert lines[at + 1] == " " * 49 + "rooms of buildings"
    piped = (await ucal("providers", "goto")).out.splitlines()
    assert any(line.endswith("GoTo's meeting API knows no rooms of buildings") for line in piped)


async def test_each_command_has_a_line_that_is_not_cut_short() -> None:
    told = (await ucal("--help", terminal=True, COLUMNS="80")).out
    assert [line for line in told.splitlines() if line.rstrip().endswith("...")] == [
        "Usage: ucal [OPTIONS] COMMAND [ARGS]..."
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_columns_are_as_wide_as_there_is_room(width: int) -> None:
    """Long subjects are cut, long ids are kept, what is less important goes."""
    long = event_pb2.Event(id="i" * 30, subject="s" * 90, calendar_id="c" * 30)
    long.start_at.timestamp.FromJsonString("2027-03-01T09:00:00Z")
    fields = event_pb2.Event.DESCRIPTOR.fields_by_name
    columns = [fields[name] for name in ("start_at", "subject", "id", "calendar_id")]
    widths = _widths(columns, [long], width)
    assert widths["id"] == 30
    assert "start_at" in widths
    assert ("calendar_id" in widths) == (width == 120)
    if width > 40:
        assert sum(widths.values()) + 3 * len(widths) <= width
        assert 20 <= widths["subject"] <= 60


async def test_a_table_tells_how_to_go_on(address: str) -> None:
    words = ("call", "ListCalendars", "connection_id=sandbox", "page_size=1", "--table")
    first = await ucal(*words, "--address", address)
    told = first.err.strip().partition("there is more: the same again with ")[2]
    second = await ucal(*words, told, "--address", address)
    assert second.code == 0
    rows = [ran.out.splitlines()[2].split()[0] for ran in (first, second)]
    assert rows == ["Work", "Holidays"]


def test_a_zone_is_told_where_it_tells_more_than_the_time() -> None:
    time = types_pb2.EventTime(time_zone="UTC")
    time.timestamp.FromJsonString("2027-03-01T09:00:00Z")
    assert when(time) == "2027-03-01 09:00 UTC"
    time.time_zone = "Europe/Berlin"
    assert when(time) == "2027-03-01 09:00 UTC (Europe/Berlin)"


async def test_only_lists_have_tables(address: str) -> None:
    ran: Ran = await ucal("call", "GetProvider", "id=sandbox", "--table", "--address", address)
    assert ran.code == 2
    assert "only lists have tables" in ran.err
