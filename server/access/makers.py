"""Whether what somebody began may still be ended by another: links, and dances.

A link is opened, and a dance comes back, when nobody calls any more who could be held against the
policies. So its maker is looked at again: what a revoked key has begun comes to nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from server.access.key_check import KeyCheck
from server.access.policy import Facts, Policy, Verdict
from server.access.rpcs import RPCS, Rpc
from server.access.sight import Sight
from server.access.subjects import Subjects

_ADMINISTRATION = "/ucal.v1.ConnectionService/"
LINK = RPCS[f"{_ADMINISTRATION}CreateConnectLink"]
DANCE = RPCS[f"{_ADMINISTRATION}StartAuthorization"]
_KEY = "api_key:"
_CERTIFICATES = ("spiffe://", "dns:")


@dataclass(frozen=True, slots=True)
class Begun:
    """What somebody began.

    Attributes:
        rpc: by which.
        maker: who, as `Caller.name` has it; "": access was open.
        connection_id: the connection to authorize anew; "": one is to be made,
        provider: of this provider,
        labels: with these labels.
    """

    rpc: Rpc
    maker: str
    connection_id: str
    provider: str
    labels: Mapping[str, str]


class Makers:
    """Looks at makers again."""

    def __init__(
        self,
        *,
        keys: KeyCheck | None,
        subjects: Subjects,
        sight: Sight,
        modes: tuple[str, ...],
        whole: int,
    ) -> None:
        """The makers that there can be.

        Args:
            modes: how callers may show who they are.
            whole: names of makers as long as this may have been cut.
        """
        self._keys = keys
        self._subjects = subjects
        self._sight = sight
        self._modes = frozenset(modes)
        self._whole = whole

    async def may(self, begun: Begun) -> bool:
        """Whether the maker of `begun` may begin it now.

        Of a token nothing is known but its digest: what was begun with one counts for its time, as
        does what was begun with a certificate that holds no SPIFFE id.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be reached.
        """
        maker = begun.maker
        if maker.startswith(_KEY):
            policy = await self._keys.policy(maker.removeprefix(_KEY)) if self._keys else None
            return policy is not None and await self._covers(policy, begun)
        if maker.startswith(_CERTIFICATES):
            if "mtls" not in self._modes:
                return False
            if maker.startswith("dns:") or len(maker) >= self._whole:
                return True
            return await self._covers(self._subjects.policy((maker,)), begun)
        return maker.startswith("oidc:") and "oidc" in self._modes

    async def _covers(self, policy: Policy, begun: Begun) -> bool:
        if not begun.connection_id:
            return policy.may_make(begun.rpc, Facts("", begun.provider, begun.labels))
        facts = await self._sight.look(begun.connection_id, {}, anew=True)
        return policy.verdict(begun.rpc, facts) is Verdict.FULL
