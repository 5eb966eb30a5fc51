"""One night without Dagster: the functions that the assets call, in the assets' order, in one process.

For tests that need many nights, or a process of their own to kill. Real are the clients over HTTP, raw, SQL, plan,
approval, lock, ledger and apply. Left out are Dagster, the asset checks, the report, the backup and
Pax8's drafts, and usage unless asked for.
Saved up: a table that this process built before from the same input is a copy (see `built_tables`), and nobody sits
through the waits between two tries (see `no_waiting`).

    python -m pax8_pipeline_tests.support.nightly --data DIR [--apply-only | --plan-only]

takes vendors, date and write mode from the environment, as `pax8-pipeline run` does.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pax8_pipeline.billing.applying.apply import Applier, ApplyResult
from pax8_pipeline.billing.applying.lock import writer_lock
from pax8_pipeline.billing.approvals import writable
from pax8_pipeline.billing.ledger.documents import watched_since
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.ledger.recovery import open_since
from pax8_pipeline.billing.model import Plan
from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.billing.planning.planner import latest_plan_id, load_plan, make_plan
from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.extract import halo_lists as halo_loading
from pax8_pipeline.extract import pax8_lists as pax8_loading
from pax8_pipeline.extract import usage_lines
from pax8_pipeline.extract import usage_summaries as usage_loading
from pax8_pipeline.extract.completeness import check_shrink
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.sandbox.world.scenario import ScriptedDay
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.built_tables import build_all
from pax8_pipeline_tests.support.no_waiting import without_waiting
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse

PAX8_LISTS = ("companies", "products", "subscriptions", "invoices")
HALO_LISTS = ("clients", "items", "licences", "recurring_invoices")
OPEN = ("claimed", "sent", "unknown")

Step = Callable[[str], None]


def _no_step(name: str) -> None:
    """Between two statements of apply nothing happens."""


@dataclass
class Night:
    """One run: its settings, its id, its connections."""

    settings: Settings
    run_id: str
    warehouse: Warehouse
    pax8: Pax8Client
    halo: HaloClient

    def read(self) -> None:
        """Read both vendors' lists and keep them in raw, judged as the assets judge them."""
        for name in PAX8_LISTS:
            self._keep(pax8_loading.read_list(self.pax8, name))
        for name in HALO_LISTS:
            self._keep(halo_loading.read_list(self.halo, name))
        mappings, now = load_mappings(self.settings.mappings_path), _utc_now()
        with self.warehouse.connect() as connection:
            most = self.settings.policy.matching.client_detail_reads
            wanted = halo_loading.details_to_read(connection, mappings, now, most)
        if wanted:
            self._keep(halo_loading.read_details(self.halo, wanted))
        self._keep(halo_loading.read_integration(self.halo))

    def read_usage(self, probe_days: int = 1) -> None:
        """Read what usage is billed from: invoice items, summaries, last totals, and Halo's ordinary invoices."""
        today, month = self.settings.today, usage_loading.month_of(self.settings.today)
        with self.warehouse.connect() as connection:
            invoices = [w.invoice_id for w in pax8_loading.invoices_to_read(connection, today)]
        for read in pax8_loading.read_invoice_items(self.pax8, invoices):
            self._keep(read)
        with self.warehouse.connect() as connection:
            asked = usage_loading.subscriptions_to_ask(connection, today, _utc_now(), probe_days)
        self._keep(usage_loading.read_summaries(self.pax8, asked, month)[0])
        with self.warehouse.connect() as connection:
            questions = [
                usage_lines.month_before(connection, today),
                (month, usage_lines.running_month(connection, today)),
            ]
        for name, asks in questions:
            lines, answered = usage_lines.read_lines(self.pax8, asks, name)
            self._keep(lines)
            usage_lines.record(self.warehouse, name, answered, today, _utc_now())
        with self.warehouse.connect() as connection:
            since = open_since(connection)
            watched = watched_since(connection, today, self.settings.policy.usage.watch_days)
        days_back = self.settings.policy.month.bill_days
        self._keep(halo_loading.read_invoices(self.halo, today, since, watched, days_back))

    def _keep(self, read: snapshots.Read) -> None:
        snapshots.store(self.warehouse, [check_shrink(self.warehouse, read, self.run_id, self.settings)], self.run_id)

    def plan(self) -> Plan:
        """Type, reconcile, settle what earlier runs left open, and plan."""
        settings = self.settings
        with self.warehouse.connect():
            build.load_mapping_tables(self.warehouse, load_mappings(settings.mappings_path))
            values = build.variables(settings.today, settings.policy)
            build_all(self.warehouse, (*build.STAGING, *build.RECONCILED), values)
            Ledger(self.warehouse, self.run_id).settle(settings.policy.unknown_wait)
            native, _ = halo_loading.native_state(self.warehouse, self.run_id)
            fingerprint = load_mappings(settings.mappings_path).fingerprint
            return make_plan(
                self.warehouse,
                PlanContext(
                    self.run_id, settings.today, _utc_now(), settings.policy, fingerprint, settings.write_mode, native
                ),
            )

    def write(self, head: Plan, *, step: Step = _no_step) -> ApplyResult | None:
        """Write what may be written of a plan, as the sink does; None when it may not be written at all."""
        if self.settings.write_mode != "apply" or not head.complete:
            return None
        if self.settings.policy.native_integration == "refuse" and (
            halo_loading.ask_integration(self.halo).state != "off"
        ):
            return None
        with writer_lock(self.settings.data / "writer.lock"):
            with self.warehouse.connect() as connection:
                may = writable(connection, head, self.settings.policy, applied_by_person=False, now=_utc_now())
                licence_calls = snapshots.calls_of(connection, "halo.licences")
            if may.held and not may.changes:
                return None
            ledger = Ledger(self.warehouse, self.run_id)
            fallback = self.settings.policy.halo.line_fallback
            applier = Applier(
                self.halo, self.pax8, ledger, self.settings.today, acknowledged=may.acknowledged,
                line_fallback=fallback, licence_calls=licence_calls, step=step,
            )  # fmt: skip
            return applier.apply(head, may.changes)

    def newest_plan(self) -> Plan:
        """The plan that an earlier run made."""
        with self.warehouse.connect() as connection:
            plan_id = latest_plan_id(connection)
            if plan_id is None:
                raise PipelineError("there is no plan to apply")
            return load_plan(connection, plan_id)


@contextmanager
def started(environment: Mapping[str, str]) -> Iterator[Night]:
    """Begin a run on the data folder and the vendors that `environment` names."""
    settings = load_settings(environment)
    warehouse = Warehouse(settings.warehouse_path)
    if not settings.warehouse_path.exists():
        empty_warehouse(settings.warehouse_path)
    with ExitStack() as stack:
        stack.enter_context(without_waiting())
        pax8 = stack.enter_context(closing(Pax8Client(pax8_config(settings))))
        halo = stack.enter_context(closing(HaloClient(halo_config(settings))))
        yield Night(settings, uuid.uuid4().hex, warehouse, pax8, halo)


def night(
    at: Operator, *, apply: bool = True, usage: bool = False, step: Step = _no_step
) -> tuple[Plan, ApplyResult | None]:
    """Play one whole night of the desk's world today; without `apply` it ends with the plan, with `usage` it bills it."""
    # Nobody else opens the file meanwhile, unless a step of the test does: opening it takes a quarter of a night.
    warehouse = Warehouse(at.folder / "warehouse.duckdb")
    if not warehouse.path.exists():
        empty_warehouse(warehouse.path)
    with warehouse.connect() if step is _no_step else nullcontext():
        return whole_night(at.environment(), apply=apply, usage=usage, step=step)


def whole_night(
    environment: Mapping[str, str], *, apply: bool = True, usage: bool = False, step: Step = _no_step
) -> tuple[Plan, ApplyResult | None]:
    """The same for the data folder and the vendors that `environment` names."""
    with started(environment) as run:
        # The assets open and close the file at every step; what rests on that is the write, which does so here too.
        with run.warehouse.connect():
            run.read()
            if usage:
                run.read_usage()
            head = run.plan()
        return head, run.write(head, step=step) if apply else None


def apply_newest(environment: Mapping[str, str], *, step: Step = _no_step) -> ApplyResult | None:
    """Apply the plan that an earlier run made, and nothing else."""
    with started(environment) as run:
        return run.write(run.newest_plan(), step=step)


def rows(at: Operator, query: str, *values: object) -> list[dict[str, Any]]:
    """Ask the desk's warehouse."""
    with Warehouse(at.folder / "warehouse.duckdb").connect() as connection:
        return snapshots.dicts(connection.execute(query, list(values)))


def open_entries(at: Operator) -> int:
    """How many writes of the ledger nobody knows the end of."""
    found = rows(at, f"SELECT count(*) AS n FROM billing.ledger_state WHERE state IN {OPEN}")
    return int(found[0]["n"])


def later(at: Operator, hours: int = 7) -> None:
    """Let hours pass for the desk: what its ledger and its reads remember is that much longer ago."""
    past = f"INTERVAL {hours} HOUR"
    with Warehouse(at.folder / "warehouse.duckdb").transaction() as connection:
        connection.execute(f"UPDATE meta.snapshots SET loaded_at = loaded_at - {past}")
        connection.execute(f"UPDATE billing.ledger SET recorded_at = recorded_at - {past}")
        connection.execute(
            f"UPDATE billing.ledger SET before_state = to_json({{'not_shown': "
            f"((before_state->>'$.not_shown')::TIMESTAMP - {past})::VARCHAR}}) WHERE before_state->>'$.not_shown' IS NOT NULL"
        )


def small_story() -> World:
    """A small world on whose last day one event of each kind happens."""
    world = World(8, TODAY, companies=45, subscriptions=200)
    ScriptedDay(world, random.Random("small story")).play()
    return world


@dataclass(frozen=True)
class PlannedWorld:
    """A world and a data folder as they stand once the plan is made and nothing is written: the start of many nights.

    Each `desk` is a copy of both with a server of its own, so that no round can see another.
    """

    world: str
    folder: Path

    @classmethod
    def make(cls, world: World, folder: Path, policy: str = "", *, usage: bool = False) -> PlannedWorld:
        """Read and plan once, by a whole night without its last part."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "policy.yaml").write_text(policy, encoding="utf-8")
        with desk(folder, world) as at:
            night(at, apply=False, usage=usage)
        return cls(jsontext.dumps(world.to_json()), folder)

    @contextmanager
    def desk(self, folder: Path) -> Iterator[Operator]:
        """A copy to write to, below `folder`."""
        shutil.copytree(self.folder, folder)
        with desk(folder, World.from_json(jsontext.loads(self.world))) as at:
            yield at


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def main() -> None:
    """The command line; prints the plan's id and what became of its writes."""
    parser = argparse.ArgumentParser(description="One night without Dagster")
    parser.add_argument("--data", type=Path, help="the data folder (default: PAX8_PIPELINE_DATA)")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--apply-only", action="store_true", help="apply the newest plan, read and plan nothing")
    part.add_argument("--plan-only", action="store_true", help="read and plan, write nothing")
    chosen = parser.parse_args()
    environment = dict(os.environ)
    if chosen.data:
        environment["PAX8_PIPELINE_DATA"] = str(chosen.data)
    if chosen.apply_only:
        print(f"writes: {_describe(apply_newest(environment))}")
        return
    head, outcome = whole_night(environment, apply=not chosen.plan_only)
    print(f"plan {head.plan_id}: {head.rows_safe} safe, {head.rows_waiting} waiting, {head.rows_blocked} blocked")
    print(f"writes: {_describe(outcome)}")


def _describe(outcome: ApplyResult | None) -> str:
    if outcome is None:
        return "none asked for, or none allowed"
    return ", ".join(f"{count} {state}" for state, count in sorted(outcome.states.items())) or "nothing to write"


if __name__ == "__main__":
    main()
