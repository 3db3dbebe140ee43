"""Attendees and answers to invitations."""

from collections.abc import Awaitable, Callable

import grpc
import pytest

from providers.core import operations as ops
from tests.conformance.client import Client
from tests.conformance.failure import Failure
from tests.conformance.kinds import EVENT
from ucal.v1 import event_pb2, types_pb2

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs(ops.GET_EVENT)]

INVALID = grpc.StatusCode.INVALID_ARGUMENT
ANA, BEN = "ana.guest@example.com", "ben.guest@example.com"


def _addresses(event: event_pb2.Event) -> set[str]:
    return {a.email.lower() for a in event.attendees if not (a.is_organizer or a.is_self)}


async def _invited(client: Client) -> event_pb2.Event:
    made = await client.create(
        EVENT,
        attendees=[types_pb2.Attendee(email=ANA, role=types_pb2.ATTENDEE_ROLE_OPTIONAL)],
    )
    found: event_pb2.Event = await client.get(EVENT, made.id)
    assert _addresses(found) == {ANA}
    return found


@pytest.mark.keeps(ops.CREATE_EVENT, "attendees")
@pytest.mark.keeps(ops.UPDATE_EVENT, "attendees")
async def test_adding_one_leaves_the_others_alone(client: Client) -> None:
    """P49, P50."""
    made = await _invited(client)
    before = next(a for a in made.attendees if a.email.lower() == ANA)
    answer = await client.call(
        ops.UPDATE_EVENT, id=made.id, event={}, add_attendees=[{"email": BEN}]
    )
    found = await client.get(EVENT, answer.event.id)
    assert _addresses(found) == {ANA, BEN}, f"{client.name} UpdateEvent add_attendees"
    after = next(a for a in found.attendees if a.email.lower() == ANA)
    assert after == before, f"{client.name}: Ana was touched: {before} became {after}"
    assert found.subject == made.subject
    again = await client.call(
        ops.UPDATE_EVENT, id=found.id, event={}, add_attendees=[{"email": BEN}]
    )
    assert _addresses(again.event) == {ANA, BEN}, "adding twice invites twice"


@pytest.mark.keeps(ops.CREATE_EVENT, "attendees")
@pytest.mark.keeps(ops.UPDATE_EVENT, "attendees")
async def test_removing_one_leaves_the_others_alone(client: Client) -> None:
    made = await _invited(client)
    await client.call(ops.UPDATE_EVENT, id=made.id, event={}, add_attendees=[{"email": BEN}])
    answer = await client.call(
        ops.UPDATE_EVENT, id=made.id, event={}, remove_attendees=[ANA.upper()]
    )
    found = await client.get(EVENT, answer.event.id)
    assert _addresses(found) == {BEN}, f"{client.name} UpdateEvent remove_attendees"


@pytest.mark.keeps(ops.CREATE_EVENT, "attendees")
@pytest.mark.keeps(ops.UPDATE_EVENT, "attendees")
async def test_deltas_exclude_a_whole_list(client: Client) -> None:
    made = await _invited(client)
    async with client.unchanged(EVENT):
        await client.refused(
            ops.UPDATE_EVENT,
            INVALID,
            field="add_attendees",
            id=made.id,
            event={"attendees": [{"email": BEN}]},
            update_mask={"paths": ["attendees"]},
            add_attendees=[{"email": BEN}],
        )


@pytest.mark.needs(ops.UPDATE_EVENT, ops.CREATE_EVENT)
async def test_deltas_are_refused_where_attendees_are_not_kept(client: Client) -> None:
    if client.writable(ops.UPDATE_EVENT, "attendees"):
        return
    await client.refused(
        ops.UPDATE_EVENT,
        grpc.StatusCode.UNIMPLEMENTED,
        field="add_attendees",
        id=await client.one(EVENT),
        event={},
        add_attendees=[{"email": BEN}],
    )


@pytest.mark.needs(ops.RESPOND_TO_EVENT)
async def test_an_answer_is_one_of_the_known(client: Client) -> None:
    await client.refused(
        ops.RESPOND_TO_EVENT, INVALID, field="response", id=await client.one(EVENT)
    )


@pytest.mark.needs(ops.RESPOND_TO_EVENT)
async def test_answers_to_an_invitation(client: Client) -> None:
    """P51: the caller's entry, and no other; a caller who is not invited is told."""
    invite: Callable[[], Awaitable[str]] | None = getattr(client.harness, "invite", None)
    if invite is None:
        own_id = await client.one(EVENT)
        answer = await client.attempt(
            ops.RESPOND_TO_EVENT, id=own_id, response=types_pb2.ATTENDEE_RESPONSE_ACCEPTED
        )
        if isinstance(answer, Failure):
            assert answer.code is grpc.StatusCode.FAILED_PRECONDITION, answer
        else:
            assert answer.event.id, f"{client.name} RespondToEvent: no event in the answer"
        return
    own_id = await invite()
    others = {a.email: a for a in (await client.get(EVENT, own_id)).attendees if not a.is_self}
    for response in (
        types_pb2.ATTENDEE_RESPONSE_ACCEPTED,
        types_pb2.ATTENDEE_RESPONSE_TENTATIVE,
    ):
        await client.call(ops.RESPOND_TO_EVENT, id=own_id, response=response)
        found = await client.get(EVENT, own_id)
        assert found.own_response == response, f"{client.name} RespondToEvent"
        assert {a.email: a for a in found.attendees if not a.is_self} == others
