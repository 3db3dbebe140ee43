"""Microsoft Bookings: businesses and their services."""

import re
import uuid
from typing import TYPE_CHECKING

from tests.providers.microsoft.double import clocks
from tests.providers.microsoft.double.problems import Problem, missing
from tests.providers.microsoft.double.world import Json

if TYPE_CHECKING:
    from tests.providers.microsoft.double.routes import Asked, Found

_DURATION = re.compile(r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?")
_PRICES = {"undefined", "fixedPrice", "startingAt", "hourly", "free", "priceVaries", "callUs",
           "notSet"}  # fmt: skip
BUSINESS = "Contoso@contoso.onmicrosoft.com"


class Bookings:
    """Businesses by id, each with its services."""

    def __init__(self) -> None:
        self.businesses: dict[str, Json] = {}
        self.services: dict[str, dict[str, Json]] = {}
        self.questions: dict[str, list[Json]] = {}
        self.add(BUSINESS)

    def add(self, own_id: str) -> None:
        self.businesses[own_id] = {
            "id": own_id, "displayName": "Contoso", "email": "contoso@contoso.com",
            "isPublished": True, "publicUrl": f"https://outlook.office.com/book/{own_id}",
            "defaultCurrencyIso": "EUR",
        }  # fmt: skip
        self.services[own_id] = {}
        self.questions[own_id] = [{"id": "q1", "displayName": "Topic?", "answerInputType": "text",
                                   "answerOptions": []}]  # fmt: skip

    def make(self, business: str, body: Json) -> Json:
        _check(body)
        own_id = str(uuid.uuid4())
        made: Json = {
            "description": "", "defaultDuration": "PT30M", "defaultPrice": 0.0,
            "defaultPriceType": "notSet", "isHiddenFromCustomers": False, "preBuffer": "PT0S",
            "postBuffer": "PT0S", "maximumAttendeesCount": 1, "isLocationOnline": True,
            "webUrl": f"https://outlook.office.com/book/{business}/s/{own_id}",
            "defaultLocation": {"displayName": ""}, "schedulingPolicy": None,
            "customQuestions": [{"questionId": "q1", "isRequired": True}], "staffMemberIds": [],
            "createdDateTime": "2026-11-01T00:00:00Z", **body, "id": own_id,
        }  # fmt: skip
        made["lastUpdatedDateTime"] = "2026-11-01T00:00:00Z"
        self.services[business][own_id] = made
        return made


def _check(body: Json) -> None:
    for name in ("defaultDuration", "preBuffer", "postBuffer"):
        if name in body and not _DURATION.fullmatch(body[name]):
            raise Problem(400, "BadRequest", name)
    if body.get("defaultPriceType", "notSet") not in _PRICES:
        raise Problem(400, "BadRequest", "defaultPriceType")


def answer(asked: "Asked", rest: list[str]) -> "Found":
    """/solutions/bookingBusinesses and below."""
    from tests.providers.microsoft.double.routes import Answer

    found: Bookings = asked.graph.bookings
    if not rest:
        short = [
            {"id": b["id"], "displayName": b["displayName"]} for b in found.businesses.values()
        ]
        return Answer(200, {"value": short})
    if rest[0] not in found.businesses:
        raise missing()
    if len(rest) == 1:
        return Answer(200, found.businesses[rest[0]])
    if rest[1] == "customQuestions":
        return Answer(200, {"value": found.questions[rest[0]]})
    if rest[1] == "staffMembers":
        return Answer(
            200,
            {
                "value": [
                    {
                        "@odata.type": "#microsoft.graph.bookingStaffMember",
                        "id": "staff-1",
                        "displayName": "Ada",
                    }
                ]
            },
        )
    services = found.services[rest[0]]
    if len(rest) == 2:
        if asked.method == "POST":
            return Answer(201, found.make(rest[0], asked.body))
        return Answer(200, {"value": list(services.values())})
    if rest[2] not in services:
        raise missing()
    if asked.method == "PATCH":
        _check(asked.body)
        services[rest[2]] |= asked.body
        services[rest[2]]["lastUpdatedDateTime"] = clocks.stamp(asked.graph.world.now())
        return Answer(204)
    if asked.method == "DELETE":
        del services[rest[2]]
        return Answer(204)
    return Answer(200, services[rest[2]])
