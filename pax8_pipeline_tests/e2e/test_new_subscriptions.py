"""A new company with a new subscription, from the proposal to the bill and back, night by night over HTTP.

Real: HTTP to the sandbox, the DuckDB file, plan, approval, ledger and apply, and for the kills the processes and
SIGKILL. Left out: Dagster (`support/nightly.py`).
"""

from __future__ import annotations

import random
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.approvals import Scope, record_approval
from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.billing.planning.planner import latest_plan_id
from pax8_pipeline.billing.rollback import make_rollback
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.sandbox.halo.nightly import nightly
from pax8_pipeline.sandbox.oracle import new_things
from pax8_pipeline.sandbox.world.generate_pax8 import make_company
from pax8_pipeline.sandbox.world.recorder import EventRecorder
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.crashes import CrashInjector, apply_under
from pax8_pipeline_tests.support.nightly import PlannedWorld, apply_newest, later, night, open_entries, rows, started
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk

POLICY = "new_subscriptions: {propose: licences_and_lines, clients: propose}\n"
PLAN = "SELECT * FROM billing.plan WHERE plan_id = ? AND verdict LIKE 'new_%' ORDER BY action"
KILLS = 40 if WHOLE else 2


@dataclass(frozen=True)
class NewCompany:
    """A company that Halo does not know, and its one subscription."""

    company_id: str
    subscription_id: str


def world_with_a_new_company() -> tuple[World, NewCompany]:
    world = World(8, TODAY, companies=6, subscriptions=24)
    world.halo.define_custom_field("client", new_things.FIELD)
    recorder = EventRecorder(world, random.Random("new company"))
    company = make_company(recorder.rng, "Harbour Lane Print", world.today)
    company["externalId"] = None
    world.pax8.add_company(company)
    bought = recorder.buy(company["id"], "Keyring Business Vault", quantity=11, price=Decimal("7.35"), days_ago=8)
    return world, NewCompany(company["id"], bought["id"])


def a_person_makes_the_recurring_invoice(world: World, new: NewCompany) -> int:
    """The client has what the policy looks at: a monthly recurring invoice for Pax8, with a line of somebody's."""
    client_id = new_things.adopt_client(world.halo, world.links, new.company_id)
    world.halo.clients[client_id]["currencyisocode"] = "USD"
    line = {"item_shortdescription": "Support", "qty_order": Decimal(1), "unit_price": Decimal(90)}
    number = world.halo.add_recurring_invoice(
        lines=[line], client_id=client_id, reference="Cloud", period=2, nextcreationdate="2026-09-01T00:00:00"
    )
    world.halo.clients[client_id]["pax8monthlyinvoice"] = number
    return number


def approve(at: Operator) -> int:
    """A person approves all that waits in the newest plan."""
    settings, warehouse = load_settings(at.environment()), Warehouse(at.folder / "warehouse.duckdb")
    with warehouse.connect() as connection:
        plan_id = latest_plan_id(connection) or ""
    mappings = load_mappings(settings.mappings_path).fingerprint
    now = datetime.now(UTC).replace(tzinfo=None)
    approval = record_approval(
        warehouse, plan_id, kind="approve", who="Ada", now=now, policy=settings.policy, mappings=mappings, scope=Scope()
    )
    return approval.rows


def proposals(at: Operator, plan_id: str) -> dict[str, tuple[str, str]]:
    """Class and reason by action."""
    return {row["action"]: (row["class"], row["reason"]) for row in rows(at, PLAN, plan_id)}


def posts(world: World) -> list[str]:
    return [write["path"] for write in world.halo.writes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("new")
    (found / "policy.yaml").write_text(POLICY, encoding="utf-8")
    yield found
    shutil.rmtree(found, ignore_errors=True)


def test_a_new_client_is_proposed_approved_made_once_billed_and_undone(folder: Path) -> None:
    world, new = world_with_a_new_company()
    with desk(folder, world) as at:
        # Proposed, and not made by itself although every client is trusted.
        head, result = night(at)
        assert proposals(at, head.plan_id) == {"create_client": ("needs_approval", "new_client")}
        assert (result is not None and result.states, new_things.clients_of(world.halo, new.company_id)) == ({}, [])

        # Approved, made by the next night, known by its id in the one after.
        assert approve(at) == 1
        _, result = night(at)
        assert result is not None
        assert (result.problems, result.states) == ([], {"verified": 1})
        invoice = a_person_makes_the_recurring_invoice(world, new)
        before = [dict(line) for line in world.halo.recurring_invoices[invoice]["lines"]]
        head, _ = night(at)
        assert proposals(at, head.plan_id) == {
            "create_licence": ("needs_approval", "new_licence"),
            "create_line": ("needs_approval", "new_line"),
        }
        (line,) = [row for row in rows(at, PLAN, head.plan_id) if row["action"] == "create_line"]
        assert (line["money_per_month"], line["recurring_invoice_id"]) == (Decimal("80.85"), invoice)
        losses = rows(
            at, "SELECT money FROM billing.findings WHERE subscription_id = ? AND still_open", new.subscription_id
        )
        assert [row["money"] for row in losses] == [Decimal("80.85")]

        # One approval covers both; the licence is made first.
        assert approve(at) == 2
        made, result = night(at)
        assert result is not None
        assert (result.problems, result.states) == ([], {"verified": 2})
        assert posts(world)[-3:] == ["/Client", "/SoftwareLicence", "/RecurringInvoice/Lines"]
        assert new_things.problems(world.pax8, world.halo, world.links, new.subscription_id) == []
        assert world.halo.recurring_invoices[invoice]["lines"][:1] == before
        new_things.adopt_line(world.halo, world.links, new.subscription_id)
        head, _ = night(at)
        assert proposals(at, head.plan_id) == {}
        assert at.in_step()
        assert (
            rows(at, "SELECT 1 FROM billing.findings WHERE subscription_id = ? AND still_open", new.subscription_id)
            == []
        )

        billed_in_the_next_period(world, invoice)
        undone(at, world, new, made.plan_id)
        assert not world.halo.violations


def billed_in_the_next_period(world: World, invoice: int) -> None:
    today = world.today
    world.clock.set(date(2026, 9, 1))
    nightly(world.halo)
    world.clock.set(today)
    (document,) = [row for row in world.halo.invoices.values() if row["recurring_invoice_id"] == invoice]
    billed = {line["item_shortdescription"]: (line["qty_order"], line["unit_price"]) for line in document["lines"]}
    assert billed["Keyring Business Vault"] == (11, Decimal("7.35"))


def undone(at: Operator, world: World, new: NewCompany, plan_id: str) -> None:
    """An undo switches off what was made, deletes nothing, and no later night makes it again."""
    with started(at.environment()) as run:
        context = PlanContext(
            run.run_id, run.settings.today, datetime.now(UTC).replace(tzinfo=None), run.settings.policy,
            load_mappings(run.settings.mappings_path).fingerprint, run.settings.write_mode, "off",
        )  # fmt: skip
        head = make_rollback(run.warehouse, plan_id, run.halo, context)
        approve(at)
        result = run.write(head)
        assert result is not None
        assert (result.problems, result.states) == ([], {"verified": 2})
    (licence,) = new_things.licences_of(world.halo, new.subscription_id)
    (line,) = new_things.lines_of(world.halo, licence["id"])
    assert (licence["count"], licence["is_active"], line["isinactive"]) == (0, False, True)
    sent = len(posts(world))
    head, result = night(at)
    assert result is not None
    assert (result.states, len(posts(world))) == ({}, sent)
    assert not [p for p in proposals(at, head.plan_id).values() if p[0] == "needs_approval"]


# Kills -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def approved(folder: Path) -> tuple[PlannedWorld, NewCompany]:
    """A plan with a licence and a line for the new company, approved and not written; its client was made before."""
    world, new = world_with_a_new_company()
    world.halo.add_client(
        name="Harbour Lane Print",
        currencyisocode="USD",
        customfields=[{"name": new_things.FIELD, "value": new.company_id}],
    )
    a_person_makes_the_recurring_invoice(world, new)
    planned = PlannedWorld.make(world, folder / "planned", POLICY)
    with planned.desk(folder / "approval") as at:
        assert approve(at) == 2
    shutil.rmtree(planned.folder)
    shutil.copytree(folder / "approval", planned.folder)
    return planned, new


def made(at: Operator, new: NewCompany) -> dict[str, Any]:
    """What is in Halo of the new subscription, and how often each write was accepted."""
    world = at.sandbox.world
    return {
        "problems": new_things.problems(world.pax8, world.halo, world.links, new.subscription_id),
        "writes": Counter(posts(world)),
        "violations": world.halo.violations,
    }


RIGHT = {"problems": [], "writes": {"/SoftwareLicence": 1, "/RecurringInvoice/Lines": 1}, "violations": []}


@pytest.mark.whole
def test_a_process_killed_at_any_moment_makes_a_client_once(folder: Path) -> None:
    world, new = world_with_a_new_company()
    planned = PlannedWorld.make(world, folder / "client", POLICY)
    with planned.desk(folder / "client approved") as at:
        assert approve(at) == 1
    shutil.rmtree(planned.folder)
    shutil.copytree(folder / "client approved", planned.folder)
    clean = CrashInjector()
    with planned.desk(folder / "client clean") as at:
        assert apply_under(at, clean) == 0
        assert clients_made(at, new) == (1, 1, 0)
    writes = [n for n, name in enumerate(clean.moments) if "POST" in name or "claim" in name]
    for target in random.Random(20260821).sample(writes, min(KILLS // 2, len(writes))):
        with planned.desk(folder / f"client kill {target}") as at:
            assert apply_under(at, CrashInjector(target)) == -signal.SIGKILL
            for _ in range(5):
                night(at)
                if clients_made(at, new) == (1, 1, 0):
                    break
                later(at)
            assert clients_made(at, new) == (1, 1, 0), f"killed at {target}: {clean.moments[target]}"
        shutil.rmtree(folder / f"client kill {target}")


def clients_made(at: Operator, new: NewCompany) -> tuple[int, int, int]:
    """How many clients Halo has for the company, how often one was sent, and how many writes are open."""
    world = at.sandbox.world
    return len(new_things.clients_of(world.halo, new.company_id)), posts(world).count("/Client"), open_entries(at)


def until_settled(at: Operator, new: NewCompany) -> None:
    """Nights with hours between them, until what was open is settled and made."""
    for _ in range(5):
        _, result = night(at)
        assert result is not None
        if made(at, new)["problems"] == [] and open_entries(at) == 0:
            return
        later(at)
    raise AssertionError("it did not settle")


@pytest.mark.whole
def test_a_process_killed_at_any_moment_makes_each_thing_once(
    approved: tuple[PlannedWorld, NewCompany], folder: Path
) -> None:
    planned, new = approved
    clean = CrashInjector()
    with planned.desk(folder / "clean") as at:
        assert apply_under(at, clean) == 0
        assert made(at, new) == RIGHT
    writes = [n for n, name in enumerate(clean.moments) if "POST" in name or "claim" in name]
    for target in random.Random(20260820).sample(writes, min(KILLS, len(writes))):
        injector = CrashInjector(target)
        moment = f"killed at {target}: {clean.moments[target]}"
        with planned.desk(folder / f"kill {target}") as at:
            assert apply_under(at, injector) == -signal.SIGKILL, moment
            until_settled(at, new)
            assert made(at, new) == RIGHT, moment
        shutil.rmtree(folder / f"kill {target}")


# What Halo may do -------------------------------------------------------------------------------------------------

# How Halo answers, what becomes of licence and line, and whether the new things are right afterwards.
ANSWERS: list[tuple[dict[str, Any], dict[str, int], bool]] = [
    ({"post_reply": "envelope", "post_status": 200}, {"verified": 2}, True),
    ({"post_reply": "array", "zoned_times": True, "page_cap": 2}, {"verified": 2}, True),
    ({"lines_call_supported": 404}, {"verified": 1, "failed": 1}, False),
    ({"lines_call_replaces": True}, {"verified": 1, "failed": 1}, True),
    ({"ignored_writes": ["SoftwareLicence"]}, {"unknown": 1, "skipped": 1}, False),
    ({"licence_ids": "vendor"}, {"verified": 2}, True),
]


@pytest.mark.parametrize(("switches", "states", "right"), ANSWERS)
def test_whatever_halo_answers_nothing_is_made_twice_and_a_loss_stops_the_apply(
    switches: dict[str, Any],
    states: dict[str, int],
    right: bool,
    approved: tuple[PlannedWorld, NewCompany],
    folder: Path,
) -> None:
    planned, new = approved
    place = folder / "-".join(switches)
    with planned.desk(place) as at:
        at.sandbox.world.halo.switches.change(switches)
        result = apply_newest(at.environment())
        assert result is not None
        assert result.states == states
        found = made(at, new)
        assert (found["problems"] == []) == right
        assert max(found["writes"].values(), default=0) <= 1
        stopped = any("stopped" in problem for problem in result.problems)
        assert stopped == bool({"lines_call_replaces", "ignored_writes"} & switches.keys())
    shutil.rmtree(place)
