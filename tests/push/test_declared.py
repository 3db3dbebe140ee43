"""What is declared of push is what there is."""

import pytest

from providers.core.capabilities import describe
from providers.core.settings import ProviderSettings
from providers.registry import PROVIDERS, provider_class
from server.push.calls import push_of
from ucal.v1 import provider_pb2, watch_pb2

# Made in the vendor's own console, for everybody at once: nothing that the service could make.
BY_HAND = {"fireflies", "zoom"}


@pytest.mark.parametrize("name", PROVIDERS)
def test_pushed_kinds_are_those_of_the_push(name: str) -> None:
    provider = provider_class(name)(ProviderSettings())
    push = push_of(provider)
    wanted = frozenset() if push is None or name in BY_HAND else push.kinds
    assert provider.pushed_kinds == wanted
    native = {
        found.kind
        for found in describe(type(provider)).capabilities
        if found.method == provider_pb2.METHOD_WATCH
        and found.watch_source == watch_pb2.WATCH_SOURCE_NATIVE
    }
    assert native == wanted
