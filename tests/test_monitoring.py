"""Dashboard and alerts: they ask for metrics that exist, and every metric is looked at."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.metrics import REGISTRY

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"


def _metric_names() -> set[str]:
    """What /metrics can tell: names of all samples, also those without a value yet."""
    names: set[str] = set()
    for family in REGISTRY.collect():
        base = family.name
        suffixes = {
            "histogram": ("_bucket", "_sum", "_count"),
            "counter": ("_total",),
        }.get(family.type, ("",))
        names |= {base + suffix for suffix in suffixes}
    return names


def test_dashboard_asks_for_metrics_that_exist() -> None:
    board = json.loads((DEPLOY / "grafana/ucal.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked = {name for query in queries for name in re.findall(r"\bucal_\w+", query)}
    assert asked
    assert asked <= _metric_names()
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    labels = {"method", "provider", "code", "le", "result", "status", "job", "instance"}
    labels |= {"by", "cause", "what", "version"}
    for query in queries:
        for group in re.findall(r"by \(([^)]*)\)", query):
            assert {word.strip() for word in group.split(",")} <= labels


def _alerts() -> list[dict[str, Any]]:
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def test_alerts_ask_for_metrics_that_exist() -> None:
    asked = {name for rule in _alerts() for name in re.findall(r"\bucal_\w+", rule["expr"])}
    assert asked
    assert asked <= _metric_names()


def test_each_alert_is_explained_to_operators() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    names = [rule["alert"] for rule in _alerts()]
    assert len(names) == len(set(names))
    assert [name for name in names if f"`{name}`" not in page] == []


def test_alerts_are_good_for_prometheus() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing (Debian's package prometheus): rules are not judged")
    answer = subprocess.run(
        [promtool, "check", "rules", "--lint-fatal", str(DEPLOY / "prometheus/alerts.yaml")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_dashboard_shows_every_metric() -> None:
    text = (DEPLOY / "grafana/ucal.json").read_text()
    ours = [each.name for each in REGISTRY.collect() if each.name.startswith("ucal_")]
    for name in (*ours, "process_resident_memory_bytes", "process_cpu_seconds"):
        assert name in text, f"{name} is on no panel"


SERIES = """\
rule_files: [alerts.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: ucal_call_seconds_count{method="GetEvent", provider="x", code="INTERNAL"}
        values: _x10 1x10
      - series: ucal_call_seconds_count{method="GetEvent", provider="x", code="OK"}
        values: 0+600x20
      - series: ucal_call_seconds_count{method="GetEvent", provider="y", code="UNAVAILABLE"}
        values: 0+60x20
      - series: ucal_bus_up{instance="one"}
        values: 1x10 0x10
      - series: ucal_open_streams{instance="one"}
        values: 100x10 40x10
    alert_rule_test:
      - {eval_time: 9m, alertname: UcalInternal, exp_alerts: []}
      - eval_time: 12m
        alertname: UcalInternal
        exp_alerts:
          - exp_labels: {severity: page, method: GetEvent}
            exp_annotations: {summary: GetEvent ends with an error of ours}
      - eval_time: 15m
        alertname: UcalProviderFails
        exp_alerts:
          - exp_labels: {severity: ticket, provider: y}
            exp_annotations: {summary: y fails in 100% of the calls}
      - {eval_time: 9m, alertname: UcalBusDown, exp_alerts: []}
      - {eval_time: 9m, alertname: UcalStreamsLost, exp_alerts: []}
      - eval_time: 12m
        alertname: UcalStreamsLost
        exp_alerts:
          - exp_labels: {severity: ticket}
            exp_annotations:
              summary: "open watches fell by half: a replica went, or the network in between"
"""


def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    """Also for the first failure there ever was, which begins a series."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing (Debian's package prometheus): no rule is tried")
    shutil.copy(DEPLOY / "prometheus/alerts.yaml", tmp_path)
    cases = tmp_path / "cases.yaml"
    cases.write_text(SERIES)
    answer = subprocess.run(
        [promtool, "test", "rules", str(cases)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
