"""The providers of a process: made once, closed once, sent out through the right door."""

import asyncio
from typing import Any

import pytest

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.provider import Provider
from providers.registry import PROVIDERS
from server.interceptors.scope import SCOPE, Scope
from server.providers import Doors, Place, ProviderPool, deadline, hints, names_base_url
from server.settings import parse
from tests.server.vendor import Plain, SelfHosted, Vendor, VendorServer


class NoGrant:
    credentials = None

    async def renew(self, stale: str) -> str:
        raise AssertionError("nothing to renew")


def pool(**settings: Any) -> ProviderPool:
    found = parse({"store": "memory:", **settings})
    return ProviderPool(found.providers, Doors.of(found))


def call(found: ProviderPool, place: Place, provider: Provider) -> Call:
    return found.call(provider, place, NoGrant(), connection_id="a", account_key="key", metadata={})


async def test_a_provider_is_made_once_and_closed_once(
    vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Provider] = []

    async def close(self: Provider) -> None:
        closed.append(self)

    monkeypatch.setattr(Vendor, "close", close)
    found = pool()
    made = found.get("vendor")
    assert found.get("vendor") is made
    assert isinstance(made, Vendor)
    await found.close()
    assert closed == [made]


async def test_settings_reach_their_provider(vendor: VendorServer) -> None:
    found = pool(providers={"vendor": {"base_url": vendor.url, "tenant": "contoso"}})
    assert found.get("vendor").settings.extra == {"tenant": "contoso"}
    assert found.get("plain").settings.extra == {}
    await found.close()


def test_unknown_providers_are_refused_at_the_field_that_names_them() -> None:
    with pytest.raises(ProviderError) as refused:
        pool().get("nope", "metadata.ucal-provider")
    assert refused.value.violations[0][0] == "metadata.ucal-provider"


def test_who_names_a_base_url() -> None:
    assert names_base_url(SelfHosted)
    assert not names_base_url(Vendor)
    assert not names_base_url(Plain)

    class Both(Vendor):
        self_hosted = True

    assert names_base_url(Both)


def test_places(vendor: VendorServer) -> None:
    found = pool(providers={"vendor": {"base_url": vendor.url}})
    own, hosted = found.get("vendor"), found.get("selfhosted")
    assert found.place(own, "", trusted=False) == Place(vendor.url, trusted=True)
    assert found.place(own, vendor.url, trusted=False) == Place(vendor.url, trusted=True)
    assert found.place(found.get("plain"), "", trusted=False) == Place("", trusted=True)
    theirs = "https://dav.example.com/"
    assert found.place(hosted, theirs, trusted=False) == Place(theirs, trusted=False)
    assert found.place(hosted, theirs, trusted=True) == Place(theirs, trusted=True)
    for provider, url in ((own, theirs), (hosted, ""), (hosted, "http://dav.example.com/")):
        with pytest.raises(ProviderError) as refused:
            found.place(provider, url, trusted=False)
        assert refused.value.violations[0][0] == "connection.base_url"


async def test_the_door_depends_on_who_named_the_place(vendor: VendorServer) -> None:
    found = pool(providers={"vendor": {"base_url": vendor.url}})
    provider = found.get("selfhosted")
    inside = call(found, Place(vendor.url, trusted=True), provider)
    assert (await inside.http.send("GET", "/", expect=(401,))).status == 401
    outside = call(found, Place(vendor.url, trusted=False), provider)
    with pytest.raises(ProviderError) as refused:
        await outside.http.send("GET", "/")
    assert refused.value.kind is Kind.INVALID
    assert inside.account_key == "key"
    await found.close()


async def test_only_the_very_port_that_the_operator_named_is_open(vendor: VendorServer) -> None:
    found = pool(providers={"vendor": {"base_url": "http://127.0.0.1:1"}})
    inside = call(found, Place(vendor.url, trusted=True), found.get("selfhosted"))
    with pytest.raises(ProviderError) as refused:
        await inside.http.send("GET", "/")
    assert refused.value.kind is Kind.INVALID
    await found.close()


async def test_the_deadline_is_that_of_the_task_that_asks() -> None:
    async def inside(value: float) -> float:
        SCOPE.set(Scope(deadline=value))
        return deadline()

    assert await asyncio.gather(*(asyncio.create_task(inside(n)) for n in (1.0, 2.0))) == [1.0, 2.0]
    assert await asyncio.create_task(_ask(), context=None) == float("inf")


async def _ask() -> float:
    return deadline()


def test_hints() -> None:
    metadata: dict[str, str | bytes] = {
        "ucal-a-x": "1",
        "ucal-ab-x": "2",
        "ucal-a-y-bin": b"3",
        "x": "4",
    }
    assert hints("a", metadata) == {"x": "1"}


def test_every_provider_of_the_registry_can_be_made_without_settings() -> None:
    found = pool()
    for name in PROVIDERS:
        assert found.get(name).name == name
