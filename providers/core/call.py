"""What a provider is handed with every call: the connection, its door outside, a clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from providers.core.http import Http
from providers.core.operations import ResourceKind
from ucal.v1 import watch_pb2


@dataclass(frozen=True, slots=True)
class Call:
    """One call on behalf of one connection.

    Attributes:
        connection_id: goes into every resource that is returned.
        account_key: under which a provider may remember something in memory: equal for two calls
            only if they have the same credentials at the same place. connection_id does not tell:
            it is "-" for everybody who brings credentials along.
        http: signs requests with the connection's credentials and keeps to the caller's deadline.
        hints: request metadata addressed to this provider alone, by name without the prefix
            `ucal-<provider>-`. Only the sandbox reads any.
    """

    connection_id: str
    http: Http
    hints: Mapping[str, str] = field(default_factory=dict)
    account_key: str = ""

    @staticmethod
    def now() -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    """What to ask of `Provider.list_changes`.

    Attributes:
        kind: kind of object; one of `Provider.delta_kinds`.
        calendar_id: "" for the primary calendar, or for kinds that hang on no calendar.
        cursor: "" to begin, else `ChangesPage.cursor` of an earlier answer.
        baseline: with cursor "": only ids and versions of what is there are needed.
        include_raw: fill `raw` of resources.
    """

    kind: ResourceKind
    calendar_id: str = ""
    cursor: str = ""
    baseline: bool = False
    include_raw: bool = False


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Answer of `Provider.list_changes`.

    Attributes:
        changes: with cursor "": everything there is, as CREATED; else what changed since, as
            CREATED, UPDATED, DELETED or, when the provider does not tell, UPSERTED (the engine
            finds out which from the ids it knows). Order is the provider's.
        cursor: where to go on; never "".
        has_more: ask again at once.
        versions: with `ChangesQuery.baseline`: the version (etag) of each id that is there, in
            place of `changes`.
    """

    changes: list[watch_pb2.Change]
    cursor: str
    has_more: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """Who the credentials belong to, as the provider says now. Never stored."""

    name: str = ""
    email: str = ""
