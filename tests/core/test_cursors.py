"""Lists that a provider gives whole, cut into pages: nothing twice, nothing left out."""

import msgspec
import pytest

from providers.core.cursors import cut, number_of, read_cursor, write_cursor
from providers.core.errors import Kind, ProviderError

Row = tuple[int, str]


def walked(rows: list[Row], size: int, *, meanwhile: list[Row] | None = None) -> list[Row]:
    """All pages, with `meanwhile` coming in after the first."""
    found, token = cut(rows, lambda row: row, size, "")
    while token:
        page, token = cut(rows + (meanwhile or []), lambda row: row, size, token)
        found += page
    return found


ROWS = [(5, "b"), (5, "a"), (1, "x|y"), (9, "")]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_pages_are_in_order_and_whole(size: int) -> None:
    assert walked(ROWS, size) == sorted(ROWS)


def test_what_comes_and_goes_shifts_nothing() -> None:
    found = walked(ROWS, 2, meanwhile=[(0, "before"), (7, "behind")])
    assert found == [(1, "x|y"), (5, "a"), (5, "b"), (7, "behind"), (9, "")]


@pytest.mark.parametrize("token", ["x", "|", "-1|a", "١|a", "1e3|a", "9" * 20])
def test_tokens_that_are_none(token: str) -> None:
    with pytest.raises(ProviderError) as caught:
        cut(ROWS, lambda row: row, 2, token)
    assert caught.value.kind is Kind.INVALID
    assert [field for field, _ in caught.value.violations] == ["page_token"]


def test_numbers() -> None:
    assert number_of("0042") == 42


class Place(msgspec.Struct):
    """A cursor of some list."""

    page: int = 1
    after: str = ""


def test_a_cursor_is_read_as_it_was_written_and_begins_with_nothing() -> None:
    assert read_cursor(write_cursor(Place(3, "ä")), Place) == Place(3, "ä")
    assert read_cursor("", Place) == Place()


@pytest.mark.parametrize("text", ["{", "[]", '{"page":"x"}', "null", "\udcff"])
def test_a_cursor_that_is_none_is_invalid(text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read_cursor(text, Place)
    assert (caught.value.kind, caught.value.reason) == (Kind.INVALID, "INVALID_PAGE_TOKEN")
    [(field, description)] = caught.value.violations
    assert (field, description) == ("page_token", "is no page of this list")


def test_numbers_have_nineteen_digits_at_most() -> None:
    assert number_of("9" * 19) == 10**19 - 1
    with pytest.raises(ProviderError) as caught:
        number_of("0" * 20)
    [(field, _)] = caught.value.violations
    assert field == "page_token"
