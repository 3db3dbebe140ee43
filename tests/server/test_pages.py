"""Page tokens by themselves: what they are bound to, how long they are good, what else fails."""

from typing import Any

import pytest

from providers.core.errors import Kind, ProviderError
from server.connections.keyring import KeyRing
from server.connections.sealer import Sealer
from server.pages import Pages, question
from ucal.v1 import event_pb2

ASKED = event_pb2.ListEventsRequest(connection_id="c", calendar_id="a", page_size=5)
BOUND = question(ASKED, "ListEvents", "c")


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pages(clock: Clock) -> Pages:
    return Pages(Sealer(KeyRing([b"a" * 32]), "page", now=clock))


def token(pages: Pages, cursor: str = "cursor-ä", bound: bytes = BOUND) -> str:
    answer = event_pb2.ListEventsResponse(next_page_token=cursor)
    pages.seal(answer, bound)
    return answer.next_page_token


def opened(pages: Pages, text: str, bound: bytes = BOUND) -> str:
    request = event_pb2.ListEventsRequest(page_token=text)
    pages.open(request, bound)
    return request.page_token


def refused(pages: Pages, text: str, bound: bytes = BOUND) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        opened(pages, text, bound)
    return caught.value


def test_a_cursor_goes_there_and_back_sealed(pages: Pages) -> None:
    sealed = token(pages)
    assert "cursor" not in sealed
    assert opened(pages, sealed) == "cursor-ä"


def test_the_first_page_and_the_last_have_no_token(pages: Pages) -> None:
    assert token(pages, "") == ""
    assert opened(pages, "") == ""


def test_a_token_is_good_for_a_day(pages: Pages, clock: Clock) -> None:
    sealed = token(pages)
    clock.time += 24 * 3600
    assert opened(pages, sealed) == "cursor-ä"
    clock.time += 1
    assert refused(pages, sealed).reason == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize("text", ["garbage", "ä", "\U0001f600" * 20, "A" * 100])
def test_what_is_no_token_is_the_callers_mistake(pages: Pages, text: str) -> None:
    error = refused(pages, text)
    assert (error.kind, error.reason) == (Kind.INVALID, "INVALID_PAGE_TOKEN")
    [(field, description)] = error.violations
    assert field == "page_token"
    assert "begin the list again" in description


def test_a_token_of_another_question_is_none(pages: Pages) -> None:
    assert refused(pages, token(pages), b"another").reason == "INVALID_PAGE_TOKEN"
    assert refused(pages, token(pages, bound=b""), BOUND).reason == "INVALID_PAGE_TOKEN"


def test_while_the_keys_are_away_nothing_is_said_against_the_token(
    pages: Pages, clock: Clock
) -> None:
    """R15: the list goes on when they are back."""
    sealed = token(pages)
    away = Pages(Sealer(KeyRing.closed(), "page", now=clock))
    assert refused(away, sealed).kind is Kind.UNAVAILABLE


def test_a_question_is_everything_but_the_page() -> None:
    def asked(**changes: Any) -> bytes:
        request = event_pb2.ListEventsRequest()
        request.CopyFrom(ASKED)
        for name, value in changes.items():
            setattr(request, name, value)
        return question(request, "ListEvents", "c")

    assert asked(page_token="t", page_size=9) == BOUND
    for changes in ({"calendar_id": "b"}, {"query": "x"}, {"connection_id": "d"}):
        assert asked(**changes) != BOUND, changes
    assert question(ASKED, "ListBusy", "c") != BOUND
    assert question(ASKED, "ListEvents", "d") != BOUND
    # Names do not run into one another.
    assert question(ASKED, "ListEventsc", "") != question(ASKED, "ListEvents", "c")
    assert ASKED.page_size == 5, "what was asked is left as it was"
