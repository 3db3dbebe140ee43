"""The suite tested: a provider that lies about itself, in either direction, does not pass.

Each lie is told by the sandbox in disguise. The check that is to find it out passes on the honest
sandbox first, so that it is the lie and nothing else that it finds.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from providers.core import operations as ops
from providers.registry import PROVIDERS
from tests.conformance import (
    liars,
    test_capabilities,
    test_fields,
    test_lifecycle,
    test_lists,
    test_recurrence,
    test_watch,
)
from tests.conformance.client import Client
from tests.conformance.kinds import CALENDAR, EVENT, METHODS, RECORDING, ROOM
from tests.conformance.serve import served
from tests.conformance.subjects import capabilities, subjects
from ucal.v1 import provider_pb2, types_pb2

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("conformance-liars"),
]

Check = Callable[[Client], Awaitable[None]]
Lie = tuple[Callable[[], liars.Attributes], Check]


def _done(operation: ops.Operation) -> Check:
    return lambda client: test_capabilities.declared_is_done(client, operation)


def _kept_on_create(client: Client) -> Awaitable[None]:
    return test_fields.every_field_is_kept(
        client, EVENT, METHODS.METHOD_CREATE, test_fields._by_create
    )


def _on(check: Callable[..., Awaitable[None]], *arguments: Any) -> Check:
    return lambda client: check(client, *arguments)


def _clear(*path: str) -> Callable[[Any], None]:
    def spoil(message: Any) -> None:
        for name in path[:-1]:
            message = getattr(message, name)
        message.ClearField(path[-1])

    return spoil


_FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING

LIES: dict[str, Lie] = {
    "declares what it cannot do": (
        lambda: liars.refusing(ops.GET_ROOM),
        _done(ops.GET_ROOM),
    ),
    "does what it denies": (
        lambda: liars.declaring(ops.GET_ROOM, support=provider_pb2.SUPPORT_UNSUPPORTED),
        _done(ops.GET_ROOM),
    ),
    "refuses with another reason than it declares": (
        lambda: liars.lacking(ops.GET_ROOM),
        _done(ops.GET_ROOM),
    ),
    "answers with nothing what it does not have": (
        lambda: liars.answering(ops.LIST_RECORDINGS, _clear("recordings")),
        _on(test_lifecycle.test_ids_are_there_and_unique, RECORDING),
    ),
    "is emulated for no reason": (
        lambda: liars.declaring(ops.GET_ROOM, support=provider_pb2.SUPPORT_EMULATED),
        test_capabilities.test_what_is_not_native_says_why,
    ),
    "fills fields that it does not declare": (
        lambda: liars.declaring(ops.GET_EVENT, readable_fields=["subject"]),
        _on(test_capabilities.test_only_declared_fields_are_filled, EVENT),
    ),
    "keeps a field it declares on no create": (
        lambda: liars.forgetting(ops.CREATE_EVENT, "location"),
        _kept_on_create,
    ),
    "reports a loss that did not happen": (
        liars.exaggerating_losses,
        _on(test_fields.test_what_is_dropped_is_reported_and_really_absent, EVENT),
    ),
    "declares etags and ignores them": (
        lambda: liars.asking(ops.UPDATE_EVENT, _clear("event", "etag")),
        _on(test_lifecycle.test_a_stale_etag_aborts_an_update, EVENT),
    ),
    "fills etags that it does not declare": (
        lambda: liars.declaring(ops.UPDATE_EVENT, etags=False),
        _on(test_lifecycle.test_a_stale_etag_aborts_an_update, EVENT),
    ),
    "declares idempotency and creates twice": (
        lambda: liars.asking(ops.CREATE_EVENT, _clear("request_id")),
        _on(test_lifecycle.test_request_id_makes_one_object_or_is_refused, EVENT),
    ),
    "declares updated_after and ignores it": (
        lambda: liars.asking(ops.LIST_EVENTS, _clear("updated_after")),
        test_lists.test_updated_after_filters,
    ),
    "declares query and ignores it": (
        lambda: liars.asking(ops.LIST_EVENTS, _clear("query")),
        test_lists.test_query_filters,
    ),
    "declares expansion and lists series": (
        lambda: liars.asking(ops.LIST_EVENTS, _clear("expand_recurring")),
        test_recurrence.test_lists_hold_the_series_or_its_instances,
    ),
    "declares a scope that it does not have": (
        lambda: liars.refusing(ops.UPDATE_EVENT, lambda r: r.scope == _FOLLOWING),
        test_recurrence.test_update_of_this_and_following,
    ),
    "takes a scope for another": (
        lambda: liars.asking(
            ops.DELETE_EVENT, lambda r: setattr(r, "scope", types_pb2.UPDATE_SCOPE_THIS_INSTANCE)
        ),
        test_recurrence.test_delete_of_this_and_following,
    ),
    "has pages of its own size": (
        lambda: liars.without_page_sizes(ops.LIST_CALENDARS),
        _on(test_lists.test_pages_hold_everything_once, ops.LIST_CALENDARS, 1),
    ),
    "exceeds its largest page": (
        lambda: (
            liars.declaring(ops.LIST_CALENDARS, max_page_size=1)
            | liars.without_page_sizes(ops.LIST_CALENDARS)
        ),
        _on(test_lists.test_a_huge_page_size_is_brought_down, ops.LIST_CALENDARS),
    ),
    "declares a watch and tells no change": (
        liars.blind,
        _on(test_capabilities.test_a_kind_is_watched_if_and_only_if_it_is_declared, EVENT),
    ),
    "declares exact deletions and is silent about them": (
        liars.silent_about_deletions,
        _on(test_watch.test_changes_of_others_arrive, EVENT),
    ),
    "denies a watch that works": (
        lambda: liars.declaring(ops.WATCH_CALENDARS, support=provider_pb2.SUPPORT_UNSUPPORTED),
        _on(test_capabilities.test_a_kind_is_watched_if_and_only_if_it_is_declared, CALENDAR),
    ),
    "lists objects that cannot be read": (
        lambda: liars.answering(
            ops.LIST_ROOMS, lambda answer: answer.rooms.add(id="ghost", name="Ghost")
        ),
        _on(test_lists.test_raw_is_there_if_and_only_if_it_is_asked_for, ROOM),
    ),
}


async def _passes(check: Check) -> None:
    subject = next(s for s in subjects() if s.provider == liars.BASE)
    async with served(subject) as client:
        try:
            await check(client)
        except pytest.skip.Exception as skipped:
            pytest.fail(f"the check did not run: {skipped}")


@pytest.mark.skipif(liars.BASE not in PROVIDERS, reason="no sandbox in the registry")
@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_found_out(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attributes, check = LIES[lie]
    await _passes(check)
    monkeypatch.setitem(PROVIDERS, liars.BASE, liars.tell(attributes()))
    monkeypatch.setattr(test_watch, "PATIENCE", 3.0)
    with pytest.raises(AssertionError):
        await _passes(check)


@pytest.mark.skipif(liars.BASE not in PROVIDERS, reason="no sandbox in the registry")
async def test_every_operation_is_checked_in_both_directions() -> None:
    """No operation of the contract is left out of the two tests that hold words against deeds."""
    declared = capabilities(liars.BASE)
    assert set(declared) == set(ops.OPERATIONS)
