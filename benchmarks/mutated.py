"""What the mutation score is taken of: modules that guard, each with the tests that are its own."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Modules that are changed, and the tests that have to notice.

    Attributes:
        modules: paths from the root.
        tests: what pytest is given.
        isolation: "fork" is fast; "forkserver" where tests call by gRPC, for a process that has
            done so must not fork.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    isolation: str = "fork"


GROUPS = (
    Group(
        "guard",
        ("providers/core/guard.py",),
        ("tests/core/test_guard.py", "tests/core/test_guard_edges.py"),
    ),
    Group(
        "webhooks",
        tuple(
            f"providers/{name}/webhook.py"
            for name in (
                "acuity",
                "calcom",
                "calendly",
                "dialpad",
                "fathom",
                "fireflies",
                "google",
                "goto",
                "microsoft",
                "zoom",
            )
        ),
        (
            "tests/providers/acuity/test_webhook.py",
            "tests/providers/calcom/test_webhook.py",
            "tests/providers/calendly/test_webhook.py",
            "tests/providers/dialpad/test_push.py",
            "tests/providers/fathom/test_push.py",
            "tests/providers/fireflies/test_webhook.py",
            "tests/providers/google/test_push.py",
            "tests/providers/goto/test_push.py",
            "tests/providers/microsoft/test_webhook.py",
            "tests/providers/zoom/test_webhook.py",
            "tests/push/test_hint_edges.py",
            "tests/push/test_scheme_edges.py",
        ),
    ),
    Group(
        "cursors",
        ("providers/core/cursors.py", "providers/core/push.py", "server/pages.py"),
        (
            "tests/core/test_cursors.py",
            "tests/core/test_push.py",
            "tests/server/test_pages.py",
        ),
    ),
    Group(
        "sealed",
        (
            "server/connections/envelope.py",
            "server/connections/keyring.py",
            "server/connections/sealer.py",
            "server/connections/wrapped.py",
        ),
        (
            "tests/server/test_keyring.py",
            "tests/server/test_keyring_edges.py",
            "tests/server/test_store.py",
            "tests/vaults/test_tampering.py",
            "tests/vaults/test_rotation.py",
            "-k",
            "not postgres",
        ),
    ),
    Group(
        "oauth",
        ("providers/core/oauth.py", "providers/core/auth.py", "providers/core/exchange.py"),
        (
            "tests/core/test_oauth.py",
            "tests/core/test_auth.py",
            "tests/core/test_http.py",
            "tests/core/test_http_places.py",
        ),
    ),
    Group(
        "keys",
        (
            "server/access/gate.py",
            "server/access/key_check.py",
            "server/access/key_format.py",
            "server/access/key_store.py",
        ),
        (
            "tests/access/test_api_keys.py",
            "tests/access/test_key_store.py",
            "-k",
            "not postgres",
        ),
        "forkserver",
    ),
    Group(
        "tokens",
        ("server/access/certificates.py", "server/access/issuer.py", "server/access/oidc.py"),
        (
            "tests/access/test_oidc.py",
            "tests/access/test_token_edges.py",
            "tests/access/test_certificates.py",
        ),
        "forkserver",
    ),
    Group(
        "policy",
        ("server/access/policy.py", "server/access/subjects.py"),
        ("tests/access/test_policy.py", "tests/access/test_references.py"),
        "forkserver",
    ),
    Group(
        "ingress",
        ("server/push/hints.py", "server/push/ingress.py", "server/push/secrets.py"),
        ("tests/push/test_hints.py",),
    ),
)
