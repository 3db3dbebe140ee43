"""What a caller may do: grants, compiled once, and the decision about one call.

Nothing is allowed but by a grant. Grants add up; of several that allow the same call the one with
the fewest restrictions counts.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from server.access.rpcs import BUSY_RPCS, RPCS, Rpc
from server.connections.bounded import Bounded
from server.connections.brought import CONNECTION_ID as BROUGHT
from server.settings_model import Grant

BUSY_ONLY = "busy_only"
_DECISIONS = 1024


class Verdict(enum.Enum):
    """About one RPC on one connection."""

    UNSEEN = "the caller may do nothing there: it does not exist for it"
    REFUSED = "the caller sees it, and may not do this"
    MASKED = "the caller may see free/busy alone, and this is more"
    BUSY = "allowed; the answer holds free/busy alone"
    FULL = "allowed"


@dataclass(frozen=True, slots=True)
class Facts:
    """What policies ask of a connection.

    Attributes:
        id: "-" for credentials that the caller brought; "" for one that is to be made, whose id
            the service chooses.
    """

    id: str
    provider: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """A grant, compiled.

    Attributes:
        rpcs: names of the RPCs that it allows.
        every: it is about every id.
        ids: else these,
        prefixes: and those that begin so.
        labels: every one of these keys has one of these values.
        providers: one of these; empty: any.
        busy_only: the mask.
        secrets: references that connections under it may hold,
        secret_prefixes: and those that begin so.
    """

    rpcs: frozenset[str]
    every: bool
    ids: frozenset[str]
    prefixes: tuple[str, ...]
    labels: tuple[tuple[str, frozenset[str]], ...]
    providers: frozenset[str]
    busy_only: bool
    secrets: frozenset[str] = frozenset()
    secret_prefixes: tuple[str, ...] = ()

    @classmethod
    def of(cls, grant: Grant) -> "Rule":
        """`grant`, which `server.settings_rules` has held against the rules."""
        words = frozenset(grant.allow)
        names = [each for each in grant.connections if each != "*"]
        return cls(
            rpcs=frozenset(rpc.name for rpc in RPCS.values() if words & rpc.words),
            every="*" in grant.connections or not grant.connections,
            ids=frozenset(each for each in names if not each.endswith("*")),
            prefixes=tuple(each[:-1] for each in names if each.endswith("*")),
            labels=tuple(
                (key, frozenset({value} if isinstance(value, str) else value))
                for key, value in sorted(grant.labels.items())
            ),
            providers=frozenset(grant.providers),
            busy_only=grant.mask == BUSY_ONLY,
            secrets=frozenset(each for each in grant.secrets if not each.endswith("*")),
            secret_prefixes=tuple(each[:-1] for each in grant.secrets if each.endswith("*")),
        )

    def covers(self, facts: Facts) -> bool:
        """Whether it is about this connection. "-" has to be named: no wildcard means it."""
        if facts.id == BROUGHT:
            return BROUGHT in self.ids and self._fits(facts)
        return (self.every or self._names(facts.id)) and self._fits(facts)

    def covers_new(self, facts: Facts) -> bool:
        """Whether a connection like this may be made under it.

        An id may be chosen by those alone who may choose any, or whose ids are named: else
        "it is taken" would tell of other people's connections.
        """
        chosen = (self._unlimited or self._names(facts.id)) if facts.id else self.every
        return chosen and not self.busy_only and self._fits(facts)

    @property
    def _unlimited(self) -> bool:
        return self.every and not self.labels and not self.providers

    def refers(self, reference: str) -> bool:
        """Whether connections under it may hold the reference "store:key".

        What is set apart in `[secrets]` is so for all callers together: who is held to some
        connections could else have another's secret sent to a host of its own.
        """
        if self._unlimited:
            return True
        # A key that does not mean what it begins with is no beginning of it.
        if not {"", ".", ".."}.isdisjoint(reference.partition(":")[2].split("/")):
            return False
        return reference in self.secrets or reference.startswith(self.secret_prefixes)

    def _names(self, connection_id: str) -> bool:
        return connection_id in self.ids or connection_id.startswith(self.prefixes)

    def _fits(self, facts: Facts) -> bool:
        if self.providers and facts.provider not in self.providers:
            return False
        return all(facts.labels.get(key) in values for key, values in self.labels)


class Policy:
    """All that one caller may do. Decisions are remembered, so that a call costs a look-up."""

    __slots__ = ("_decided", "_may", "_rules", "_veiled")

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._rules = tuple(Rule.of(grant) for grant in grants)
        self._may = frozenset[str]().union(*map(_reach, self._rules))
        self._veiled = frozenset[str]().union(*(rule.rpcs for rule in self._rules)) - self._may
        self._decided: Bounded[tuple[str, str], tuple[Facts, Verdict]] = Bounded(_DECISIONS)

    def may(self, rpc: Rpc) -> bool:
        """Whether there is anything that the caller may do with `rpc`."""
        return rpc.name in self._may

    def is_veiled(self, rpc: Rpc) -> bool:
        """Whether it is a mask alone that keeps the caller from `rpc`."""
        return rpc.name in self._veiled

    def verdict(self, rpc: Rpc, facts: Facts | None) -> Verdict:
        """About `rpc` on the connection `facts`; None: there is no such connection."""
        if facts is None:
            return Verdict.UNSEEN
        key = (rpc.name, facts.id)
        known = self._decided.get(key)
        if known is not None and known[0] is facts:
            return known[1]
        found = self._decide(rpc, facts)
        self._decided.put(key, (facts, found))
        return found

    def _decide(self, rpc: Rpc, facts: Facts) -> Verdict:
        seen = [rule for rule in self._rules if rule.covers(facts)]
        if not seen:
            return Verdict.UNSEEN
        allowing = [rule for rule in seen if rpc.name in rule.rpcs]
        if not allowing:
            return Verdict.REFUSED
        if not all(rule.busy_only for rule in allowing):
            return Verdict.FULL
        return Verdict.BUSY if rpc.name in BUSY_RPCS else Verdict.MASKED

    def may_make(self, rpc: Rpc, facts: Facts) -> bool:
        """Whether `rpc` may make the connection `facts`."""
        return any(rpc.name in rule.rpcs and rule.covers_new(facts) for rule in self._rules)

    def may_refer(self, rpc: Rpc, facts: Facts, reference: str) -> bool:
        """Whether `rpc` may have `facts`, made or to be made, hold the reference "store:key"."""
        return any(
            rpc.name in rule.rpcs
            and not rule.busy_only
            and rule.covers(facts)
            and rule.refers(reference)
            for rule in self._rules
        )


def _reach(rule: Rule) -> frozenset[str]:
    return rule.rpcs & BUSY_RPCS if rule.busy_only else rule.rpcs
