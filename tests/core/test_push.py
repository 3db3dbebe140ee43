"""What the kit gives providers that push: addresses with a token, secrets that are compared."""

import re

import pytest

from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery, addressed, refused, same_secret, tokened

SECRET = "the connection's own"


def query_of(address: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in address.partition("?")[2].split("&"))


@pytest.mark.parametrize("address", ["https://u.example/w", "https://u.example/w?a=1"])
def test_who_has_the_address_is_taken_and_nobody_learns_the_secret_from_it(address: str) -> None:
    """P15: addresses stand in others' logs."""
    told = tokened(address, SECRET)
    assert told.startswith(address)
    query = query_of(told)
    assert set(query) == ({"a"} if "?" in address else set()) | {"token"}
    assert re.fullmatch(r"[0-9a-f]{40}", query["token"])
    addressed(Delivery({}, query=query), SECRET)
    assert query["token"] != query_of(tokened(address, f"{SECRET}2"))["token"]


@pytest.mark.parametrize(
    ("query", "secret"),
    [
        ({}, SECRET),
        ({"token": ""}, SECRET),
        ({"token": "0" * 40}, SECRET),
        ({"token": query_of(tokened("w", SECRET))["token"]}, "another"),
        ({"token": query_of(tokened("w", ""))["token"]}, ""),
    ],
)
def test_another_address_is_refused(query: dict[str, str], secret: str) -> None:
    with pytest.raises(ProviderError) as caught:
        addressed(Delivery({}, query=query), secret)
    assert caught.value.reason == "DELIVERY_REFUSED"


def test_secrets_are_the_same_or_not() -> None:
    assert same_secret("ä", "ä")
    for given, secret in [("a", "b"), ("", ""), ("", "a"), ("a", ""), ("\udcff", "a")]:
        assert not same_secret(given, secret), (given, secret)


def test_a_refusal_tells_nothing() -> None:
    error = refused()
    assert (error.kind, error.reason) == (Kind.UNAUTHENTICATED, "DELIVERY_REFUSED")
    assert str(error) == "the delivery is refused"
    assert not error.violations
