"""Zoom's errors as it writes them: a code and a message, and an HTTP status beside."""

from typing import Any

Json = dict[str, Any]


class Problem(Exception):  # noqa: N818 - the vendor's word would be "error"
    """An error answer."""

    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"code": code, "message": message, **more}


def missing(kind: str, number: object) -> Problem:
    return Problem(404, 3001, f"{kind.capitalize()} does not exist: {number}.")


def invalid(field: str, message: str) -> Problem:
    errors = [{"field": field, "message": message}]
    return Problem(400, 300, "Validation Failed.", errors=errors)
