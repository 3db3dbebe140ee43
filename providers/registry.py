"""Which providers there are: sorted data, imported when first asked for."""

from importlib import import_module
from typing import cast

from providers.core.provider import Provider

PROVIDERS: dict[str, str] = {
    "acuity": "providers.acuity.provider:Acuity",
    "apple_icloud": "providers.caldav.provider:AppleICloud",
    "calcom": "providers.calcom.provider:CalCom",
    "caldav": "providers.caldav.provider:CalDav",
    "calendly": "providers.calendly.provider:Calendly",
    "dialpad": "providers.dialpad.provider:Dialpad",
    "fathom": "providers.fathom.provider:Fathom",
    "fireflies": "providers.fireflies.provider:Fireflies",
    "google_calendar": "providers.google.provider_calendar:GoogleCalendar",
    "google_meet": "providers.google.provider_meet:GoogleMeet",
    "goto": "providers.goto.provider:GoTo",
    "outlook": "providers.microsoft.provider_outlook:Outlook",
    "sandbox": "providers.sandbox.provider:Sandbox",
    "teams": "providers.microsoft.provider_teams:Teams",
    "zoom": "providers.zoom.provider:Zoom",
}


def provider_class(name: str) -> type[Provider]:
    """The class behind `name`.

    Raises:
        KeyError: no such provider.
    """
    module, _, attribute = PROVIDERS[name].partition(":")
    return cast("type[Provider]", getattr(import_module(module), attribute))
