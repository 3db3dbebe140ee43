"""Links, their slots, and what is booked through them."""

from datetime import UTC, timedelta

import grpc
import pytest

from providers.core import operations as ops
from tests.conformance import plain, samples
from tests.conformance.client import Client
from tests.conformance.kinds import EVENT, LINK

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.needs(ops.LIST_LINK_SLOTS)
async def test_slots_lie_in_the_window_in_order(client: Client) -> None:
    fields = await plain.existing(client, ops.LIST_LINK_SLOTS)
    found = await client.all(ops.LIST_LINK_SLOTS, **fields)
    assert found, f"{client.name} ListLinkSlots: nothing is free in five days"
    starts = [slot.start_at.ToDatetime(UTC) for slot in found]
    low, high = (getattr(fields["window"], n).ToDatetime(UTC) for n in ("start_at", "end_at"))
    assert starts == sorted(set(starts)), f"{client.name} ListLinkSlots: order, or a slot twice"
    assert low <= starts[0]
    assert starts[-1] < high
    for slot in found:
        if slot.HasField("end_at"):
            assert slot.end_at.ToNanoseconds() > slot.start_at.ToNanoseconds()


@pytest.mark.needs(ops.LIST_LINK_SLOTS)
async def test_slots_want_both_bounds(client: Client) -> None:
    fields = await plain.existing(client, ops.LIST_LINK_SLOTS)
    for name in ("start_at", "end_at"):
        window = type(fields["window"]).FromString(fields["window"].SerializeToString())
        window.ClearField(name)
        await client.refused(
            ops.LIST_LINK_SLOTS, INVALID, field="window", **(fields | {"window": window})
        )


@pytest.mark.needs(ops.LIST_LINK_SLOTS, ops.CREATE_EVENT, ops.GET_EVENT)
@pytest.mark.keeps(ops.CREATE_EVENT, "link_id")
async def test_a_slot_is_booked_once(client: Client) -> None:
    if not client.harness.link_id:
        client.missing("bookable link")
    resource = await samples.booking(client)
    made = (await client.call(ops.CREATE_EVENT, event=resource)).event
    found = await client.get(EVENT, made.id, calendar_id=made.calendar_id)
    assert found.link_id == client.harness.link_id
    assert samples.instant(found.start_at) == samples.instant(resource.start_at)
    assert samples.instant(found.end_at) > samples.instant(found.start_at)
    start = samples.instant(resource.start_at)
    slots = await client.all(
        ops.LIST_LINK_SLOTS,
        link_id=client.harness.link_id,
        window=samples.window(start - timedelta(hours=1), days=0.1),
    )
    same = [s for s in slots if s.start_at == resource.start_at.timestamp]
    if same and same[0].places_left != 0:
        return  # a slot with several places
    assert not same, f"{client.name} ListLinkSlots: a booked slot is offered again"
    await client.refused(
        ops.CREATE_EVENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        reason="SLOT_TAKEN",
        event=resource,
    )


@pytest.mark.needs(ops.LIST_LINKS)
async def test_links_are_filtered_by_activity(client: Client) -> None:
    await client.at_least(LINK, 1)
    both = {link.id for link in await client.every(LINK)}
    active = {link.id for link in await client.every(LINK, is_active=True)}
    idle = {link.id for link in await client.every(LINK, is_active=False)}
    assert active | idle == both, f"{client.name} ListLinks: {both - active - idle} in neither"
    assert not active & idle, f"{client.name} ListLinks: {active & idle} in both"
