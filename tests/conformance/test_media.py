"""Recordings, transcripts, webinars and their registrants."""

import grpc
import pytest

from providers.core import operations as ops
from tests.conformance import plain
from tests.conformance.client import Client
from tests.conformance.kinds import RECORDING, WEBINAR
from ucal.v1 import webinar_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SECRETS = ("access_token=", "token=", "sig=", "X-Amz-Signature")


@pytest.mark.needs(ops.LIST_RECORDINGS)
async def test_lists_of_recordings_hold_no_download_token(client: Client) -> None:
    """P82."""
    for recording in await client.at_least(RECORDING, 1):
        for media in recording.media:
            found = [secret for secret in _SECRETS if secret in media.url]
            signed = media.expires_at.seconds  # a URL that is signed says until when
            assert not found or signed, f"{client.name} ListRecordings: {found} in a URL"


@pytest.mark.needs(ops.LIST_TRANSCRIPT_SEGMENTS)
async def test_segments_are_in_order_and_say_something(client: Client) -> None:
    fields = await plain.existing(client, ops.LIST_TRANSCRIPT_SEGMENTS)
    found = await client.all(ops.LIST_TRANSCRIPT_SEGMENTS, **fields)
    assert found, f"{client.name} ListTranscriptSegments: empty"
    starts = [segment.start_offset.ToNanoseconds() for segment in found]
    assert starts == sorted(starts), f"{client.name} ListTranscriptSegments: order"
    assert all(segment.text for segment in found)
    for segment in found:
        if segment.HasField("end_offset"):
            assert segment.end_offset.ToNanoseconds() >= segment.start_offset.ToNanoseconds()


@pytest.mark.needs(ops.CREATE_WEBINAR_REGISTRANT, ops.LIST_WEBINAR_REGISTRANTS)
async def test_who_registers_is_listed(client: Client) -> None:
    own_id = await client.one(WEBINAR)
    answer = await client.call(
        ops.CREATE_WEBINAR_REGISTRANT,
        webinar_id=own_id,
        registrant={"name": "Rita Reg", "email": "rita.reg@example.com"},
    )
    assert answer.registrant.id
    found = await client.all(ops.LIST_WEBINAR_REGISTRANTS, webinar_id=own_id)
    (own,) = [r for r in found if r.id == answer.registrant.id]
    assert own.email.lower() == "rita.reg@example.com"
    assert own.name == "Rita Reg"


@pytest.mark.needs(ops.CREATE_WEBINAR_REGISTRANT)
async def test_a_registrant_needs_an_address(client: Client) -> None:
    await client.refused(
        ops.CREATE_WEBINAR_REGISTRANT,
        grpc.StatusCode.INVALID_ARGUMENT,
        field="registrant.email",
        webinar_id=await client.one(WEBINAR),
        registrant={"name": "Nobody"},
    )


@pytest.mark.needs(
    ops.CREATE_WEBINAR_REGISTRANT,
    ops.LIST_WEBINAR_REGISTRANTS,
    ops.UPDATE_WEBINAR_REGISTRANT_STATUS,
)
async def test_a_registration_is_denied(client: Client) -> None:
    if not client.writable(ops.CREATE_WEBINAR, "approval_mode"):
        client.missing("approval by hand")
    webinar = await client.create(
        WEBINAR,
        approval_mode=webinar_pb2.APPROVAL_MODE_MANUAL,
        is_registration_required=True,
    )
    made = await client.call(
        ops.CREATE_WEBINAR_REGISTRANT,
        webinar_id=webinar.id,
        registrant={"name": "Rita Reg", "email": "rita.reg@example.com"},
    )
    assert made.registrant.status == webinar_pb2.REGISTRANT_STATUS_PENDING
    answer = await client.call(
        ops.UPDATE_WEBINAR_REGISTRANT_STATUS,
        webinar_id=webinar.id,
        registrant_id=made.registrant.id,
        status=webinar_pb2.REGISTRANT_STATUS_DENIED,
    )
    assert answer.registrant.status == webinar_pb2.REGISTRANT_STATUS_DENIED
    denied = await client.all(
        ops.LIST_WEBINAR_REGISTRANTS,
        webinar_id=webinar.id,
        status=webinar_pb2.REGISTRANT_STATUS_DENIED,
    )
    assert [r.id for r in denied] == [made.registrant.id]


@pytest.mark.needs(ops.UPDATE_WEBINAR_REGISTRANT_STATUS)
async def test_a_registrant_that_is_not_there(client: Client) -> None:
    await client.refused(
        ops.UPDATE_WEBINAR_REGISTRANT_STATUS,
        (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT),
        webinar_id=await client.one(WEBINAR),
        registrant_id=plain.NOWHERE,
        status=webinar_pb2.REGISTRANT_STATUS_DENIED,
    )
