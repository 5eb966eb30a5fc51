"""Two tenants side by side: a process of one sees no file and no secret of the other, and Dagster keeps them apart."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.sandbox.server.app import running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.cli import clean_environment, cli
from pax8_pipeline_tests.support.vendor_data import TODAY
from pax8_pipeline_tests.support.watched import in_memory, watched

STRANGE = "secret-of-tenant-beta"  # only in files of beta
SHELL = "secret-of-the-shell"  # in the environment that the process starts with

# A process of one tenant: a run on the command line, then what Dagster would load of it. It waits at its end, to be
# looked at.
PROCESS = """
import json, os, sys
from pax8_pipeline.cli import main
facts = {}
try:
    main(["run", "--tenant", "acme"])
except SystemExit as ended:
    facts["code"] = ended.code
from pax8_pipeline import tenants
from pax8_pipeline.errors import ConfigError
defs = tenants.acme
graph = defs.resolve_asset_graph()
facts["keys"] = [key.to_user_string() for key in graph.get_all_asset_keys()]
facts["pools"] = sorted({pool for key in graph.get_all_asset_keys() for pool in graph.get(key).pools or ()})
facts["tags"] = [job.tags.get("pax8/tenant") for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
try:
    tenants.beta
except ConfigError as error:
    facts["other"] = str(error)
facts["environment"] = dict(os.environ)
print("FACTS" + json.dumps(facts), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Seen:
    """What a process of tenant acme did and had."""

    root: Path
    facts: dict[str, Any]
    opened: set[Path]
    secret_in_memory: bool
    own_secret_in_memory: bool


def make_tenant(root: Path, name: str, values: dict[str, str]) -> Path:
    folder = root / name
    (folder / "mappings").mkdir(parents=True)
    lines = [f"{key}={value}\n" for key, value in values.items() if key != "PAX8_PIPELINE_TODAY"]
    (folder / ".env").write_text("".join(lines))
    (folder / "policy.yaml").write_text("timezone: UTC\n")
    return folder


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("fleet")
    root = folder / "tenants"
    world = World(8, TODAY, companies=12, subscriptions=40)
    with running_sandbox(world) as sandbox:
        values = sandbox.env()
        acme = make_tenant(root, "acme", values)
        world.write_mappings(acme / "mappings")
        beta = make_tenant(root, "beta", {**values, "HALO_CLIENT_SECRET": STRANGE})
        (folder / ".env").write_text(f"HALO_CLIENT_SECRET={STRANGE}\n")  # of an installation without tenants
        shell = {"HALO_CLIENT_SECRET": SHELL, "PAX8_CLIENT_ID": "of-the-shell", "HALO_WRITE_MODE": "apply"}
        environment = clean_environment({**shell, "PAX8_PIPELINE_TODAY": values["PAX8_PIPELINE_TODAY"]})
        with watched(beta) as opened:
            process = subprocess.Popen(
                [sys.executable, "-c", PROCESS],
                cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            assert process.stdout is not None
            facts = next(
                (line for line in process.stdout if line.startswith("FACTS")), "the process ended without facts"
            )
            yield Seen(
                root,
                json.loads(facts.removeprefix("FACTS")),
                opened.paths(),
                in_memory(process.pid, STRANGE),
                in_memory(process.pid, values["HALO_CLIENT_SECRET"]),
            )
            process.communicate("")


def test_a_run_of_a_tenant_works_on_its_own_folder(seen: Seen) -> None:
    assert seen.facts["code"] in (0, 2), seen.facts
    assert {"warehouse.duckdb", "published.duckdb", "reports", "last_run.json", "dagster_home"} <= {
        path.name for path in (seen.root / "acme").iterdir()
    }
    assert not (seen.root.parent / "data").exists()


def test_its_lake_has_the_tables_of_that_run(seen: Seen) -> None:
    days = list((seen.root / "acme" / "lake" / "staging" / "subscriptions" / "tenant=acme").iterdir())
    assert [day.name for day in days] == [f"date={TODAY}"]


def test_it_opens_no_file_of_another_tenant(seen: Seen) -> None:
    assert seen.opened == set()


def test_the_watch_notices_an_opened_file(seen: Seen) -> None:
    with watched(seen.root / "beta") as opened:
        (seen.root / "beta" / "policy.yaml").read_text()
        assert opened.paths() == {seen.root / "beta" / "policy.yaml"}


def test_no_secret_of_another_tenant_is_in_its_memory(seen: Seen) -> None:
    assert seen.own_secret_in_memory  # so the search finds what is there
    assert not seen.secret_in_memory


def test_its_own_secrets_are_not_in_its_environment(seen: Seen) -> None:
    ours = {name for name in seen.facts["environment"] if name.startswith(("PAX8_", "HALO_"))}
    given = {"HALO_CLIENT_SECRET", "PAX8_CLIENT_ID", "HALO_WRITE_MODE", "PAX8_PIPELINE_TODAY"}
    assert ours == {*given, "PAX8_TENANT"}
    assert seen.facts["environment"]["HALO_CLIENT_SECRET"] == SHELL  # as the process got it, and not used


def test_what_dagster_shows_of_a_tenant_has_its_name(seen: Seen) -> None:
    assert {key.split("/")[0] for key in seen.facts["keys"]} == {"acme"}
    assert "acme/billing/plan" in seen.facts["keys"]
    assert seen.facts["pools"] == ["duckdb-acme"]
    assert set(seen.facts["tags"]) == {"acme"}


def test_a_process_refuses_to_serve_a_second_tenant(seen: Seen) -> None:
    assert seen.facts["other"] == "this process serves acme, not 'beta': each tenant needs a process of its own"


def test_an_unknown_tenant_is_named_with_its_place(seen: Seen) -> None:
    done = cli(seen.root.parent, "status", "--tenant", "gamma")
    assert done.returncode == 1
    assert (
        f"there is no tenant 'gamma': {seen.root / 'gamma'} is not a folder (tenants there: acme, beta)" in done.stderr
    )
