"""Lists that a provider gives whole, cut into pages: nothing twice, nothing left out."""

import pytest

from providers.core.cursors import cut, number_of
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
