"""Settings that come with the service, as a settings file would have them."""

from typing import Any

SANDBOX: dict[str, Any] = {
    "http_listen": "",
    "store": "memory:",
    "connections": [{"id": "sandbox", "provider": "sandbox"}],
}


def demo(caldav_url: str, username: str, password: str) -> dict[str, Any]:
    """`make run`: the sandbox, and a CalDAV server on loopback."""
    return {
        "connections": [
            {"id": "sandbox", "provider": "sandbox"},
            {
                "id": "local",
                "provider": "caldav",
                "base_url": caldav_url,
                "credentials": {"username": username, "password": password},
            },
        ],
    }
