"""What leads to the last page: sealed, so that nobody can put words on it, and for this browser
alone. The code and state of a vendor's answer are out of the browser's address line by then.
"""

from datetime import timedelta
from urllib.parse import urlencode

import msgspec

from providers.core.errors import ProviderError
from server.connect import troubles
from server.connect.browser import Browser
from server.connect.desk import back_to
from server.connections.sealer import Sealer
from server.connections.tickets import Ticket
from ucal.v1 import connection_pb2

_LIFE = timedelta(minutes=30)


class Receipt(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What was done.

    Attributes:
        renewed: the connection was there before.
        by_link: the person came by a link: somebody else wants the connection.
        return_uri: where the person goes on to; "": nowhere.
    """

    connection_id: str
    renewed: bool
    by_link: bool
    return_uri: str

    def back(self) -> str:
        """Where to go on to, with the connection's id; "": nowhere."""
        return back_to(self.return_uri, {"connection_id": self.connection_id})


class Receipts:
    """Writes and reads them."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def url(
        self, base: str, browser: Browser, made: connection_pb2.Connection, ticket: Ticket | None
    ) -> str:
        """The last page, for a connection that was made by `ticket`; None: for a program."""
        plain = Receipt(
            made.id,
            bool(ticket and ticket.connection_id),
            bool(ticket and ticket.nonce),
            ticket.return_uri if ticket else "",
        )
        token = self._sealer.seal(
            msgspec.msgpack.encode(plain), bound_to=browser.digest.encode()
        ).decode()
        return f"{base}/connect/{made.provider}/done?{urlencode({'receipt': token})}"

    def read(self, browser: Browser, token: str) -> Receipt:
        """What was done.

        Raises:
            Trouble: the page is another browser's, or too old.
        """
        try:
            plain = self._sealer.open(token, bound_to=browser.digest.encode(), max_age=_LIFE)
        except ProviderError:
            raise troubles.no_receipt() from None
        return msgspec.msgpack.decode(plain, type=Receipt)
