"""Reading events: what is asked of Graph, windows, zones, days."""

from datetime import UTC, date, datetime, timedelta

from providers.core.errors import Kind
from tests.providers.microsoft.desk import (
    WEEKLY,
    berlin,
    day,
    desk,
    instant,
    local,
    meeting,
    refused,
    window,
)
from ucal.v1 import event_pb2


async def test_every_request_asks_for_immutable_ids_and_utc() -> None:
    """P68, P21: ids survive moves; no zone of a caller's goes into Prefer."""
    async with desk() as d:
        made = await d.make(meeting())
        await d.get(made.id)
        await d.listed()
        await d.changes()
        for each in d.graph.journal:
            assert 'IdType="ImmutableId"' in each.headers["prefer"]
            assert 'outlook.timezone="UTC"' in each.headers["prefer"]


async def test_lists_ask_only_for_what_the_mask_names() -> None:
    async with desk() as d:
        await d.make(meeting())
        await d.listed(read_mask={"paths": ["subject"]})
        query = d.graph.asked("GET", "/events")[-1].query
        assert "subject" in query["$select"].split(",")
        assert not {"body", "attendees"} & set(query["$select"].split(","))
        assert "$expand" not in query


async def test_a_series_that_began_before_is_found() -> None:
    """P43: in a window that holds instances only; and not when none lies there."""
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        late = datetime(2026, 11, 10, tzinfo=UTC)
        assert [e.id for e in await d.listed(window=window(late, days=1))] == [made.id]
        between = datetime(2026, 11, 11, tzinfo=UTC)
        assert await d.listed(window=window(between, days=1)) == []
        found = await d.listed(window=window(late, days=1), expand_recurring=True)
        assert [local(e) for e in found] == ["11-10 14:10"]
        assert found[0].recurring_event_id == made.id
        assert await d.listed(window=window(late + timedelta(days=40), days=5)) == []


async def test_a_day_ahead_of_greenwich_does_not_show_the_next_one() -> None:
    """P31: a window of one day at UTC+3."""
    async with desk() as d:
        event = event_pb2.Event(
            subject="Fair", start_at=day(date(2026, 10, 21)), end_at=day(date(2026, 10, 22))
        )
        await d.make(event)
        low = datetime(2026, 10, 19, 21, tzinfo=UTC)
        assert await d.listed(window=window(low, days=1), expand_recurring=True) == []
        assert await d.listed(window=window(low, days=1)) == []
        assert len(await d.listed(window=window(low, days=2))) == 1


async def test_what_ends_when_the_window_begins_is_outside() -> None:
    """Graph's views hold what only touches the window."""
    async with desk() as d:
        await d.make(meeting())
        end = datetime(2026, 10, 20, 12, 40, tzinfo=UTC)
        assert await d.listed(window=window(end, days=1), expand_recurring=True) == []
        assert d.graph.journal[-1].answer["value"]


async def test_windows_names_become_iana_names() -> None:
    """P18, P25, P26: the times are UTC, the zone is the organizer's."""
    async with desk() as d:
        made = await d.make(meeting())
        raw = d.graph.journal[-1].answer
        assert raw["originalStartTimeZone"] == "W. Europe Standard Time"
        assert raw["start"] == {"dateTime": "2026-10-20T12:10:00.0000000", "timeZone": "UTC"}
        found = await d.get(made.id)
        assert found.start_at == berlin(20, 14, 10)
        assert found.timezone == "Europe/Berlin"
        assert not found.is_timezone_inferred


async def test_a_custom_zone_falls_back_to_that_of_the_mailbox() -> None:
    """P19: and says that it was guessed; without the right to ask, it is UTC."""
    async with desk() as d:
        made = await d.make(meeting())
        d.calendar.items[made.id].zone = "tzone://Microsoft/Custom"
        found = await d.get(made.id)
        assert (found.timezone, found.is_timezone_inferred) == ("Europe/Berlin", True)
        assert d.graph.asked("GET", "mailboxSettings/timeZone")
        d.box.zone = "Customized Time Zone"
        assert (await d.get(made.id)).timezone == "UTC"
        plain = d.graph._dispatch

        async def denied(method, path, query, body, headers):
            if path.endswith("timeZone"):
                headers = {**headers, "authorization": "Bearer application-token"}
                path = path.replace("/me/", "/users/nobody/")
            return await plain(method, path, query, body, headers)

        d.graph._dispatch = denied  # type: ignore[method-assign]
        d.box.zone = "W. Europe Standard Time"
        assert (await d.get(made.id)).timezone == "UTC"


async def test_all_day_events_keep_their_dates_whatever_the_zone() -> None:
    """P30: in UTC the midnights of Berlin are other hours of the day before."""
    async with desk() as d:
        for zone in ("W. Europe Standard Time", "New Zealand Standard Time", "UTC"):
            body = {
                "subject": zone,
                "isAllDay": True,
                "start": {"dateTime": "2026-12-01T00:00:00", "timeZone": zone},
                "end": {"dateTime": "2026-12-03T00:00:00", "timeZone": zone},
            }
            from tests.providers.microsoft.double import events

            made = events.create(d.box, d.calendar, body)
            found = await d.get(made.id)
            assert found.is_all_day
            assert found.start_at == day(date(2026, 12, 1)), zone
            assert found.end_at == day(date(2026, 12, 3)), zone


async def test_the_year_one_means_that_there_is_no_time() -> None:
    """P72."""
    async with desk() as d:
        made = await d.make(meeting(attendees=[{"email": "cid@example.net"}]))
        d.calendar.items[made.id].data["createdDateTime"] = "0001-01-01T00:00:00Z"
        found = await d.get(made.id)
        assert not found.HasField("created_at")
        assert found.HasField("updated_at")
        assert found.attendees[0].response == 1


async def test_instances_of_one_series_share_their_uid_and_not_their_id() -> None:
    """P47: Graph puts the day of an instance into its iCalUId."""
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        raw = {e["iCalUId"] for e in (await _view(d)).answer["value"]}
        assert len(raw) == 4
        found = await d.instances(made.id)
        assert {e.ical_uid for e in found} == {made.ical_uid}
        assert len({e.id for e in found}) == 4


async def _view(d):
    await d.instances((await d.listed())[0].id)
    return d.graph.asked("GET", "/instances")[-1]


async def test_a_next_link_to_another_host_is_not_followed() -> None:
    async with desk() as d:
        for number in range(3):
            await d.make(meeting(at=instant(datetime(2026, 10, 20, number, tzinfo=UTC))))
        d.graph.fail(
            200,
            body=b'{"value": [], "@odata.nextLink": "https://evil.example.com/v1.0/me/events?x=1"}',
        )
        with refused(Kind.PROVIDER_FAULT, reason="LINK_REFUSED"):
            await d.listed()


async def test_four_requests_of_a_mailbox_are_under_way_at_most() -> None:
    import asyncio

    async with desk() as d:
        d.graph.delay = 0.02
        await asyncio.gather(*(d.listed() for _ in range(12)))
        assert d.graph.most_at_once == 4


async def test_attachments_are_told_without_their_content() -> None:
    async with desk() as d:
        made = await d.make(meeting())
        item = d.calendar.items[made.id]
        item.data["hasAttachments"] = True
        item.data["_attachments"] = [
            {"@odata.type": "#microsoft.graph.fileAttachment", "id": "A1", "name": "a.pdf",
             "contentType": "application/pdf", "size": 12}
        ]  # fmt: skip
        assert "attachments" in (await d.listed())[0].unknown_fields.paths
        (file,) = (await d.get(made.id)).attachments
        assert (file.id, file.name, file.size_bytes) == ("A1", "a.pdf", 12)
        assert file.url.endswith("/attachments/A1/$value")
