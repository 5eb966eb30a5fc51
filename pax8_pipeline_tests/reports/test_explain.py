"""`explain` tells the whole story of an id in the order of time, and owns up to what it does not know."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.approvals import Scope, record_approval
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Entry
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.explain import history as stories
from pax8_pipeline.reports.explain.events import History
from pax8_pipeline.reports.explain.history import explain
from pax8_pipeline.reports.explain.text import history_lines
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.billing import WAIT
from pax8_pipeline_tests.support.plans import safe_changes
from pax8_pipeline_tests.support.vendor_data import (
    SUB,
    TODAY,
    VendorData,
    invoice,
    licence,
    line,
    plan_context,
    subscription,
)
from pax8_pipeline_tests.support.warehouse_files import copy_of, release

POLICY = Policy.model_validate({"trust": {"default": "approve"}})
NOW = datetime(2026, 8, 20, 9)
DAY = datetime.combine(TODAY, datetime.min.time())


def read_on(folder: Path, run_id: str, at: datetime, **vendor_data: Any) -> Warehouse:
    """Load vendor data as if the run had read them at `at`: stories are about time, and tests do not wait."""
    warehouse = VendorData(**vendor_data).load(folder, run_id=run_id)
    with warehouse.transaction() as connection:
        connection.execute("UPDATE meta.snapshots SET loaded_at = ? WHERE run_id = ?", [at, run_id])
    return warehouse


def lived(folder: Path) -> tuple[Warehouse, str]:
    """Ada's approval, a write whose answer was lost, and the next run that found out: a life in three days. Returns a
    copy of that warehouse and the id of its first plan.
    """
    warehouse = copy_of(_lived, folder)
    with warehouse.connect() as connection:
        first = connection.execute("SELECT plan_id FROM billing.plans ORDER BY made_at LIMIT 1").fetchall()
    return warehouse, str(first[0][0])


def _lived(folder: Path) -> Warehouse:
    read_on(folder, "run-0", DAY - timedelta(days=1))
    warehouse = read_on(folder, "run-1", DAY + timedelta(hours=5), subscriptions=[subscription(quantity=25)])
    plan = plans.make_plan(warehouse, plan_context(policy=POLICY))
    record_approval(
        warehouse, plan.plan_id, kind="approve", who="Ada", now=NOW, policy=POLICY, mappings="mappings", scope=Scope()
    )
    with warehouse.connect() as connection:
        (change,) = plans.all_changes(connection, plan.plan_id)
    ledger = Ledger(warehouse, "run-1")
    ledger.record(plan.plan_id, [Entry(change, "claimed", "about to write: 20 -> 25", '{"licence": {"count": 20}}')])
    ledger.record(plan.plan_id, [Entry(change, "unknown", "Halo answered 502; not read back")])
    after = {"subscriptions": [subscription(quantity=25)], "licences": [licence(count=25)]}
    read_on(folder, "run-2", DAY + timedelta(days=1), **after)
    Ledger(warehouse, "run-2").settle(WAIT)
    plans.make_plan(warehouse, plan_context(policy=POLICY, run_id="run-2"))
    with warehouse.transaction() as connection:
        connection.execute("UPDATE billing.ledger SET recorded_at = ? + to_hours(entry::INTEGER)", [NOW])
    return warehouse


def tell(warehouse: Warehouse, wanted: str, kind: str | None = None) -> list[History]:
    release()
    with warehouse.connect(read_only=True) as connection:
        return explain(connection, wanted, kind)


def one(warehouse: Warehouse, wanted: str, kind: str | None = None) -> History:
    (story,) = tell(warehouse, wanted, kind)
    return story


def test_the_story_goes_from_what_pax8_said_to_how_it_was_settled_in_the_order_of_time(tmp_path: Path) -> None:
    warehouse, plan_id = lived(tmp_path)
    story = one(warehouse, SUB)
    assert [e.at for e in story.events] == sorted(e.at for e in story.events)
    shown = [(e.source, e.text) for e in story.events]
    wanted = [
        ("Pax8", "status Active, quantity 20, price 22"),
        ("Halo", "licence 4127: name Suite, client 231, count 20"),
        ("Halo", "line 24967: name Suite"),
        ("Pax8", "quantity 20 -> 25"),
        ("plan", "increase (needs_approval, rule trust_approve)"),
        ("approval", "Ada approved what waits in this plan"),
        ("ledger", "entry 1: claimed"),
        ("ledger", "Halo answered 502"),
        ("ledger", "entry 3: verified (found out by reading, in a later run)"),
        ("Halo", "count 20 -> 25"),
    ]
    places = [next((n for n, (s, t) in enumerate(shown) if s == source and words in t), -1) for source, words in wanted]
    assert -1 not in places, [w for w, p in zip(wanted, places, strict=True) if p < 0]
    assert places == sorted(places)
    assert plan_id in {e.plan_id for e in story.events}


def test_a_plan_is_told_with_rule_evidence_checksum_and_the_policy_and_mappings_it_was_made_under(
    tmp_path: Path,
) -> None:
    warehouse, plan_id = lived(tmp_path)
    event = next(e for e in one(warehouse, SUB).events if e.plan_id == plan_id and e.source == "plan")
    with warehouse.connect() as connection:
        checksum = plans.load_plan(connection, plan_id).checksum
    assert event.facts["checksum"] == checksum
    assert event.facts["policy_fingerprint"] == POLICY.fingerprint
    assert event.facts["evidence"]["quantity"] == "25"
    for words in ("evidence: status Active", checksum[:16], f"policy {POLICY.fingerprint}", "+110.00 USD a month"):
        assert words in event.text


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [(SUB.upper(), "subscription"), ("4127", "licence"), ("24967", "line"), ("-94", "invoice"), ("3", "entry")],
)
def test_every_kind_of_id_leads_to_the_write(wanted: str, kind: str, tmp_path: Path) -> None:
    warehouse, _ = lived(tmp_path)
    story = one(warehouse, wanted)
    assert story.kind == kind
    assert [e.facts["state"] for e in story.events if e.source == "ledger"] == ["claimed", "unknown", "verified"]
    assert [e.source for e in story.events].count("approval") == 1
    assert any("quantity 20 -> 25" in e.text for e in story.events if e.source == "Pax8")


def test_a_plan_and_a_row_of_it_are_told_from_their_ids(tmp_path: Path) -> None:
    warehouse, plan_id = lived(tmp_path)
    whole = one(warehouse, plan_id.upper())
    assert whole.kind == "plan"
    assert "1 row compared, 0 changes, 1 waiting" in whole.events[0].text
    assert [e.source for e in whole.events] == ["plan", "plan", "approval", "ledger", "ledger", "ledger"]
    row = one(warehouse, f"{plan_id}/{SUB}")
    assert row.kind == "row"
    assert {e.plan_id for e in row.events if e.source == "plan"} == {plan_id}


def test_a_number_that_fits_several_kinds_gives_all_stories_and_kind_chooses(tmp_path: Path) -> None:
    vendor_data = {
        "licences": [licence(id=1)],
        "recurring": [invoice([line(id=1, quantity_subscriptions=[{"licence_id": 1}])])],
    }
    warehouse = read_on(tmp_path, "run-1", DAY, subscriptions=[subscription(quantity=25)], **vendor_data)
    plan = plans.make_plan(warehouse, plan_context())
    with warehouse.connect() as connection:
        changes = safe_changes(connection, plan.plan_id)
    Ledger(warehouse, "run-1").record(plan.plan_id, [Entry(c, "claimed") for c in changes])
    assert [s.kind for s in tell(warehouse, "1")] == ["licence", "line", "entry"]
    assert one(warehouse, "1", "line").kind == "line"
    with pytest.raises(
        PipelineError, match="1 is no recurring invoice here; it is a Halo licence and a Halo line and a"
    ):
        tell(warehouse, "1", "invoice")


@pytest.mark.parametrize("wanted", ["nothing", "99999", "-1", str(2**80), ""])
def test_an_unknown_id_is_one_plain_sentence(wanted: str, tmp_path: Path) -> None:
    warehouse = read_on(tmp_path, "run-1", DAY)
    with pytest.raises(PipelineError, match=rf"^nothing has the id or the name {wanted}; `pax8-pipeline plan show"):
        tell(warehouse, wanted)
    with pytest.raises(PipelineError, match=rf"^no Halo licence has the id {wanted}; "):
        tell(warehouse, wanted, "licence")


def test_reads_that_say_the_same_are_told_once_and_plans_too_with_their_number(tmp_path: Path) -> None:
    for day in range(4):
        warehouse = read_on(tmp_path, f"run-{day}", DAY + timedelta(days=day))
        plans.make_plan(warehouse, plan_context(run_id=f"run-{day}"))
    story = one(warehouse, SUB)
    assert [e.source for e in story.events].count("Pax8") == 1
    assert [e.source for e in story.events].count("Halo") == 3  # licence, line, recurring invoice
    (plan,) = [e for e in story.events if e.source == "plan"]
    assert "4 plans in a row said so" in plan.text


def test_a_subscription_that_left_the_list_is_told_as_absent_and_not_as_cancelled(tmp_path: Path) -> None:
    read_on(tmp_path, "run-0", DAY, subscriptions=[])
    read_on(tmp_path, "run-1", DAY + timedelta(days=1))
    read_on(tmp_path, "run-2", DAY + timedelta(days=2), subscriptions=[])
    warehouse = read_on(tmp_path, "run-3", DAY + timedelta(days=3))
    message = [e.text for e in one(warehouse, SUB).events if e.source == "Pax8"]
    assert len(message) == 3  # nothing before it was first listed
    assert "absence is never taken for a cancellation" in message[1]
    assert "status Active" in message[2]


def test_an_incomplete_read_is_no_evidence(tmp_path: Path) -> None:
    warehouse = read_on(tmp_path, "run-1", DAY)
    snapshots.store(warehouse, [snapshots.Read("pax8.subscriptions", [], problem="cut off")], "run-2")
    assert [e.source for e in one(warehouse, SUB).events].count("Pax8") == 1


def test_a_changed_price_status_or_end_date_is_told_with_the_run_that_saw_it(tmp_path: Path) -> None:
    read_on(tmp_path, "run-0", DAY)
    ended = subscription(status="Cancelled", endDate="2026-08-31T00:00:00Z", price=23)
    warehouse = read_on(tmp_path, "run-1", DAY + timedelta(days=1), subscriptions=[ended])
    last = [e for e in one(warehouse, SUB).events if e.source == "Pax8"][-1]
    assert last.run_id == "run-1"
    assert last.at == DAY + timedelta(days=1)
    for words in ("status Active -> Cancelled", "end date none -> 2026-08-31", "price 22 -> 23"):
        assert words in last.text


def test_a_line_switched_off_in_halo_is_told(tmp_path: Path) -> None:
    read_on(tmp_path, "run-0", DAY)
    off = [invoice([line(isinactive=True)])]
    warehouse = read_on(tmp_path, "run-1", DAY + timedelta(days=1), recurring=off)
    assert [e.text for e in one(warehouse, "24967").events if e.source == "Halo"][
        -1
    ] == "line 24967: inactive no -> yes"


def test_an_approval_given_in_an_earlier_plan_is_told_with_the_write_it_carried_over_to(tmp_path: Path) -> None:
    warehouse = read_on(tmp_path, "run-1", DAY, subscriptions=[subscription(quantity=25)])
    first = plans.make_plan(warehouse, plan_context(policy=POLICY))
    record_approval(
        warehouse, first.plan_id, kind="approve", who="Ada", now=NOW, policy=POLICY, mappings="mappings", scope=Scope()
    )
    read_on(tmp_path, "run-2", DAY + timedelta(days=1), subscriptions=[subscription(quantity=25)])
    second = plans.make_plan(warehouse, plan_context(policy=POLICY, run_id="run-2"))
    (shown,) = [e for e in one(warehouse, f"{second.plan_id}/{SUB}").events if e.source == "approval"]
    assert shown.plan_id == first.plan_id
    assert "Ada approved" in shown.text


def test_a_write_left_open_says_so(tmp_path: Path) -> None:
    warehouse = read_on(tmp_path, "run-1", DAY, subscriptions=[subscription(quantity=25)])
    plan = plans.make_plan(warehouse, plan_context())
    with warehouse.connect() as connection:
        changes = safe_changes(connection, plan.plan_id)
    Ledger(warehouse, "run-1").record(plan.plan_id, [Entry(c, "sent") for c in changes])
    assert "still open: the next run settles it by reading" in one(warehouse, SUB).events[-1].text


def test_the_data_has_its_schema_and_money_as_text(tmp_path: Path) -> None:
    warehouse, _ = lived(tmp_path)
    data = json.loads(formatting.to_json(stories.as_data(SUB, tell(warehouse, SUB))))
    assert data["schema"] == "pax8-pipeline/explain/1"
    (found,) = data["found"]
    assert set(found["events"][0]) == {"at", "source", "text", "run_id", "plan_id", "facts"}
    money = [e["facts"]["money_per_month"] for e in found["events"] if e["source"] == "ledger"]
    assert money == ["110"] * 3
    assert found["now"][0]["verdict"] == "in_step"


def test_the_text_begins_with_how_it_stood_when_last_read(tmp_path: Path) -> None:
    warehouse, plan_id = lived(tmp_path)
    lines = list(history_lines(one(warehouse, SUB)))
    assert lines[0] == f"Pax8 subscription {SUB}"
    assert lines[1] == "  Suite, Example (client 231); when last read in_step"
    assert "Halo 25 on licence 4127, line 24967; client known by mapping, line by licence_id" in lines[2]
    assert any(text.startswith(f"2026-08-20 06:00:00  plan      {plan_id}: increase") for text in lines)
