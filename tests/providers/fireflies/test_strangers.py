"""A client that is not ours drives the double: what it takes for Fireflies, we may too.

Fireflies has no SDK of its own; the community's fireflies-sdk comes with the extra `strangers`. It
too splits entries of `participants` at commas.
"""

import asyncio
from typing import Any

import pytest

from tests.providers.fireflies.double import KEY, Fireflies

pytestmark = pytest.mark.stranger


@pytest.fixture
def client(fireflies: Fireflies) -> Any:
    """fireflies-sdk, pointed at the double."""
    module = pytest.importorskip(
        "fireflies_sdk", reason="fireflies-sdk is missing (extra: strangers)"
    )
    found = module.FirefliesAPI(KEY)
    found.api_url = f"{fireflies.url}/graphql"
    return found


async def test_meetings_and_words(fireflies: Fireflies, client: Any) -> None:
    first, second = fireflies.add("First"), fireflies.add("Second")
    listed = await asyncio.to_thread(client.list_transcripts, 1)
    assert [meeting["title"] for meeting in listed] == ["Second"]
    assert listed[0].keys() == {"id", "title", "date"}
    words = await asyncio.to_thread(client.get_transcript_text, first["id"])
    assert [sentence["text"] for sentence in words["sentences"]] == [
        "Hello.",
        "Hello, Dana.",
        "Bye.",
    ]
    people = await asyncio.to_thread(client.get_participants, second["id"])
    assert {"Dana", "Ana", "Eve"} <= set(people)


async def test_it_sees_errors(fireflies: Fireflies, client: Any) -> None:
    with pytest.raises(Exception, match="object_not_found"):
        await asyncio.to_thread(client.get_transcript_text, "nowhere")
    meeting = fireflies.add("Kept")
    with pytest.raises(Exception, match="forbidden"):
        await asyncio.to_thread(client.delete_transcript, meeting["id"])
    assert fireflies.transcripts == [meeting]
