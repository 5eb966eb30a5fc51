"""One world, one server: commands beside a running `dev` must not overwrite each other's Halo."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pax8_pipeline.commands.sandbox_server import environment_of, get_json, only_server, serve_or_join, server_lock
from pax8_pipeline.errors import ConfigError, PipelineError
from pax8_pipeline.sandbox.world import state
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.cli import clean_environment, quick


@pytest.fixture
def world_file(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "sandbox" / "world.json"
    state.save(World(1, companies=3), path)
    return path


def test_a_second_command_uses_the_server_of_the_first(world_file: Path) -> None:
    with serve_or_join(world_file) as first, serve_or_join(world_file) as second:
        assert second == first
        assert get_json(f"{first['PAX8_API_URL']}/companies") is None  # up, and wants a token


def test_a_world_is_free_again_when_its_server_is_killed(world_file: Path) -> None:
    program = (
        "import pathlib, sys, threading\n"
        "from pax8_pipeline.commands.sandbox_server import serve_or_join\n"
        "with serve_or_join(pathlib.Path(sys.argv[1])) as env:\n"
        "    print(env['PAX8_API_URL'], flush=True)\n"
        "    threading.Event().wait()\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program, str(world_file)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    with serve_or_join(world_file) as shared:
        assert shared["PAX8_API_URL"] == address
    server.kill()
    server.wait()
    server.stdout.close()
    with serve_or_join(world_file) as own:
        assert own["PAX8_API_URL"] != address


def test_who_must_have_the_world_alone_is_told_where_it_is_served(world_file: Path) -> None:
    with serve_or_join(world_file) as env, pytest.raises(PipelineError) as refused, only_server(world_file):
        pass
    assert env["PAX8_API_URL"].removesuffix("/pax8/v1") in str(refused.value)


def test_a_world_file_that_cannot_be_read_is_named(world_file: Path) -> None:
    world_file.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"world\.json: not a sandbox state .*remove it"), serve_or_join(world_file):
        pass


def test_a_claim_that_ended_leaves_no_address_behind(world_file: Path) -> None:
    with only_server(world_file, "http://127.0.0.1:1"), server_lock(world_file) as second:
        assert second is None
    assert world_file.with_name("world.json.lock").read_text() == ""


def test_waiting_for_a_server_ends_when_its_process_has() -> None:
    with pytest.raises(PipelineError, match="does not answer"):
        environment_of("http://127.0.0.1:9", given_up=lambda: True)


def test_sandbox_command_prints_the_environment_and_keeps_its_world(tmp_path: Path) -> None:
    keep = tmp_path / "world.json"
    command = [sys.executable, "-m", "pax8_pipeline.cli", "sandbox", "--port", "0", "--state", str(keep)]
    server = subprocess.Popen(
        [*command, "--companies", "3", "--subscriptions", "9", "--usage", "1", "--mappings", str(tmp_path / "m")],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    assert server.stdout is not None
    printed = {}
    for line in server.stdout:
        if line.startswith("export "):
            name, value = line.removeprefix("export ").strip().split("=", 1)
            printed[name] = value
        if line.startswith("Ctrl-C"):
            break
    with serve_or_join(keep) as env:
        assert env == printed
    second = quick(tmp_path, "sandbox", "--port", "0", "--state", str(keep))
    assert (second.code, "is in use at http://127.0.0.1:" in second.err) == (1, True)
    server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0
    server.stdout.close()
    assert len(json.loads(keep.read_text())["pax8"]["subscriptions"]) == 9
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["clients.csv", "items.csv", "subscriptions.csv"]


def test_sizes_for_a_world_that_is_there_already_are_refused(world_file: Path) -> None:
    done = quick(world_file.parent, "sandbox", "--state", "world.json", "--port", "0", "--companies", "5")
    assert done.code == 1
    assert "contains a world already" in done.err
