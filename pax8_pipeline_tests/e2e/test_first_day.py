"""The first day, as somebody plays it who does not read code: from `init` to the first line written in Halo.

Once at a real terminal, and once without one. The credentials are typed in `test_init_at_a_terminal` of every test run;
the whole day is a proof.
"""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pax8_pipeline.sandbox.server.app import Sandbox, running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.settings import load_policy
from pax8_pipeline_tests.support.cli import clean_environment
from pax8_pipeline_tests.support.nightly import small_story
from pax8_pipeline_tests.support.operator import TODAY, Ran, run_command
from pax8_pipeline_tests.support.terminal import Terminal, at_terminal, seconds

WRONG = "wrong-secret-9876"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(World(1, TODAY, companies=12)) as served:
        yield served


def type_credentials(at: Terminal, sandbox: Sandbox) -> None:
    """Answer every question of `init`, with one wrong secret on the way."""
    env = sandbox.env()
    at.answer("Pax8 client id", env["PAX8_CLIENT_ID"])
    at.answer("Pax8 client secret", WRONG)
    at.expect("[bad]  Pax8 token")
    at.expect("Type the values for Pax8 again? [Y/n]")
    at.type("")
    at.answer("Pax8 client id [", "")
    at.answer("Pax8 client secret", env["PAX8_CLIENT_SECRET"])
    at.answer("Halo resource server", env["HALO_API_URL"])
    at.expect("Halo itself names HALO_TENANT: sandbox")
    at.answer("Halo authorisation server [", "")
    at.answer("Halo tenant [sandbox]", "")
    at.answer("Halo client id", env["HALO_CLIENT_ID"])
    at.answer("Halo client secret", env["HALO_CLIENT_SECRET"])


def outside(sandbox: Sandbox) -> dict[str, str]:
    """What is not asked for: the sandbox's addresses of Pax8, and its day."""
    names = ("PAX8_API_URL", "PAX8_TOKEN_URL", "PAX8_PIPELINE_TODAY")
    env = {name: value for name, value in sandbox.env().items() if name in names}
    return clean_environment({**env, "DAGSTER_DISABLE_TELEMETRY": "1", "USER": "ada"})


def test_init_at_a_terminal(sandbox: Sandbox, tmp_path: Path) -> None:
    with at_terminal(tmp_path, ["init"], outside(sandbox)) as at:
        type_credentials(at, sandbox)
        at.expect("Next:")
        assert at.end() == 0
        secrets = (WRONG, sandbox.env()["PAX8_CLIENT_SECRET"], sandbox.env()["HALO_CLIENT_SECRET"])
        assert [secret for secret in secrets if secret in at.screen] == []
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert WRONG not in (tmp_path / ".env").read_text()
    assert load_policy(tmp_path / "data" / "policy.yaml").trust.default == "observe"


def test_ctrl_c_in_the_middle_writes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    with at_terminal(tmp_path, ["init"], outside(sandbox)) as at:
        at.answer("Pax8 client id", "x")
        at.expect("Pax8 client secret")
        assert at.interrupt() == 130
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def story() -> Iterator[Sandbox]:
    with running_sandbox(small_story()) as served:
        yield served


class Day:
    """One folder, and its commands one after the other."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox, self.env = folder, sandbox, outside(sandbox)
        self.spent: list[str] = []

    def command(self, *arguments: str, **env: str) -> Ran:
        start = time.perf_counter()
        # As `main` does: the environment, then .env of the folder.
        done = run_command(self.folder, arguments, {**self.env, **env})
        self.spent.append(f"{seconds(start):>6} s  {done.code}  {' '.join(arguments)[:70]}")
        return done

    def to_the_first_write(self) -> None:
        """Probe, look, choose a client, approve, write, and look again."""
        assert self.command("doctor", "--probe").code == 0
        assert self.command("run").code == 2
        assert self.sandbox.halo.writes == []  # the first run observes
        plan = self.command("plan", "show", "--json", "--all").data
        observed = [row for row in plan["rows"] if row["reason"] == "trust_observe" and row["subscription_id"]]
        client = min(observed, key=lambda row: row["row_id"])["client_id"]
        trust = self.command("status", "--trust", "--json").data
        assert {one["mode"] for one in trust["clients"]} == {"observe"}
        assert client in {one["client_id"] for one in trust["clients"]}

        policy = self.folder / "data" / "policy.yaml"
        policy.write_text(
            policy.read_text().replace("  clients: {} # the mode", f"  clients: {{{client}: approve}} # the mode")
        )
        assert self.command("run", "--dry-run").code == 2
        plan_id = self.command("plan", "show", "--json").data["plan"]["plan_id"]
        assert self.command("plan", "approve", plan_id, "--client", str(client)).code == 0
        written = self.command("plan", "apply", plan_id, HALO_WRITE_MODE="apply")
        assert written.code in (0, 2), written.err
        assert self.sandbox.halo.writes != []
        again = self.command("plan", "show", plan_id, "--json", "--all").data["rows"]
        assert {row["client_id"] for row in again if row.get("written")} <= {client}
        [one] = [c for c in self.command("status", "--trust", "--json").data["clients"] if c["client_id"] == client]
        assert (one["mode"], one["nights"]) == ("approve", 1)


@pytest.mark.proof
def test_the_first_day_at_a_terminal(story: Sandbox, tmp_path: Path) -> None:
    day, start = Day(tmp_path, story), time.perf_counter()
    with at_terminal(tmp_path, ["init"], day.env) as at:
        type_credentials(at, story)
        assert at.end() == 0
    day.spent.append(f"{seconds(start):>6} s  0  init")
    day.to_the_first_write()
    print("\n".join([*day.spent, f"{seconds(start):>6} s  in all"]))


@pytest.mark.proof
def test_the_first_day_without_a_terminal(story: Sandbox, tmp_path: Path) -> None:
    day, start = Day(tmp_path, story), time.perf_counter()
    for name in ("PAX8_CLIENT_SECRET", "HALO_CLIENT_SECRET"):
        (tmp_path / name).write_text(story.env()[name])
    env = story.env()
    flags = ("--pax8-client-id", env["PAX8_CLIENT_ID"], "--pax8-secret-file", "PAX8_CLIENT_SECRET", "--halo-api-url",
             env["HALO_API_URL"], "--halo-client-id", env["HALO_CLIENT_ID"], "--halo-secret-file", "HALO_CLIENT_SECRET")  # fmt: skip
    done = day.command("init", "--json", *flags)
    assert done.code == 0, done.err
    assert json.loads(done.out)["ready"] is True
    assert not any(
        env[name] in (tmp_path / ".env").read_text() for name in ("PAX8_CLIENT_SECRET", "HALO_CLIENT_SECRET")
    )
    day.to_the_first_write()
    print("\n".join([*day.spent, f"{seconds(start):>6} s  in all"]))
