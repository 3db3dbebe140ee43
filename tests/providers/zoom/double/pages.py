"""Lists in pages, by tokens that live for a quarter of an hour."""

import secrets
from typing import Any

from tests.providers.zoom.double.problems import Json, Problem, invalid


class Pages:
    """Tokens that were given out."""

    def __init__(self) -> None:
        self.tokens: dict[str, tuple[str, int]] = {}

    def expire(self) -> None:
        """A quarter of an hour passes."""
        self.tokens.clear()

    def cut(self, name: str, found: list[Any], query: Json, list_id: str, **more: Any) -> Json:
        """One page of `found` under `name`; `list_id` says of which list."""
        size = int(query.get("page_size", 30))
        if not 1 <= size <= 300:
            raise invalid("page_size", "Invalid field.")
        begin = 0
        if token := query.get("next_page_token"):
            whose, begin = self.tokens.get(token, ("", 0))
            if whose != list_id:
                raise Problem(400, 300, "The next page token is invalid or expired.")
        end = begin + size
        following = ""
        if end < len(found):
            following = secrets.token_urlsafe(24)
            self.tokens[following] = (list_id, end)
        return {
            "page_size": size,
            "total_records": len(found),
            "next_page_token": following,
            name: found[begin:end],
            **more,
        }
