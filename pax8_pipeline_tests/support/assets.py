"""Runs the real jobs on two vendors in memory."""

from __future__ import annotations

import atexit
import copy
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg

from pax8_pipeline.billing.approvals import Scope, record_approval
from pax8_pipeline.billing.planning.planner import load_plan
from pax8_pipeline.definitions import build_defs
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.orchestration import jobs, runs
from pax8_pipeline.orchestration.assets.specs import asset_key
from pax8_pipeline.orchestration.partitions import code_location_settings
from pax8_pipeline.orchestration.resources import FixedSettings
from pax8_pipeline.orchestration.runs import RunResult, run_daily_sync
from pax8_pipeline.orchestration.write_permission import Permission
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.warehouse import build
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.built_tables import build_one
from pax8_pipeline_tests.support.history import memory_instance
from pax8_pipeline_tests.support.vendor_data import COMPANY, TODAY, invoice, licence, line, subscription
from pax8_pipeline_tests.support.vendors import HaloInMemory, Pax8InMemory
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse

MONTH = f"{TODAY:%Y-%m}-01"
# What seats are written from, and one table that has months, as the daily job must have; half of the cost of a whole run.
SEATS = (
    "pax8.companies", "pax8.products", "pax8.subscriptions", "halo.integration", "halo.clients", "halo.licences",
    "halo.recurring_invoices", "staging.mappings", "staging.companies", "staging.products", "staging.subscriptions",
    "staging.clients", "staging.client_links", "staging.licences", "staging.recurring_invoices",
    "staging.recurring_invoice_lines", "staging.line_licences", "reconciled.licence_keys", "reconciled.client_matches",
    "reconciled.subscriptions", "pax8.usage_lines", "billing.plan", "billing.writes", "billing.ledger",
)  # fmt: skip
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class FixedClient:
    """A resource that hands out a client made beforehand."""

    made: Any

    def client(self, settings: Settings) -> Any:
        return self.made


@dataclass
class PipelineHarness:
    """A data folder, both vendors, and the history of runs.

    With `seats_only` the daily job has the tables `SEATS` and their checks, and the apply of a plan has writes and
    ledger: for a test that asks for no other table, for no report and no overview.
    """

    folder: Path
    pax8: Pax8InMemory = field(default_factory=Pax8InMemory)
    halo: HaloInMemory = field(default_factory=HaloInMemory)
    env: dict[str, str] = field(default_factory=dict)
    seats_only: bool = False
    instance: dg.DagsterInstance = field(default_factory=memory_instance)

    def __post_init__(self) -> None:
        (self.folder / "mappings").mkdir(parents=True, exist_ok=True)
        rows = f"pax8_company_id,halo_client_id,note\n{COMPANY},231,\n"
        (self.folder / "mappings" / "clients.csv").write_text(rows, encoding="utf-8")
        if not self.settings.warehouse_path.exists():
            empty_warehouse(self.settings.warehouse_path)

    @property
    def settings(self) -> Settings:
        ours = {"PAX8_PIPELINE_DATA": str(self.folder), "PAX8_PIPELINE_TODAY": TODAY.isoformat()}
        return load_settings({**ours, "HALO_WRITE_MODE": "apply", **self.env})

    @property
    def resources(self) -> dict[str, Any]:
        return {
            "settings": FixedSettings(self.settings),
            "pax8": FixedClient(self.pax8),
            "halo": FixedClient(self.halo),
        }

    def sync(self, *, apply: bool = True, messages: list[str] | None = None) -> RunResult:
        """The daily sync as the command line starts it."""
        progress = messages.append if messages is not None else None
        with self.held_open():
            return run_daily_sync(
                self.settings, apply=apply, instance=self.instance, resources=self.resources, progress=progress
            )

    def approve_all(self, plan_id: str) -> None:
        """A person approves all that waits in a plan."""
        policy, mappings = self.settings.policy, load_mappings(self.settings.mappings_path).fingerprint
        now = datetime.now(UTC).replace(tzinfo=None)
        record_approval(Warehouse(self.settings.warehouse_path), plan_id, kind="approve", who="Ada", now=now, policy=policy,
              mappings=mappings, scope=Scope())  # fmt: skip

    def job(self, name: str, *, granted: bool = False, **how: Any) -> dg.ExecuteInProcessResult:
        """Any job, with run configuration, tags or partition; without `granted` as the UI starts it."""
        resources = {**self.resources, "permission": Permission(granted)}
        defs = shared_defs(resources=resources, settings=self.settings, seats_only=self.seats_only)
        job = defs.resolve_job_def(name)
        config = {**QUIET, **how.pop("run_config", {})}
        with self.held_open():
            return job.execute_in_process(instance=self.instance, run_config=config, raise_on_error=False, **how)

    def named(self, plan_id: str | None, /, **other: Any) -> dict[str, Any]:
        """The configuration with which a person has a stored plan written from the UI."""
        assert plan_id is not None
        with Warehouse(self.settings.warehouse_path).connect() as connection:
            checksum = load_plan(connection, plan_id).checksum
        return writes({"apply": True, "plan_id": plan_id, "checksum": checksum, **other})

    @contextmanager
    def held_open(self) -> Iterator[None]:
        """One connection for the time of a run: it spares each step the opening of the file, a third of the run.

        Tables that this process built before from the same input are copies (see `built_tables`).
        """
        with (
            Warehouse(self.settings.warehouse_path).connect() as connection,
            patch.object(build, "build", build_one),
            patch.object(runs, "build_defs", partial(shared_defs, seats_only=self.seats_only)),
        ):
            connection.execute("SET threads = 1")  # the quickest for a few rows
            yield

    def made(self, run_id: str) -> dict[str, dict[str, Any]]:
        """What a run materialized, in order: metadata by asset."""
        records = self.instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
        found: dict[str, dict[str, Any]] = {}
        for record in records:
            event = record.event_log_entry.asset_materialization
            assert event is not None
            found[event.asset_key.to_user_string()] = {k: v.value for k, v in event.metadata.items()}
        return found


class _InUse:
    """Stands in for the resource of the run that is under way."""

    def __init__(self) -> None:
        self._now: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._now, name)


_SHARED: dict[tuple[str, ...], tuple[dg.Definitions, dict[str, _InUse]]] = {}


def shared_defs(*, resources: dict[str, Any], settings: Settings, seats_only: bool = False) -> dg.Definitions:
    """Do what `build_defs` does; runs whose jobs are the same share them, one run after the other.

    Making the jobs, and Dagster's description of them, takes a fifth of a run.
    """
    key = (repr(code_location_settings(settings)), str(seats_only), *sorted(resources))
    if key not in _SHARED:
        places = {name: _InUse() for name in resources}
        with patch.object(jobs, "jobs", _seat_jobs) if seats_only else nullcontext():
            _SHARED[key] = build_defs(resources=dict(places), settings=settings), places
    defs, places = _SHARED[key]
    for name, place in places.items():
        place._now = resources[name]
    return defs


_ALL_JOBS = jobs.jobs


def _seat_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """All jobs, the daily one and the apply of a plan without what seats do not need."""
    narrow = {jobs.DAILY: SEATS, jobs.APPLY: ("billing.writes", "billing.ledger")}
    made = [_job_of(name, tables) for name, tables in narrow.items()]
    return [*made, *(job for job in _ALL_JOBS() if job.name not in narrow)]


def _job_of(name: str, tables: Sequence[str]) -> dg.UnresolvedAssetJobDefinition:
    selection = dg.AssetSelection.assets(*(asset_key(table) for table in tables))
    return dg.define_asset_job(name, selection=selection, executor_def=dg.in_process_executor)


def writes(config: dict[str, Any]) -> dict[str, Any]:
    """The run's configuration with this one of billing__writes."""
    return {"ops": {"billing__writes": {"config": config}}}


def out_of_step(folder: Path, *, seats_only: bool = False, **env: str) -> PipelineHarness:
    """Pax8 has 25 seats where Halo bills 20."""
    pax8 = Pax8InMemory(subscription_rows=[subscription(quantity=25)])
    return PipelineHarness(folder, pax8, env=env, seats_only=seats_only)


@dataclass(frozen=True)
class FinishedRun:
    """A run of the daily sync that is over. Tests that share it only ask what came of it."""

    harness: PipelineHarness
    result: RunResult
    messages: list[str]

    def made(self, asset: str) -> dict[str, Any]:
        """The metadata of an asset that it materialized."""
        return self.harness.made(self.result.run_id)[asset]


@cache
def finished_run(mode: str) -> FinishedRun:
    """A run on `out_of_step` in this write mode, `dry_run` or `apply`; made once in a process."""
    folder = tempfile.TemporaryDirectory(prefix="run-")
    atexit.register(folder.cleanup)
    harness = out_of_step(Path(folder.name) / "data", HALO_WRITE_MODE=mode)
    messages: list[str] = []
    return FinishedRun(harness, harness.sync(messages=messages), messages)


def planned(folder: Path) -> tuple[PipelineHarness, str]:
    """A copy of `out_of_step` after a dry run, ready to write; the id of its plan. It has a history of its own."""
    return _copy("dry_run", folder)


def written(folder: Path) -> tuple[PipelineHarness, str]:
    """A copy of `out_of_step` after a run that wrote; the id of its plan. It has a history of its own."""
    return _copy("apply", folder)


def _copy(mode: str, folder: Path) -> tuple[PipelineHarness, str]:
    run = finished_run(mode)
    harness, result = run.harness, run.result
    assert (result.success, result.applied) == (True, {"verified": 1} if mode == "apply" else {})
    shutil.copytree(harness.folder, folder, dirs_exist_ok=True)
    assert result.plan_id is not None
    return PipelineHarness(folder, copy.deepcopy(harness.pax8), copy.deepcopy(harness.halo)), result.plan_id


def harness_of(folder: Path, subscriptions: int) -> PipelineHarness:
    """A client with so many subscriptions in step, for runs of seats only."""
    ids = range(subscriptions)
    licences = [licence(id=5000 + n, snowid=f"s{n}") for n in ids]
    links = [[{"id": n, "licence_id": 5000 + n, "qty_free": 0, "minimum_qty": 0}] for n in ids]
    lines = [line(id=6000 + n, quantity_subscriptions=links[n]) for n in ids]
    pax8 = Pax8InMemory(subscription_rows=[subscription(id=f"s{n}") for n in ids])
    halo = HaloInMemory(licence_rows=licences, recurring_rows=[invoice(lines)])
    return PipelineHarness(folder, pax8, halo, seats_only=True)
