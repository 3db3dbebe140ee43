"""ProviderService: what this server's providers can do."""

from typing import Any

import grpc

from providers.core.capabilities import describe
from providers.core.errors import ProviderError
from providers.registry import PROVIDERS, provider_class
from ucal.v1 import provider_pb2, provider_pb2_grpc


class ProviderService(provider_pb2_grpc.ProviderServiceServicer):
    """Capabilities as data; the answer is made once, it cannot change while the process lives."""

    def __init__(self) -> None:
        self._known: dict[str, provider_pb2.Provider] = {}

    def _describe(self, name: str) -> provider_pb2.Provider:
        if name not in self._known:
            self._known[name] = describe(provider_class(name))
        return self._known[name]

    async def ListProviders(
        self,
        request: provider_pb2.ListProvidersRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> provider_pb2.ListProvidersResponse:
        """Every provider, by id; one page unless a smaller one is asked for."""
        del context
        names = [name for name in PROVIDERS if name > request.page_token]
        size = request.page_size or len(names)
        return provider_pb2.ListProvidersResponse(
            providers=[self._describe(name) for name in names[:size]],
            next_page_token=names[size - 1] if len(names) > size else "",
        )

    async def GetProvider(
        self,
        request: provider_pb2.GetProviderRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> provider_pb2.GetProviderResponse:
        """One provider."""
        del context
        if request.id not in PROVIDERS:
            raise ProviderError.not_found("provider", request.id)
        return provider_pb2.GetProviderResponse(provider=self._describe(request.id))
