"""A client that is not ours drives the double: what it takes for Calendly, we may too.

pycalendly comes with the extra `strangers`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.providers.calendly.desk import LINK, Desk, booking, monday
from tests.providers.calendly.double import TOKEN
from tests.providers.calendly.double.world import HOST, ORGANIZATION, QUICK, tail

pytestmark = pytest.mark.stranger


@pytest.fixture
def client(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Any:
    """pycalendly, pointed at the double."""
    calendly = pytest.importorskip("calendly", reason="pycalendly is missing (extra: strangers)")
    from calendly import calendly as module

    for name in ("WEBHOOK", "EVENTS", "ME", "EVENT_TYPE"):
        found = getattr(module, name).replace("https://api.calendly.com", desk.double.url)
        monkeypatch.setattr(module, name, found)
    return calendly.CalendlyAPI(TOKEN)


async def _ask(work: Callable[..., Any], *arguments: Any, **fields: Any) -> Any:
    return await asyncio.to_thread(lambda: work(*arguments, **fields))


async def test_what_is_booked_here_is_read_by_pycalendly(desk: Desk, client: Any) -> None:
    me = (await _ask(client.about))["resource"]
    assert (me["uri"], me["current_organization"]) == (HOST, ORGANIZATION)
    made = (await desk.create(booking(monday(), booking_answers={"notes": "x"}))).event
    types = await _ask(client.get_all_event_types, HOST)
    assert [kind["uri"] for kind in types] == [QUICK]
    assert (await _ask(client.get_event_type, LINK))["resource"]["name"] == made.subject
    (listed,) = await _ask(client.get_all_scheduled_events, HOST)
    assert tail(listed["uri"]) == made.id
    assert (await _ask(client.get_event_details, made.id))["resource"] == listed
    (invitee,) = (await _ask(client.list_event_invitees, made.id))["collection"]
    assert invitee["email"] == made.attendees[0].email
    again = await _ask(client.get_event_invitee, made.id, tail(invitee["uri"]))
    assert again["resource"] == invitee
    await desk.delete(made.id)
    active = await _ask(client.list_events, user_uri=HOST, status="active")
    assert active["collection"] == []


async def test_hooks_of_pycalendly_are_not_ours(desk: Desk, client: Any) -> None:
    """What another client subscribed stays when ours come and go."""
    from providers.core.push import Topic
    from ucal.v1 import types_pb2

    url = "https://hooks.example.com/theirs"
    hook = await _ask(client.create_webhook, url, "user", ORGANIZATION, signing_key="k", user=HOST)
    topic = Topic(types_pb2.RESOURCE_KIND_EVENT)
    ours = await desk.provider.push.create(desk.call, topic, url, "secret")
    await desk.provider.push.create(desk.call, topic, url, "secret")
    await desk.provider.push.delete(desk.call, ours)
    left = await _ask(client.list_webhooks, ORGANIZATION, "user", user=HOST)
    assert hook["resource"] in left["collection"]
