"""The policy table, compiled: from the names that a caller has to what it may do."""

from collections.abc import Iterable, Sequence

from server.access.policy import Policy
from server.settings_model import Grant
from server.settings_model import Policy as PolicyRow


class Subjects:
    """`[[policies]]` by subject."""

    def __init__(self, policies: Iterable[PolicyRow]) -> None:
        self._exact: dict[str, list[Grant]] = {}
        self._below: dict[str, list[Grant]] = {}
        for policy in policies:
            for subject in dict.fromkeys(policy.subjects):
                if subject.endswith("/*") and subject.startswith("spiffe://"):
                    self._below.setdefault(subject[:-1], []).append(policy)
                else:
                    self._exact.setdefault(subject, []).append(policy)

    def policy(self, names: Sequence[str], grants: Iterable[Grant] = ()) -> Policy:
        """What a caller with these names may do, its own `grants` among it."""
        found = [*grants, *self._exact.get("*", ())]
        for name in dict.fromkeys(names):
            if name != "*":
                found += self._exact.get(name, ())
            if name.startswith("spiffe://"):
                for at, sign in enumerate(name):
                    if sign == "/":
                        found += self._below.get(name[: at + 1], ())
        return Policy(found)
