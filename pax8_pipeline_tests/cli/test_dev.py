"""`dev`: the sandbox and Dagster start together, with the right environment, and end together."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from pax8_pipeline.commands.sandbox_server import free_port
from pax8_pipeline.sandbox.world import state
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.cli import clean_environment, cli, quick
from pax8_pipeline_tests.support.operator import until

# A code location that starts quickly and shows what environment it was given.
TINY = """
import os
import dagster as dg

NAMES = ("PAX8_API_URL", "HALO_TENANT", "PAX8_PIPELINE_DATA", "PAX8_PIPELINE_TODAY", "DAGSTER_DISABLE_TELEMETRY")

@dg.asset(metadata={name: os.environ.get(name, "unset") for name in NAMES})
def seen(context: dg.AssetExecutionContext) -> None:
    context.log.info("read by people")

defs = dg.Definitions([seen])
"""
QUERY = "{assetNodes {metadataEntries {label ... on TextMetadataEntry {text}}}}"
LAUNCH = """mutation { launchRun(executionParams: {mode: "default", selector: {
  repositoryLocationName: "tiny.py", repositoryName: "__repository__", jobName: "__ASSET_JOB"}}) {
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
EVENTS = """{ logsForRun(runId: "%s") { ... on EventConnection { events { eventType: __typename
  ... on MessageEvent { level message } } } } }"""


def _project(folder: Path) -> None:
    (folder / "tiny.py").write_text(TINY)
    (folder / "workspace.yaml").write_text(f"load_from:\n  - python_file: {folder / 'tiny.py'}\n")


def _graphql(port: int, query: str) -> Any:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)["data"]


def _ask(port: int) -> dict[str, str]:
    (node,) = _graphql(port, QUERY)["assetNodes"]
    return {entry["label"]: entry["text"] for entry in node["metadataEntries"]}


def _events_of_a_run(port: int) -> list[dict[str, str]]:
    """Start a run as the UI does, wait for its end, and return its events."""
    run_id = _graphql(port, LAUNCH)["launchRun"]["run"]["runId"]
    found: list[dict[str, str]] = []

    def ended() -> bool:
        found[:] = _graphql(port, EVENTS % run_id)["logsForRun"]["events"]
        return any(event["eventType"] in ("RunSuccessEvent", "RunFailureEvent") for event in found)

    until(ended, pause_s=0.5)
    return found


def test_sandbox_and_dagster_run_together_and_one_signal_ends_both(tmp_path: Path) -> None:
    _project(tmp_path)
    # A copied .env.example with nothing filled in must not blank what dev sets.
    (tmp_path / ".env").write_text("PAX8_CLIENT_ID=\nHALO_TENANT=\n")
    world = tmp_path / "data" / "sandbox" / "world.json"
    state.save(World(1, companies=3), world)
    port = free_port()
    # As a shell's `&` does in a script: Dagster would inherit the ignored signals and continue to ignore them.
    ignoring = ["bash", "-c", "trap '' INT TERM; exec \"$@\"", "bash"]
    command = [*ignoring, sys.executable, "-m", "pax8_pipeline.cli", "dev", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "Dagster is up" in line:
                break
        assert f"http://localhost:{port}" in lines[-1], "".join(lines)
        children = psutil.Process(process.pid).children(recursive=True)
        seen = _ask(port)
        events = _events_of_a_run(port)
    finally:
        process.send_signal(signal.SIGTERM)
        printed = process.stdout.read() + process.stderr.read()
        assert process.wait(90) == 0
        process.stdout.close()
        process.stderr.close()
    # The terminal is for people; the history has everything.
    assert "DEBUG" not in printed, printed
    assert {"RunSuccessEvent", "ExecutionStepStartEvent", "MaterializationEvent"} <= {e["eventType"] for e in events}
    assert "read by people" in [event["message"] for event in events]
    assert seen["PAX8_API_URL"].startswith("http://127.0.0.1:")
    assert seen["HALO_TENANT"] == "sandbox"
    assert seen["PAX8_PIPELINE_DATA"] == str(tmp_path / "data" / "sandbox")
    assert seen["DAGSTER_DISABLE_TELEMETRY"] == "1"
    assert len(children) > 3
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert (tmp_path / "data" / "sandbox" / "dagster_home" / "history").is_dir()
    assert not list(tmp_path.glob(".tmp_dagster_home_*"))
    assert world.exists()


def test_half_set_credentials_are_refused_with_the_names_of_the_rest(tmp_path: Path) -> None:
    done = quick(tmp_path, "dev", PAX8_CLIENT_ID="x", PAX8_CLIENT_SECRET="y", HALO_TENANT="z")
    assert done.code == 1
    assert "not set: HALO_API_URL, HALO_AUTH_URL, HALO_CLIENT_ID, HALO_CLIENT_SECRET" in done.err


def test_a_port_in_use_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = quick(tmp_path, "dev", "--port", str(taken.getsockname()[1]))
    assert (done.code, "is in use" in done.err) == (1, True)
    assert not (tmp_path / "data").exists()


def test_dagster_that_ends_by_itself_ends_dev_with_an_error(tmp_path: Path) -> None:
    (tmp_path / "workspace.yaml").write_text("load_from: nonsense\n")
    state.save(World(1, companies=3), tmp_path / "data" / "sandbox" / "world.json")
    done = cli(tmp_path, "dev", "--port", str(free_port()))
    assert done.returncode == 1
    assert "Error: Dagster ended unexpectedly" in done.stderr
