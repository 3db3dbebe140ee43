"""Recordings, transcripts, webinars and those who register."""

import uuid
from datetime import UTC, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.errors import Kind
from providers.core.settings import ProviderSettings
from providers.sandbox.provider import Sandbox
from tests.providers.sandbox.desk import ALL, NOW, THIS, Desk, berlin, refused, window
from ucal.v1 import recording_pb2, types_pb2, webinar_pb2

APPROVED = webinar_pb2.REGISTRANT_STATUS_APPROVED
PENDING = webinar_pb2.REGISTRANT_STATUS_PENDING
DENIED = webinar_pb2.REGISTRANT_STATUS_DENIED
CANCELED = webinar_pb2.REGISTRANT_STATUS_CANCELED
WAITLISTED = webinar_pb2.REGISTRANT_STATUS_WAITLISTED


async def recordings(desk: Desk, **fields: object) -> list[recording_pb2.Recording]:
    request = recording_pb2.ListRecordingsRequest(**fields)
    return list((await desk.sandbox.list_recordings(desk.call(), request)).recordings)


async def test_recordings_are_listed_newest_first(desk: Desk) -> None:
    found = await recordings(desk)
    begins = [r.start_at.ToNanoseconds() for r in found]
    assert begins == sorted(begins, reverse=True)
    one = found[2]
    assert [r.id for r in await recordings(desk, event_id=one.event_id)] == [one.id]
    start = one.start_at.ToDatetime(UTC)
    assert one.id in [r.id for r in await recordings(desk, window=window(start, days=0.001))]
    ended = one.end_at.ToDatetime(UTC)
    assert one.id not in [r.id for r in await recordings(desk, window=window(ended, days=1))]
    first = await desk.sandbox.list_recordings(
        desk.call(), recording_pb2.ListRecordingsRequest(page_size=1)
    )
    assert first.next_page_token
    request = recording_pb2.GetRecordingRequest(id=one.id, include_raw=True)
    assert (await desk.sandbox.get_recording(desk.call(), request)).recording.raw["__id"] == one.id


async def test_p82_no_url_has_a_token_in_it(desk: Desk) -> None:
    """P82."""
    for recording in await recordings(desk):
        for media in recording.media:
            assert "?" not in media.url
            assert "token" not in media.url


async def test_p82_a_recording_is_ready_later_and_says_so() -> None:
    """P82: first without its transcript, then with it, as an update."""
    desk = Desk(Sandbox(ProviderSettings()))
    kind = types_pb2.RESOURCE_KIND_RECORDING
    fresh = (await recordings(desk))[0]
    assert fresh.state == recording_pb2.MEDIA_STATE_PROCESSING
    assert {m.state for m in fresh.media} == {recording_pb2.MEDIA_STATE_PROCESSING}
    segments = recording_pb2.ListTranscriptSegmentsRequest(recording_id=fresh.id)
    with refused(Kind.NOT_FOUND) as caught:
        await desk.sandbox.list_transcript_segments(desk.call(), segments)
    assert caught.value.resource == ("transcript", fresh.id)
    cursor = (await desk.changes(kind=kind)).cursor
    desk.later(seconds=60)
    (change,) = (await desk.changes(cursor, kind)).changes
    assert change.recording.state == recording_pb2.MEDIA_STATE_READY
    assert change.recording.has_transcript
    assert (await desk.sandbox.list_transcript_segments(desk.call(), segments)).segments


async def test_transcripts_are_paged_in_order(desk: Desk) -> None:
    request = recording_pb2.ListTranscriptSegmentsRequest(
        recording_id="rec-workshop", page_size=100
    )
    found: list[recording_pb2.TranscriptSegment] = []
    for count in (100, 100, 40):
        answer = await desk.sandbox.list_transcript_segments(desk.call(), request)
        assert len(answer.segments) == count
        found += answer.segments
        request.page_token = answer.next_page_token
    assert request.page_token == ""
    begins = [s.start_offset.ToMilliseconds() for s in found]
    assert begins == sorted(set(begins))
    assert all(s.end_offset.ToMilliseconds() > s.start_offset.ToMilliseconds() for s in found)
    for own_id in ("rec-call", "nowhere"):
        with refused(Kind.NOT_FOUND):
            request = recording_pb2.ListTranscriptSegmentsRequest(recording_id=own_id)
            await desk.sandbox.list_transcript_segments(desk.call(), request)


# -- webinars


def webinar(**fields: object) -> webinar_pb2.Webinar:
    fields.setdefault("subject", "Launch")
    fields.setdefault("start_at", berlin(20, 17))
    fields.setdefault("end_at", berlin(20, 18))
    return webinar_pb2.Webinar(**fields)


async def create(
    desk: Desk, resource: webinar_pb2.Webinar, **fields: object
) -> webinar_pb2.Webinar:
    request = webinar_pb2.CreateWebinarRequest(webinar=resource, **fields)
    return (await desk.sandbox.create_webinar(desk.call(), request)).webinar


async def get(desk: Desk, id: str) -> webinar_pb2.Webinar:
    request = webinar_pb2.GetWebinarRequest(id=id)
    return (await desk.sandbox.get_webinar(desk.call(), request)).webinar


async def register(
    desk: Desk, id: str, email: str, **fields: object
) -> webinar_pb2.WebinarRegistrant:
    registrant = webinar_pb2.WebinarRegistrant(email=email, name="Rita", **fields)
    request = webinar_pb2.CreateWebinarRegistrantRequest(webinar_id=id, registrant=registrant)
    return (await desk.sandbox.create_webinar_registrant(desk.call(), request)).registrant


async def test_webinars_are_made_read_changed_and_deleted(desk: Desk) -> None:
    panelist = webinar_pb2.WebinarPanelist(name="Pia", email="pia@example.com")
    made = await create(desk, webinar(panelists=[panelist], password="x"))
    assert made.is_published
    assert made.is_registration_required
    assert made.approval_mode == webinar_pb2.APPROVAL_MODE_AUTOMATIC
    assert made.panelists[0].join_url
    assert made == await get(desk, made.id)
    sent = webinar_pb2.Webinar(subject="Later", panelists=[panelist])
    request = webinar_pb2.UpdateWebinarRequest(
        id=made.id, webinar=sent, update_mask=FieldMask(paths=["subject", "panelists", "password"])
    )
    changed = (await desk.sandbox.update_webinar(desk.call(), request)).webinar
    assert (changed.subject, changed.password) == ("Later", "")
    assert changed.panelists == made.panelists, "who was invited keeps the link"
    request.webinar.etag = made.etag
    with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
        await desk.sandbox.update_webinar(desk.call(), request)
    delete = webinar_pb2.DeleteWebinarRequest(id=made.id, etag=changed.etag)
    answer = await desk.sandbox.delete_webinar(desk.call(), delete)
    assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    with refused(Kind.NOT_FOUND):
        await get(desk, made.id)
    delete.allow_missing = True
    assert (await desk.sandbox.delete_webinar(desk.call(), delete)).already_absent


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        (webinar(subject=""), "webinar.subject"),
        (webinar(end_at=berlin(20, 16)), "webinar.end_at"),
        (webinar(start_at=types_pb2.EventTime(date={"year": 2026})), "webinar.start_at"),
        (webinar(panelists=[webinar_pb2.WebinarPanelist(name="x")]), "webinar.panelists[0].email"),
    ],
)
async def test_bad_webinars_are_refused(
    desk: Desk, resource: webinar_pb2.Webinar, field: str
) -> None:
    with refused(Kind.INVALID, field=field):
        await create(desk, resource)


async def test_a_series_of_webinars_is_written_as_a_whole(desk: Desk) -> None:
    own_id = "webinar-series"
    request = webinar_pb2.UpdateWebinarRequest(
        id=own_id,
        webinar=webinar_pb2.Webinar(subject="x"),
        update_mask=FieldMask(paths=["subject"]),
    )
    for scope in (0, THIS):
        request.scope = scope
        with refused(Kind.INVALID, field="scope"):
            await desk.sandbox.update_webinar(desk.call(), request)
        with refused(Kind.INVALID, field="scope"):
            await desk.sandbox.delete_webinar(
                desk.call(), webinar_pb2.DeleteWebinarRequest(id=own_id, scope=scope)
            )
    request.scope = ALL
    assert (await desk.sandbox.update_webinar(desk.call(), request)).webinar.subject == "x"


async def test_a_window_finds_what_recurs_in_it(desk: Desk) -> None:
    async def ids(days: float) -> list[str]:
        request = webinar_pb2.ListWebinarsRequest(window=window(NOW + timedelta(days=days), days=1))
        answer = await desk.sandbox.list_webinars(desk.call(), request)
        return [item.id for item in answer.webinars]

    assert "webinar-series" in await ids(7)
    assert "webinar-series" not in await ids(6)
    assert "webinar-upcoming" in await ids(8)
    assert await ids(400) == []


async def test_p59_one_request_id_makes_one_webinar(desk: Desk) -> None:
    request_id = str(uuid.uuid4())
    made = await create(desk, webinar(), request_id=request_id)
    assert await create(desk, webinar(), request_id=request_id) == made


# -- registrants


async def test_registrants_are_paged_and_filtered(desk: Desk) -> None:
    request = webinar_pb2.ListWebinarRegistrantsRequest(webinar_id="webinar-upcoming", page_size=25)
    found: list[str] = []
    while True:
        answer = await desk.sandbox.list_webinar_registrants(desk.call(), request)
        found += [r.id for r in answer.registrants]
        request.page_token = answer.next_page_token
        if not request.page_token:
            break
    assert len(found) == len(set(found)) == 60
    assert len((await get(desk, "webinar-upcoming")).registrants) == 25
    listed = await desk.sandbox.list_webinars(desk.call(), webinar_pb2.ListWebinarsRequest())
    assert not any(item.registrants for item in listed.webinars)
    request = webinar_pb2.ListWebinarRegistrantsRequest(webinar_id="webinar-past", status=CANCELED)
    (gone,) = (await desk.sandbox.list_webinar_registrants(desk.call(), request)).registrants
    assert gone.status == CANCELED


async def test_registration_as_the_webinar_says(desk: Desk) -> None:
    automatic = await create(desk, webinar(capacity=2))
    manual = await create(desk, webinar(approval_mode=webinar_pb2.APPROVAL_MODE_MANUAL))
    closed = await create(desk, webinar(approval_mode=webinar_pb2.APPROVAL_MODE_NONE))
    statuses = [(await register(desk, automatic.id, f"r{n}@example.com")).status for n in range(3)]
    assert statuses == [APPROVED, APPROVED, WAITLISTED]
    waiting = await register(desk, manual.id, "r@example.com")
    assert (waiting.status, waiting.join_url) == (PENDING, "")
    with refused(Kind.PRECONDITION, reason="REGISTRATION_CLOSED"):
        await register(desk, closed.id, "r@example.com")
    with refused(Kind.NOT_FOUND):
        await register(desk, "nowhere", "r@example.com")


async def test_registration_wants_an_address_and_answers(desk: Desk) -> None:
    own_id = "webinar-upcoming"
    for email in ("", "x", "a b@example.com", "@example.com"):
        with refused(Kind.INVALID, field="registrant.email"):
            await register(desk, own_id, email)
    for answers in ({}, {"question": "?"}, {"company": "x", "hat": "y"}):
        with refused(Kind.INVALID, field="registrant.answers"):
            await register(desk, own_id, "r@example.com", answers=answers)
    made = await register(desk, own_id, "r@example.com", answers={"company": "x"})
    assert dict(made.answers) == {"company": "x"}
    with refused(Kind.ALREADY_EXISTS, field="registrant.email") as caught:
        await register(desk, own_id, "R@Example.com", answers={"company": "x"})
    assert caught.value.resource == ("registrant", made.id)


async def test_the_status_of_a_registration_changes(desk: Desk) -> None:
    own_id = "webinar-manual"
    request = webinar_pb2.UpdateWebinarRegistrantStatusRequest(
        webinar_id=own_id, registrant_id=f"{own_id}-r1"
    )
    for status, linked in ((APPROVED, True), (DENIED, False), (CANCELED, False)):
        request.status = status
        answer = await desk.sandbox.update_webinar_registrant_status(desk.call(), request)
        assert answer.registrant.status == status
        assert bool(answer.registrant.join_url) is linked
    request.status = APPROVED
    with refused(Kind.PRECONDITION, reason="ALREADY_CANCELED"):
        await desk.sandbox.update_webinar_registrant_status(desk.call(), request)
    request.registrant_id = "nobody"
    with refused(Kind.NOT_FOUND):
        await desk.sandbox.update_webinar_registrant_status(desk.call(), request)
