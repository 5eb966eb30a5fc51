"""The files in deploy/tenants: Dagster and its launchers accept them, and no tenant gets the volume of another.

What is not tried here is written in docs/tenants.md#tried: Docker and Kubernetes themselves.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.instance.config import dagster_instance_config

from pax8_pipeline.orchestration.workspace import code_servers
from pax8_pipeline_tests.shown_commands import ROOT

DEPLOY = ROOT / "deploy" / "tenants"
LAUNCHERS = ("celery", "docker", "kubernetes")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"])


@pytest.mark.parametrize("launcher", [None, *LAUNCHERS])
def test_dagster_takes_the_instances_configuration_with_each_launcher(tmp_path: Path, launcher: str | None) -> None:
    text = (DEPLOY / "dagster.yaml").read_text()
    if launcher:
        text += (DEPLOY / f"launcher-{launcher}.yaml").read_text()
    (tmp_path / "dagster.yaml").write_text(text)
    config, _ = dagster_instance_config(str(tmp_path))  # raises for what it does not know
    assert config["concurrency"]["runs"]["tag_concurrency_limits"][0]["key"] == "pax8/tenant"
    assert ("run_launcher" in config) == bool(launcher)


def test_what_protects_a_tenant_is_as_in_an_installation_without_tenants() -> None:
    one, many = (yaml.safe_load(path.read_text()) for path in (ROOT / "dagster.yaml", DEPLOY / "dagster.yaml"))
    assert one["concurrency"]["pools"] == many["concurrency"]["pools"]
    assert one["run_retries"] == many["run_retries"]
    assert many["concurrency"]["runs"]["tag_concurrency_limits"][0]["limit"] == 1
    assert many["run_monitoring"]["max_runtime_seconds"] == one["run_monitoring"]["max_runtime_seconds"]


def test_each_tenants_code_server_has_its_own_volume_and_nobody_else_has_one(services: dict[str, Any]) -> None:
    tenants = {name.removeprefix("tenant-"): one for name, one in services.items() if name.startswith("tenant-")}
    assert len(tenants) > 1
    for name, one in tenants.items():
        command = one["command"]
        assert command[command.index("-a") + 1] == name
        assert one["volumes"] == [f"{name}:/tenants/{name}"]
        context = json.loads(command[command.index("--container-context") + 1])
        assert context["docker"]["container_kwargs"]["volumes"] == [f"pax8-pipeline-tenants_{name}:/tenants/{name}"]
    for name in ("webserver", "daemon"):
        assert [volume.split(":")[0] for volume in services[name]["volumes"]] == ["./workspace.yaml"]


def test_containers_may_as_little_as_possible_and_only_this_machine_reaches_the_ui(services: dict[str, Any]) -> None:
    for name, one in services.items():
        if name != "postgres":
            assert (one["user"], one["read_only"], one["cap_drop"]) == ("10001:10001", True, ["ALL"])
        assert one.get("ports", []) == (["127.0.0.1:3000:3000"] if name == "webserver" else [])
    assert "pax8_pipeline.orchestration.ui_server" in services["webserver"]["command"]  # with the guard


def test_the_workspace_is_what_the_command_writes(services: dict[str, Any]) -> None:
    names = sorted(name.removeprefix("tenant-") for name in services if name.startswith("tenant-"))
    assert (DEPLOY / "workspace.yaml").read_text() == code_servers(names, "tenant-{name}", 4000)


def test_a_tenant_on_kubernetes_has_its_own_volume_and_secret_and_so_have_its_jobs() -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    claim, server, service = documents
    assert {one["metadata"]["name"] for one in documents} == {"tenant-acme"}
    pod = server["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    context = json.loads(container["args"][1])["k8s"]
    assert context["volumes"] == pod["volumes"]
    assert context["volume_mounts"] == container["volumeMounts"]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert service["spec"]["ports"][0]["port"] == container["ports"][0]["containerPort"] == 4000


def test_the_lock_adds_to_the_base_and_changes_nothing_of_it() -> None:
    def names(path: Path) -> set[str]:
        return set(re.findall(r"^([\w.-]+)(?:\[\w+\])?==", path.read_text(), re.MULTILINE))

    added = names(DEPLOY / "requirements.lock")
    assert {"dagster-postgres", "dagster-celery", "dagster-docker", "dagster-k8s", "psycopg2-binary", "celery"} <= added
    assert not added & names(ROOT / "requirements.lock")


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    # The base image is our own, built beside it.
    words = [str(hadolint), "--ignore", "DL3006", str(DEPLOY / "Dockerfile")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.tenants
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_launcher_takes_its_configuration(launcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_CELERY_BROKER", "redis://localhost/0")
    monkeypatch.setenv("DAGSTER_CELERY_BACKEND", "redis://localhost/1")
    stated = yaml.safe_load((DEPLOY / f"launcher-{launcher}.yaml").read_text())["run_launcher"]
    kind = getattr(importlib.import_module(stated["module"]), stated["class"])
    done = process_config(resolve_to_config_type(kind.config_type()), stated["config"])
    assert done.success, done.errors


@pytest.mark.tenants
def test_dagster_takes_what_a_code_server_says_of_its_tenants_containers(services: dict[str, Any]) -> None:
    # By name: an installation without the extra `tenants` does not have these modules.
    docker_context = importlib.import_module("dagster_docker.container_context").DockerContainerContext
    kubernetes_context = importlib.import_module("dagster_k8s.container_context").K8sContainerContext
    command = services["tenant-acme"]["command"]
    docker = docker_context.create_from_config(json.loads(command[command.index("--container-context") + 1]))
    assert docker.container_kwargs["volumes"] == ["pax8-pipeline-tenants_acme:/tenants/acme"]
    server = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))[1]
    (container,) = server["spec"]["template"]["spec"]["containers"]
    kubernetes = kubernetes_context.create_from_config(json.loads(container["args"][1]))
    mounts = kubernetes.run_k8s_config.container_config["volume_mounts"]
    assert {mount.get("mountPath") or mount.get("mount_path") for mount in mounts} == {
        "/tenants/acme",
        "/run/secrets/acme",
    }
