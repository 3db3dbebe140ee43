"""GoTo Webinar in the double: webinars, panelists, registrants, recordings."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.providers.goto.double.server import Handler

ROUTES: "tuple[tuple[str, re.Pattern[str], Handler], ...]" = ()
