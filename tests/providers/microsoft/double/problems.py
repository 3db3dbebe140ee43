"""Errors as Graph writes them."""

from typing import Any


class Problem(Exception):  # noqa: N818 - an answer, not a fault of the double
    """An answer that is not a success."""

    def __init__(
        self, status: int, code: str, message: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message or code
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        inner = {
            "date": "2026-11-25T00:00:00",
            "request-id": "00000000-0000-0000-0000-000000000001",
            "client-request-id": "00000000-0000-0000-0000-000000000001",
        }
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def missing() -> Problem:
    return Problem(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def malformed_id() -> Problem:
    return Problem(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def unknown_path(path: str) -> Problem:
    return Problem(400, "BadRequest", f"Resource not found for the segment '{path}'.")
