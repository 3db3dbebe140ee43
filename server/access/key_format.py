"""What an API key looks like, and what is kept of it.

    ucal_<environment>_<id, 16>_<secret, 43><checksum, 6>

All signs are of A-Z, a-z, 0-9 but the joints, and the `-` of an environment. Scanners find keys by
`PATTERN` and tell them from look-alikes by the checksum: CRC-32 of all that stands before it, in
base 62. A mistyped or cut key is refused without a look into the store.

The secret has 43 signs of 62, drawn by the system: 256.03 bits. That is why what is kept is a plain
SHA-256 and no slow hash: those make guessing dear where people choose passwords; here there is
nothing to guess, at whatever speed, and every call would pay for it.
"""

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_SIGNS = string.digits + string.ascii_lowercase
ID_LENGTH = 16
SECRET_LENGTH = 43
_CHECK_LENGTH = 6
PREFIX = "ucal_"
PATTERN = re.compile(
    r"ucal_(?P<environment>[a-z0-9][a-z0-9-]{0,31})_(?P<id>[a-z0-9]{16})_[0-9A-Za-z]{49}"
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made.

    Attributes:
        id: its public part.
        text: the whole key; it is shown once and kept nowhere.
        hash: what is kept of it.
    """

    id: str
    text: str = field(repr=False)
    hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The public parts of a key."""

    environment: str
    id: str


def new_key(environment: str) -> NewKey:
    """A key of `environment`."""
    own_id = "".join(secrets.choice(_ID_SIGNS) for _ in range(ID_LENGTH))
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    body = f"{PREFIX}{environment}_{own_id}_{secret}"
    text = body + checksum(body)
    return NewKey(own_id, text, digest(text))


def parse(text: str) -> Parsed | None:
    """The parts of a key; None: it is none, or a sign of it is wrong."""
    found = PATTERN.fullmatch(text)
    if found is None or checksum(text[:-_CHECK_LENGTH]) != text[-_CHECK_LENGTH:]:
        return None
    return Parsed(found["environment"], found["id"])


def checksum(body: str) -> str:
    """CRC-32 of `body` in base 62, six signs. It finds mistakes, not forgeries."""
    value = zlib.crc32(body.encode())
    signs = []
    for _ in range(_CHECK_LENGTH):
        value, sign = divmod(value, len(ALPHABET))
        signs.append(ALPHABET[sign])
    return "".join(reversed(signs))


def digest(text: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(text.encode()).digest()
