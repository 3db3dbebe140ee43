"""Accounts that were discovered, in memory for minutes: one for each connection's credentials."""

import time
from collections import OrderedDict

from providers.caldav.account import Account, discover
from providers.core.call import Call

MAX_ACCOUNTS = 2_000
LIVES = 600.0


class Accounts:
    """Accounts by `Call.account_key`; nothing is shared between two of them (P73)."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, Account]] = OrderedDict()

    async def of(self, call: Call, *, well_known: bool) -> Account:
        """The account behind `call`."""
        key = call.account_key
        now = time.monotonic()
        found = self._known.get(key) if key else None
        if found is not None and now - found[0] < LIVES:
            self._known.move_to_end(key)
            return found[1]
        account = await discover(call.http, well_known=well_known)
        if key:
            self._known[key] = (now, account)
            while len(self._known) > MAX_ACCOUNTS:
                self._known.popitem(last=False)
        return account

    def forget(self, call: Call) -> None:
        """Discover anew with the next call."""
        self._known.pop(call.account_key, None)
