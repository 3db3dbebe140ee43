"""What the deployed files must say of the contract as it is now."""

import importlib
import json
import pkgutil
import re
from typing import Any

import yaml
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor

import ucal.v1
from tests.interop.mesh.replicas import CONFIG, check, say


def _methods() -> list[MethodDescriptor]:
    """Every method of every service of the package."""
    modules = (
        importlib.import_module(f"ucal.v1.{each.name}")
        for each in pkgutil.iter_modules(ucal.v1.__path__)
        if each.name.endswith("_pb2")
    )
    return [
        method
        for module in modules
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


METHODS = _methods()


def configuration() -> None:
    """What the files must say of the contract as it is now."""
    manager = {}
    for name in ("envoy.yaml", "envoy-mtls.yaml"):
        config = yaml.safe_load((CONFIG / name).read_text())
        chain = config["static_resources"]["listeners"][0]["filter_chains"][0]
        manager[name] = chain["filters"][0]["typed_config"]["http_filters"]
        listed = manager[name][2]["typed_config"]["services"]
        wanted = sorted({method.containing_service.full_name for method in METHODS})
        check(listed == wanted, f"{name} transcodes {listed}, the contract has {wanted}")
    check(manager["envoy.yaml"] == manager["envoy-mtls.yaml"], "the two files' filters differ")
    routes = yaml.safe_load((CONFIG / "routes.yaml").read_text())["resources"][0]
    table = routes["virtual_hosts"][0]["routes"]
    for method in METHODS:
        path = f"/{method.containing_service.full_name}/{method.name}"
        route = next(route for route in table if _matches(route["match"], path))
        options = method.GetOptions()
        reads = options.idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
        retried = "unavailable" in route["route"]["retry_policy"]["retry_on"].split(",")
        check(retried == reads, f"{path}: UNAVAILABLE is retried: {retried}, it reads: {reads}")
        endless = route["route"].get("idle_timeout") == "0s"
        check(endless == method.server_streaming, f"{path}: endless: {endless}")
        policy = {"service": method.containing_service.full_name, "method": method.name}
        check((policy in client_side()["methodConfig"][0]["name"]) == reads, f"{path}: client's")
    say(f"configuration: {len(METHODS)} methods, each on the right route")


def client_side() -> dict[str, Any]:
    """For callers that reach the replicas themselves, without Envoy."""
    found: dict[str, Any] = json.loads((CONFIG / "service-config.json").read_text())
    return found


def _matches(match: dict[str, Any], path: str) -> bool:
    if "safe_regex" in match:
        return re.fullmatch(match["safe_regex"]["regex"], path) is not None
    return path == match["path"] if "path" in match else path.startswith(match["prefix"])
