"""A company that Halo does not know and its one subscription: the world, the person, and what is right afterwards.

For tests of new clients, licences and lines (docs/architecture.md#write-new).
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

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
from pax8_pipeline_tests.support.nightly import PlannedWorld, later, night, open_entries, rows, started
from pax8_pipeline_tests.support.operator import TODAY, Operator

POLICY = "new_subscriptions: {propose: licences_and_lines, clients: propose}\n"
PLAN = "SELECT * FROM billing.plan WHERE plan_id = ? AND verdict LIKE 'new_%' ORDER BY action"
# The plans that made something, the newest first: an undo goes back the same way.
_MADE_BY = """
SELECT plan_id, max(entry) AS newest FROM billing.ledger_state
WHERE state = 'verified' AND action IN ('create_licence', 'create_line') GROUP BY plan_id ORDER BY newest DESC"""


@dataclass(frozen=True)
class NewCompany:
    """A company that Halo does not know, and its one subscription."""

    company_id: str
    subscription_id: str


def world_with_a_new_company() -> tuple[World, NewCompany]:
    """Return a small world in which a company that Halo does not know has bought something."""
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
    """Return the paths of all writes that Halo accepted."""
    return [write["path"] for write in world.halo.writes]


def made(at: Operator, new: NewCompany) -> dict[str, Any]:
    """What is in Halo of the new subscription, and how often each write was accepted."""
    world = at.sandbox.world
    return {
        "problems": new_things.problems(world.pax8, world.halo, world.links, new.subscription_id),
        "writes": Counter(posts(world)),
        "violations": world.halo.violations,
    }


RIGHT = {"problems": [], "writes": {"/SoftwareLicence": 1, "/RecurringInvoice/Lines": 1}, "violations": []}


def clients_made(at: Operator, new: NewCompany) -> tuple[int, int]:
    """Return how many clients Halo has for the company, and how often one was sent."""
    world = at.sandbox.world
    return len(new_things.clients_of(world.halo, new.company_id)), posts(world).count("/Client")


def until_made(at: Operator, so: Callable[[], bool]) -> None:
    """Play nights with hours between them, until nothing is open and what is made is as `so` wants it."""
    for _ in range(5):
        _, result = night(at)
        assert result is not None
        if so() and open_entries(at) == 0:
            return
        later(at)
    raise AssertionError("it did not settle")


def billed_in_the_next_period(world: World, invoice: int) -> None:
    """Halo makes the invoice of the next period, and the new line is on it once."""
    today = world.today
    world.clock.set(date(2026, 9, 1))
    nightly(world.halo)
    world.clock.set(today)
    (document,) = [row for row in world.halo.invoices.values() if row["recurring_invoice_id"] == invoice]
    billed = [line for line in document["lines"] if line["item_shortdescription"] == "Keyring Business Vault"]
    assert [(line["qty_order"], line["unit_price"]) for line in billed] == [(11, Decimal("7.35"))]


def undone(at: Operator, new: NewCompany) -> None:
    """An undo switches off what was made, deletes nothing, and no later night makes it again."""
    world = at.sandbox.world
    for made_by in rows(at, _MADE_BY):
        _undo(at, made_by["plan_id"])
    (licence,) = new_things.licences_of(world.halo, new.subscription_id)
    (line,) = new_things.lines_of(world.halo, licence["id"])
    assert (licence["count"], licence["is_active"], line["isinactive"]) == (0, False, True)
    sent = len(posts(world))
    head, result = night(at)
    assert result is not None
    assert (result.states, len(posts(world))) == ({}, sent)
    assert not [p for p in proposals(at, head.plan_id).values() if p[0] == "needs_approval"]


def _undo(at: Operator, plan_id: str) -> None:
    with started(at.environment()) as run:
        context = PlanContext(
            run.run_id, run.settings.today, datetime.now(UTC).replace(tzinfo=None), run.settings.policy,
            load_mappings(run.settings.mappings_path).fingerprint, run.settings.write_mode, "off",
        )  # fmt: skip
        head = make_rollback(run.warehouse, plan_id, run.halo, context)
        approve(at)
        result = run.write(head)
    assert result is not None
    assert (result.problems, set(result.states)) == ([], {"verified"})


def approved_client(folder: Path) -> tuple[PlannedWorld, NewCompany]:
    """Return a plan with a client for the new company, approved and not written."""
    world, new = world_with_a_new_company()
    return _approved(world, folder, 1), new


def approved_licence_and_line(folder: Path) -> tuple[PlannedWorld, NewCompany]:
    """Return a plan with a licence and a line for the new company, approved and not written; it has a client."""
    world, new = world_with_a_new_company()
    world.halo.add_client(
        name="Harbour Lane Print",
        currencyisocode="USD",
        customfields=[{"name": new_things.FIELD, "value": new.company_id}],
    )
    a_person_makes_the_recurring_invoice(world, new)
    return _approved(world, folder, 2), new


def _approved(world: World, folder: Path, waiting: int) -> PlannedWorld:
    planned, copy = PlannedWorld.make(world, folder, POLICY), folder.with_name(f"{folder.name}-approved")
    with planned.desk(copy) as at:
        assert approve(at) == waiting
    shutil.rmtree(folder)
    shutil.move(copy, folder)
    return planned
