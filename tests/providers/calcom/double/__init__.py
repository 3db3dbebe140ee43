"""A small stateful Cal.com on loopback, with the semantics of its API v2."""

from tests.providers.calcom.double.server import CalCom, Exchange
from tests.providers.calcom.double.world import TOKEN, Problem, World

__all__ = ["TOKEN", "CalCom", "Exchange", "Problem", "World"]
