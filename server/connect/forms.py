"""Ways to connect an account, and the form of each: its fields, and what was written into them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.core.prompts import Prompt
from providers.core.provider import Provider
from server.providers import names_base_url
from ucal.v1 import connection_pb2, provider_pb2

_BASIC = provider_pb2.AUTH_KIND_BASIC
_API_KEY = provider_pb2.AUTH_KIND_API_KEY
_NONE = provider_pb2.AUTH_KIND_NONE
_GENERAL = {
    _BASIC: Prompt(kind=_BASIC, secret="Password", user="User name"),
    _API_KEY: Prompt(kind=_API_KEY, secret="API key"),
}
_NAMES = {_BASIC: "password", _API_KEY: "key", _NONE: "none"}
_MAX_URL = 2048
_MAX_USER = 512
_MAX_SECRET = 16_384


@dataclass(frozen=True, slots=True)
class Way:
    """One way to connect.

    Attributes:
        name: "oauth", "password", "key", or "none" where there is no account.
        label: as people choose it.
        prompt: of a form.
    """

    name: str
    label: str
    prompt: Prompt | None = None


def ways(provider: Provider) -> list[Way]:
    """How people can connect at `provider`, best first.

    OAuth is left out where there are forms and the operator has set no client for it.
    """
    prompts = provider.prompts or tuple(
        _GENERAL[kind] for kind in provider.auth_kinds if kind in _GENERAL
    )
    found = [Way(_NAMES[each.kind], _label(each), each) for each in prompts]
    if _NONE in provider.auth_kinds:
        found.append(Way("none", "connect without an account"))
    if provider.oauth is not None and (provider.settings.client_id or not found):
        found.insert(0, Way("oauth", f"sign in at {provider.display_name}"))
    return found


def within(label: str) -> str:
    """A label as it stands within a sentence; "API key" stays."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def _label(prompt: Prompt) -> str:
    what = within(prompt.secret)
    return f"connect with {'an' if what[0] in 'aeiouA' else 'a'} {what}"


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form.

    Attributes:
        name: of the form's field.
        kind: "text", "url" or "password".
        hint: beside the label.
        autocomplete: for the browser.
        limit: characters.
    """

    name: str
    label: str
    kind: str
    hint: str = ""
    autocomplete: str = "off"
    limit: int = _MAX_USER
    required: bool = True

    @property
    def is_secret(self) -> bool:
        """It is never shown again."""
        return self.kind == "password"


def fields(provider: Provider, prompt: Prompt, base_url: str) -> list[Field]:
    """The questions of `prompt`. `base_url`: fixed for a connection that is there already."""
    found = []
    if names_base_url(provider) and not base_url:
        own = provider.settings.base_url or provider.base_url
        found.append(
            Field(
                "base_url",
                "Address of the server",
                "url",
                hint=f"Leave it empty for {own}." if own else "For example https://dav.example.com",
                autocomplete="url",
                limit=_MAX_URL,
                required=not own,
            )
        )
    if prompt.user:
        username = "username" if prompt.kind == _BASIC else "off"
        found.append(Field("user", prompt.user, "text", autocomplete=username))
    secret = "current-password" if prompt.kind == _BASIC else "off"
    found.append(Field("secret", prompt.secret, "password", autocomplete=secret, limit=_MAX_SECRET))
    return found


@dataclass(frozen=True, slots=True)
class Filled:
    """What a person wrote.

    Attributes:
        values: by field; no secret is shown of it.
        errors: by field, in their order; "" is about the whole form.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    errors: Mapping[str, str] = field(default_factory=dict)


def read(asked: list[Field], form: Mapping[str, str]) -> Filled:
    """`form` against the questions."""
    values, errors = {}, {}
    for each in asked:
        value = form.get(each.name, "")
        # A password may begin with a space; whatever else was pasted with one has it by mistake.
        values[each.name] = value if each.autocomplete == "current-password" else value.strip()
        if not value.strip() and each.required:
            errors[each.name] = f"{each.label} is needed."
        elif len(value) > each.limit:
            errors[each.name] = f"{each.label} is too long."
    url = values.get("base_url", "")
    if url and "://" not in url:
        values["base_url"] = f"https://{url}"
    return Filled(values, errors)


def credentials(
    provider: Provider, prompt: Prompt | None, filled: Filled, base_url: str
) -> connection_pb2.Connection:
    """A connection of what was written; `base_url`: of one that is there already."""
    asked = connection_pb2.Connection(
        provider=provider.name, base_url=base_url or filled.values.get("base_url", "")
    )
    if prompt is None:
        return asked
    if prompt.kind == _BASIC:
        asked.basic.username = filled.values["user"]
        asked.basic.password = filled.values["secret"]
    else:
        asked.api_key.api_key = filled.values["secret"]
        asked.api_key.account_id = filled.values.get("user", "")
    return asked
