"""Google on loopback: Calendar, the Directory's rooms, Meet, Workspace Events, tokens.

Written from Google's reference and discovery documents, and held against them by
`test_spec.py` and against four clients that are not ours by `test_strangers.py`.
"""

from tests.providers.google.double.server import Google

__all__ = ["Google"]
