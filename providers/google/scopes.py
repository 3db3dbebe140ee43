"""OAuth 2 at Google: endpoints, habits, and the scopes that each operation can do with.

developers.google.com/identity/protocols/oauth2/web-server and the discovery documents. How tokens
are kept and renewed is the server's business.
"""

from providers.core.auth import OAuthConfig

_PREFIX = "https://www.googleapis.com/auth/"


def scope(name: str) -> str:
    """The scope's full name."""
    return _PREFIX + name


CALENDAR = scope("calendar")
EVENTS = scope("calendar.events")
CALENDAR_READONLY = scope("calendar.readonly")

LIST_CALENDARS = (
    scope("calendar.calendarlist.readonly"),
    scope("calendar.calendarlist"),
    CALENDAR_READONLY,
    CALENDAR,
)
WRITE_CALENDARS = (scope("calendar.app.created"), scope("calendar.calendars"), CALENDAR)
READ_EVENTS = (
    scope("calendar.events.readonly"),
    scope("calendar.events.owned.readonly"),
    scope("calendar.app.created"),
    CALENDAR_READONLY,
    EVENTS,
    CALENDAR,
)
WRITE_EVENTS = (scope("calendar.events.owned"), scope("calendar.app.created"), EVENTS, CALENDAR)
FREE_BUSY = (
    scope("calendar.freebusy"),
    scope("calendar.events.freebusy"),
    CALENDAR_READONLY,
    CALENDAR,
)
DIRECTORY = (
    scope("admin.directory.resource.calendar.readonly"),
    scope("admin.directory.resource.calendar"),
)
MEET = (scope("meetings.space.readonly"), scope("meetings.space.created"))


def oauth(*scopes: str) -> OAuthConfig:
    """Google's endpoints, asking for `scopes` when the caller names none.

    `access_type=offline` with `prompt=consent` is what yields a refresh token every time, also on a
    second consent; `include_granted_scopes` makes authorization incremental. A refresh answers
    without a new refresh token as a rule, and the old one lives on. A service account signs a JWT,
    whose subject is the user it acts for (domain-wide delegation).
    """
    return OAuthConfig(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",
        revoke_url="https://oauth2.googleapis.com/revoke",
        scopes=scopes,
        authorize_params={
            "access_type": "offline",
            "prompt": "consent",
            "include_granted_scopes": "true",
        },
        service_grant="jwt_bearer",
        # https://accounts.google.com/.well-known/openid-configuration, `issuer`.
        issuer="https://accounts.google.com",
    )
