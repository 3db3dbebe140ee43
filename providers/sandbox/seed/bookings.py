"""Booking links."""

from datetime import timedelta

from providers.sandbox import links
from providers.sandbox.conferences import MEET, ZOOM
from providers.sandbox.world import World
from ucal.v1 import link_pb2

INTRO = "intro-call"
CONSULTING = "consulting"
OFFICE_HOURS = "office-hours"
QUICK = "quick-chat"
SINGLE_USE = "intro-call-once"
RETIRED = "old-demo"


def plant(world: World) -> None:
    """Plant them."""
    intro = _link(INTRO, "Intro call", 30)
    intro.description = "Half an hour to get to know one another."
    for minutes in (15, 30, 45):
        intro.duration_options.add().FromTimedelta(timedelta(minutes=minutes))
    intro.locations.add(conference_kind=MEET, provider_kind="meet")
    intro.locations.add(text="+49 30 12345678", provider_kind="phone")
    intro.questions.add(
        name="topic", label="What is it about?", provider_kind="text", is_required=True
    )
    intro.questions.add(
        name="team_size",
        label="How large is the team?",
        provider_kind="choice",
        choices=["1-10", "11-100", "more"],
    )
    intro.buffer_after.FromTimedelta(timedelta(minutes=15))
    intro.minimum_notice.FromTimedelta(timedelta(hours=4))
    intro.price_amount = "0"
    _keep(world, intro)

    consulting = _link(CONSULTING, "Consulting", 60)
    consulting.locations.add(conference_kind=ZOOM, provider_kind="zoom")
    consulting.price_amount, consulting.price_currency = "180.00", "EUR"
    consulting.buffer_before.FromTimedelta(timedelta(minutes=10))
    consulting.minimum_notice.FromTimedelta(timedelta(days=1))
    consulting.color = "#D50000"
    _keep(world, consulting)

    office = _link(OFFICE_HOURS, "Office hours", 30)
    office.locations.add(text="Room Havel, 3rd floor", provider_kind="in_person")
    office.capacity = 5
    _keep(world, office)

    quick = _link(QUICK, "Quick chat", 30)
    quick.locations.add(text="Canteen", provider_kind="in_person")
    _keep(world, quick)

    once = _link(SINGLE_USE, "Intro call, single use", 30)
    once.parent_link_id, once.max_uses = INTRO, 1
    once.expires_at.FromDatetime(world.born + timedelta(days=30))
    once.locations.add(conference_kind=MEET, provider_kind="meet")
    _keep(world, once)

    retired = _link(RETIRED, "Demo (old)", 45)
    retired.is_active = False
    _keep(world, retired)


def _link(own_id: str, name: str, minutes: int) -> link_pb2.Link:
    link = link_pb2.Link(id=own_id, name=name, slug=own_id, is_active=True, capacity=1)
    link.duration.FromTimedelta(timedelta(minutes=minutes))
    return link


def _keep(world: World, link: link_pb2.Link) -> None:
    link.owner.CopyFrom(world.account)
    links.settle(world, link, touched=frozenset({"locations"}))
    world.save(world.links, link)
