"""What a person is asked for who connects an account by a form: words for the form, no logic."""

from dataclasses import dataclass

from ucal.v1 import provider_pb2


@dataclass(frozen=True, slots=True)
class Prompt:
    """The questions for one kind of credentials, in plain English.

    Attributes:
        kind: AUTH_KIND_BASIC or AUTH_KIND_API_KEY.
        secret: label of the password or key.
        user: label of the user name; of an API key's second part, which is not asked for without.
        hint: where people find it, in a sentence or two.
        help_url: the vendor's page about it.
    """

    kind: provider_pb2.AuthKind.ValueType
    secret: str
    user: str = ""
    hint: str = ""
    help_url: str = ""
