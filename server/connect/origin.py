"""Where people reach the pages, and from where they may open them without a link."""

import ipaddress
import re
from urllib.parse import urlencode, urlsplit

from aiohttp import HttpVersion11, web

from providers.core.errors import Kind, ProviderError
from server.settings_rules import is_loopback

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9a-f:]{2,45}\](:\d{1,5})?")
# A proxy or tunnel is in front: the caller is not who the socket says.
_FORWARDED = frozenset(
    {"cf-connecting-ip", "cf-ray", "forwarded", "true-client-ip", "via", "x-real-ip"}
)
_FORWARDED_PREFIX = "x-forwarded-"


class Origin:
    """The address of the HTTP side, as browsers see it.

    Attributes:
        address: "host:port" that it listens at; set once it does.
    """

    def __init__(self, public_url: str, *, is_open: bool, tls: bool = False) -> None:
        """The HTTP side.

        Args:
            is_open: whoever reaches this machine's loopback may do everything.
            tls: it is served over TLS itself.
        """
        self._public = public_url.rstrip("/")
        self._is_open = is_open
        self._scheme = "https" if tls else "http"
        self.address = ""

    @property
    def secure(self) -> bool:
        """Whether browsers come by https."""
        return (self._public or f"{self._scheme}://").startswith("https://")

    @property
    def prefix(self) -> str:
        """What stands in front of our paths, without a slash at the end."""
        return urlsplit(self._public).path

    def base(self) -> str:
        """What links begin with.

        Raises:
            ProviderError: PRECONDITION, nobody said where people reach this server.
        """
        if self._public:
            return self._public
        if self.address and is_loopback(self.address.rpartition(":")[0].strip("[]")):
            return f"{self._scheme}://{self.address}"
        raise ProviderError(
            Kind.PRECONDITION,
            "no address is set at which people reach the pages: set public_url",
            reason="PUBLIC_URL_MISSING",
        )

    def link(self, provider: str, token: str) -> str:
        """The page of `provider`, with a link's token.

        Raises:
            ProviderError: as `base`.
        """
        return f"{self.base()}/connect/{provider}?{urlencode({'link': token})}"

    def seen(self, request: web.Request) -> str:
        """What addresses begin with for the browser that sent `request`."""
        if not self._public and host_of(request):
            return f"{self._scheme}://{request.host}"
        return self.base()

    def is_elsewhere(self, request: web.Request) -> bool:
        """Whether the vendor would send this browser back to another address than it is at."""
        return bool(self._public) and urlsplit(self._public).netloc != request.host

    def may_come_bare(self, request: web.Request) -> bool:
        """Whether the page may be opened without a link.

        By the name too, not by the socket alone: a page of the internet can point a name of its own
        at this machine (DNS rebinding).
        """
        if not self._is_open or _came_through(request):
            return False
        try:
            near = ipaddress.ip_address(request.remote or "").is_loopback
        except ValueError:
            return False
        return near and is_loopback(host_of(request))


def _came_through(request: web.Request) -> bool:
    """Whether something in front has passed the request on.

    nginx adds no header unless it is told to, and asks for its upstream by that one's own name; but
    it speaks HTTP/1.0 then, as no browser does (its default until 1.29.7).
    """
    names = {name.lower() for name in request.headers}
    forwarded = any(name.startswith(_FORWARDED_PREFIX) for name in names)
    return forwarded or not names.isdisjoint(_FORWARDED) or request.version < HttpVersion11


def host_of(request: web.Request) -> str:
    """The host that the browser asked for, without the port; "" if it cannot be one."""
    if not _HOST.fullmatch(request.host or ""):
        return ""
    return urlsplit(f"//{request.host}").hostname or ""
