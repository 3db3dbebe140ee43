"""Teams: online meetings with their recordings and transcripts, and webinars."""

from typing import TYPE_CHECKING

from tests.providers.microsoft.double.problems import unknown_path
from tests.providers.microsoft.double.world import Mailbox, World

if TYPE_CHECKING:
    from tests.providers.microsoft.double.routes import Asked, Found


class Teams:
    """What Teams keeps."""

    def __init__(self, world: World) -> None:
        self.world = world

    def meetings(self, asked: "Asked", box: Mailbox, rest: list[str]) -> "Found":
        raise unknown_path("onlineMeetings")

    def virtual(self, asked: "Asked", rest: list[str]) -> "Found":
        raise unknown_path("virtualEvents")
