"""The people of the sandbox. Nobody: the domains are reserved (RFC 2606)."""

from ucal.v1 import types_pb2


def _person(name: str, domain: str = "example.com") -> types_pb2.Person:
    return types_pb2.Person(name=name, email=f"{name.lower().replace(' ', '.')}@{domain}")


ACCOUNT = _person("Robin Sand")
PRIYA = _person("Priya Nair")
JONAS = _person("Jonas Weber")
AIKO = _person("Aiko Tanaka")
MARIA = _person("Maria Lopez")
SAM = _person("Sam Okafor")
CLARA = _person("Clara Dubois", "example.org")
DIEGO = _person("Diego Ramos", "example.net")

COLLEAGUES = (PRIYA, JONAS, AIKO, MARIA, SAM)
