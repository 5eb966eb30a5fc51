"""Tenants on PostgreSQL, a broker and two Celery workers, of which one is killed in the middle of a run.

Needs PostgreSQL and Redis of the system, and the packages of deploy/tenants/requirements.lock: `make tenants`.
PAX8_TENANT_COUNT and PAX8_COMPANIES make it larger; what came of it is printed (`-s`).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.sandbox.core.credentials import HaloCredentials
from pax8_pipeline.sandbox.server.app import Sandbox, running_sandbox
from pax8_pipeline.sandbox.world.scenario import ScriptedDay
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.e2e.test_tenants import make_tenant
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.services import Deployment, deployment, until
from pax8_pipeline_tests.support.vendor_data import TODAY
from pax8_pipeline_tests.support.watched import in_memory

pytestmark = pytest.mark.tenants

COUNT = int(os.environ.get("PAX8_TENANT_COUNT", "10" if WHOLE else "3"))
COMPANIES = int(os.environ.get("PAX8_COMPANIES", "60"))
SUBSCRIPTIONS = int(os.environ.get("PAX8_SUBSCRIPTIONS", "300"))
NO_LIMITS = "{lines_changed_pct: null, lines_changed: null, lines_ended: null, money_delta: null}"
PATIENCE_S = 600 + 120 * COUNT


@dataclass
class Night:
    """What became of one night of all tenants."""

    names: list[str]
    sandboxes: dict[str, Sandbox]
    root: Path
    killed: str = ""
    worker: str = ""
    written: int = 0  # what had reached the killed tenant's Halo by then
    runs: dict[str, list[Any]] = field(default_factory=dict)
    seconds: float = 0.0
    strange: list[str] = field(default_factory=list)


def world(number: int) -> World:
    made = World(8 + number, TODAY, companies=COMPANIES, subscriptions=SUBSCRIPTIONS)
    ScriptedDay(made, random.Random(f"tenant {number}")).play()
    return made


def served(name: str, number: int) -> AbstractContextManager[Sandbox]:
    """Serve a tenant's Pax8 and Halo, with a secret by which this tenant can be recognised."""
    return running_sandbox(world(number), halo_credentials=HaloCredentials(client_secret=f"only-{name}."))


def tenant(root: Path, name: str, sandbox: Sandbox, at: datetime) -> None:
    values = {
        **sandbox.env(),
        "HALO_WRITE_MODE": "apply",
        "PAX8_SCHEDULE": "on",
    }
    folder = make_tenant(root, name, values)
    sandbox.world.write_mappings(folder / "mappings")
    (folder / "policy.yaml").write_text(
        f"schedule: {{hour: {at.hour}, minute: {at.minute}}}\nguardrails: {{run: {NO_LIMITS}, client: {NO_LIMITS}}}\n"
    )


def runs_of(services: Deployment, name: str) -> list[Any]:
    from dagster import DagsterInstance, RunsFilter

    os.environ.update({key: value for key, value in services.environment.items() if key.startswith("DAGSTER_")})
    with DagsterInstance.from_config(services.environment["DAGSTER_HOME"]) as instance:
        return list(instance.get_runs(filters=RunsFilter(tags={"pax8/tenant": name})))


def ended_well(services: Deployment, name: str) -> bool:
    return any(run.is_success for run in runs_of(services, name))


def kill_in_the_middle(services: Deployment, night: Night) -> None:
    """Kill the worker, with all its processes, that executes a run whose first writes have reached Halo."""

    def writing() -> list[str]:
        return [name for name in night.names if night.sandboxes[name].halo.writes]

    until(writing, "a run writes", PATIENCE_S, every=0.05)
    services.stop("worker-1", "worker-2")  # so that nothing goes on while they are looked at
    night.killed = writing()[0]
    (lock,) = (night.root / night.killed / "at_work").glob("*.lock")
    night.worker = services.holder(lock)
    others = [name for name in night.names if name != night.killed]
    night.strange = [other for other in others for pid in processes_with(lock) if in_memory(pid, f"only-{other}.")]
    night.written = len(night.sandboxes[night.killed].halo.writes)
    services.kill(night.worker)
    services.go_on("worker-1", "worker-2")


def processes_with(file: Path) -> Iterator[int]:
    for place in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if place.readlink() == file:
                yield int(place.parts[2])
        except OSError:
            continue


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("workers")
    names = [f"msp-{number}" for number in range(1, COUNT + 1)]
    with ExitStack() as stack:
        sandboxes = {name: stack.enter_context(served(name, number)) for number, name in enumerate(names)}
        today = next(iter(sandboxes.values())).env()["PAX8_PIPELINE_TODAY"]
        at = datetime.now(UTC) + timedelta(seconds=60 + 15 * COUNT)
        for name, sandbox in sandboxes.items():
            tenant(folder / "tenants", name, sandbox, at)
        made = Night(names, sandboxes, folder / "tenants")
        services = stack.enter_context(deployment(folder, names, {"PAX8_PIPELINE_TODAY": today}))
        services.worker("worker-1")
        services.worker("worker-2")
        services.daemon()
        until(lambda: any(runs_of(services, name) for name in names), "the schedule starts a run", PATIENCE_S)
        begin = time.monotonic()
        kill_in_the_middle(services, made)
        services.worker("worker-3")  # as a supervisor would
        until(lambda: all(ended_well(services, name) for name in names), "every tenant's sync ended well", PATIENCE_S)
        made.seconds = time.monotonic() - begin
        made.runs = {name: runs_of(services, name) for name in names}
        print(
            f"{COUNT} tenants, {COMPANIES} companies each: {made.seconds:.0f} s; "
            f"killed {made.worker} in {made.killed} after write {made.written}"
        )
        yield made


def test_nothing_is_lost_and_nothing_is_written_twice(night: Night) -> None:
    for name, sandbox in night.sandboxes.items():
        assert sandbox.world.expected_halo() == sandbox.world.halo_state(), name
        bodies = [str(write["body"]) for write in sandbox.halo.writes]
        assert len(bodies) == len(set(bodies)) > 0, name
        assert not sandbox.halo.violations


def test_no_write_is_left_open(night: Night) -> None:
    for name in night.names:
        with Warehouse(night.root / name / "warehouse.duckdb").connect(read_only=True) as connection:
            states = connection.execute("SELECT DISTINCT state FROM billing.ledger_state").fetchall()
        assert {state for (state,) in states} <= {"verified", "failed"}, name


def test_the_killed_run_is_marked_and_repeated_once(night: Night) -> None:
    statuses = sorted(str(run.status.value) for run in night.runs[night.killed])
    assert statuses == ["FAILURE", "SUCCESS"]


def test_the_other_tenants_are_not_disturbed(night: Night) -> None:
    others = {name: runs for name, runs in night.runs.items() if name != night.killed}
    assert {name: [str(run.status.value) for run in runs] for name, runs in others.items()} == {
        name: ["SUCCESS"] for name in others
    }


def test_a_workers_process_has_nothing_of_another_tenant(night: Night) -> None:
    assert night.strange == []
