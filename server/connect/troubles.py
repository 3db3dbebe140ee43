"""What people are told when it cannot go on: a status, a heading, a reason, and a way on."""

from dataclasses import dataclass

from providers.core.errors import Kind, ProviderError

_STATUS = {
    Kind.INVALID: 400,
    Kind.NOT_FOUND: 404,
    Kind.FORBIDDEN: 403,
    Kind.PRECONDITION: 503,
    Kind.UNAVAILABLE: 503,
    Kind.RATE_LIMITED: 503,
    Kind.TIMEOUT: 504,
    Kind.PROVIDER_FAULT: 502,
}


@dataclass(frozen=True, slots=True)
class Step:
    """A link that leads on."""

    label: str
    url: str


class Trouble(Exception):  # noqa: N818 - an end of the story that is shown, not a fault
    """A page that says why it does not go on here.

    Attributes:
        status: of HTTP.
        title: heading.
        text: what happened, and what can be done about it.
        steps: ways on.
    """

    def __init__(self, status: int, title: str, text: str, steps: tuple[Step, ...] = ()) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.steps = steps


def of_error(error: ProviderError, name: str, steps: tuple[Step, ...] = ()) -> Trouble:
    """For what the service or the provider `name` said. Nothing of the error is repeated."""
    if error.reason in {"OAUTH_CLIENT_MISSING", "OAUTH_CLIENT_REFUSED", "TENANT_MISSING"}:
        return not_set_up(name)
    status = _STATUS.get(error.kind, 500)
    if status in {502, 503, 504}:
        text = f"{name} or this service did not answer in time. Nothing was connected."
        return Trouble(status, "That did not work just now", f"{text} Try again later.", steps)
    if error.kind is Kind.NOT_FOUND:
        text = "The connection that was to be renewed does not exist any more."
        return Trouble(404, "That connection is gone", text)
    if error.reason == "STATIC_CONNECTION":
        text = "It comes from the settings of this service and is changed there."
        return Trouble(409, "This connection cannot be changed here", text)
    text = f"{name} did not take the answer. Nothing was connected: begin again."
    return Trouble(status, "That did not work", text, steps)


def fault() -> Trouble:
    """We failed in a way that nobody expected."""
    return Trouble(
        500,
        "Something went wrong here",
        "This service failed, which is a mistake of its own: tell whoever sent you here. The "
        "account may have been connected or not: look there before you begin again.",
    )


def not_set_up(name: str) -> Trouble:
    """The operator has no client at the provider `name`."""
    return Trouble(
        503,
        f"{name} is not set up yet",
        f"Whoever runs this service has to register it at {name} first, and to set client_id and "
        "client_secret. There is nothing that you can do here until then.",
    )


def no_way(name: str) -> Trouble:
    """The provider is connected by programs only."""
    return Trouble(
        404,
        f"{name} is not connected here",
        "Whoever runs the service connects it with ucal connections create.",
    )


def denied(name: str, steps: tuple[Step, ...] = ()) -> Trouble:
    """The person, or their administrator, said no."""
    return Trouble(
        403,
        "Not connected",
        f"{name} says that the answer was no. Nothing was connected, and nothing is kept.",
        steps,
    )


def vendor_failed(name: str, steps: tuple[Step, ...] = ()) -> Trouble:
    """The vendor sent the person back with an error."""
    return Trouble(
        502,
        f"{name} could not finish",
        f"Something went wrong at {name}, or in how this service is registered there. Nothing was "
        "connected.",
        steps,
    )


def unknown() -> Trouble:
    """No such provider."""
    return Trouble(
        404,
        "Nothing can be connected here",
        "There is no such provider. Check the address, or ask whoever sent you here.",
    )


def no_link() -> Trouble:
    """Opened without a link where one is needed."""
    return Trouble(
        403,
        "This page needs a link",
        "Ask whoever sent you here for a link of your own. Whoever runs the service makes one with "
        "ucal connect --link, or with CreateConnectLink.",
    )


def bad_link() -> Trouble:
    """Not made here, or changed since."""
    return Trouble(
        400,
        "This link is damaged",
        "Part of it may have been lost on the way. Copy the whole link, or ask for a new one.",
    )


def old_link() -> Trouble:
    """Its time is over."""
    return Trouble(
        410,
        "This link is too old",
        "Links can be used for a short time only. Ask whoever sent it for a new one.",
    )


def used_link() -> Trouble:
    """It has made its connection."""
    return Trouble(
        410,
        "This link has been used",
        "Each link connects one account, once. If that was not you, tell whoever sent it. For "
        "another account ask for another link.",
    )


def ended_link() -> Trouble:
    """Whoever made it may not have accounts connected any more."""
    return Trouble(
        410,
        "This link does not count any more",
        "Whoever sent it may not connect this account any more. Ask them for a new one.",
    )


def stale(why: str, steps: tuple[Step, ...] = ()) -> Trouble:
    """An answer of the vendor's that is not awaited; `why`: see `StaleStateError`."""
    if why == "foreign":
        return Trouble(
            403,
            "This began in another browser",
            "For your safety it has to end in the browser, and the window, that it began in. "
            "Nothing was connected. Allow this site's cookie and begin again.",
            steps,
        )
    if why == "used":
        return Trouble(
            410,
            "This answer has been used",
            "It connects an account once. If you reloaded the page, the connection may well have "
            "been made: look there before you begin again.",
            steps,
        )
    if why == "expired":
        return Trouble(
            410,
            "That took too long",
            "Signing in has to be done within ten minutes. Nothing was connected: begin again.",
            steps,
        )
    return Trouble(
        400,
        "There is nothing to finish here",
        "This address is where you come back to after you signed in. Begin with the link that you "
        "were given.",
    )


def mixed_up(name: str) -> Trouble:
    """The answer is of another vendor than was asked."""
    return Trouble(
        403,
        f"That was not {name}",
        f"Somebody else answered than was asked. Nothing was connected, and {name} was told "
        "nothing. If this happens again, tell whoever sent you here.",
    )


def foreign_form(steps: tuple[Step, ...] = ()) -> Trouble:
    """A form that was not shown to this browser, or too long ago."""
    return Trouble(
        403,
        "This form is out of date",
        "It was not sent from the page that this browser was shown, or was open for more than half "
        "an hour. Nothing was connected. Allow this site's cookie and begin again.",
        steps,
    )


def no_receipt() -> Trouble:
    """The last page of another browser, or of long ago."""
    return Trouble(
        410,
        "There is nothing more to see",
        "This page is shown once, in the browser that made the connection. ucal connections list "
        "tells which connections there are.",
    )


def too_many() -> Trouble:
    """Tries."""
    return Trouble(
        429,
        "Too many tries",
        "Nothing was connected. Check what you entered, wait ten minutes, and begin again.",
    )
