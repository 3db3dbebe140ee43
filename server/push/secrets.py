"""The secret that a connection's webhooks are verified by: derived, so that nothing is stored."""

import base64

from server.connections.keyring import Key, KeyRing, derive

_BYTES = 24


class WebhookSecrets:
    """One secret a connection and key of the ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def newest(self, connection_id: str) -> str:
        """The one that new subscriptions are given."""
        return _derived(self._ring.primary, connection_id)

    def accepted(self, connection_id: str) -> list[str]:
        """Those that deliveries may be signed with, while keys are being changed."""
        keys = [self._ring.find(key_id) for key_id in self._ring.ids]
        return [_derived(key, connection_id) for key in keys if key is not None]


def _derived(key: Key, connection_id: str) -> str:
    secret = derive(key.material, b"webhook\0" + connection_id.encode(), _BYTES)
    return base64.urlsafe_b64encode(secret).decode()
