"""The story of usage: a key, a Halo invoice made of it, a usage summary, an item of Pax8's invoice."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from pax8_pipeline.billing.approvals import Scope, record_approval
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Entry
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports.explain.events import History
from pax8_pipeline.reports.explain.history import explain
from pax8_pipeline.reports.explain.text import history_lines
from pax8_pipeline.settings import Policy, Trust, UsagePolicy
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.usage_checks import item, rebuild, summary, usage_warehouse
from pax8_pipeline_tests.support.vendor_data import COMPANY, plan_context
from pax8_pipeline_tests.support.warehouse_files import copy_of, release

POLICY = Policy(usage=UsagePolicy(first_month="2026-07"), trust=Trust(default="approve"))
KEY = f"PAX8-USAGE 2026-07 {COMPANY}"
NOW = datetime(2026, 8, 20, 9)


def halo_invoices(*rows: dict[str, object]) -> snapshots.Read:
    return snapshots.Read("halo.invoices", snapshots.raw_objects("/Invoice", rows))


def made(**changes: object) -> dict[str, object]:
    lines = [{"id": 1, "qty_order": 1, "unit_price": 25.00, "item_longdescription": "Ref: ..."}]
    return {"id": 7001, "client_id": 231, "invoice_date": "2026-08-20T00:00:00", "reference": KEY, "posted": False,
            "voided": False, "lines": lines, **changes}  # fmt: skip


def lived(folder: Path) -> Warehouse:
    """July charged on one invoice, one group of it assigned to nobody; approved by Ada, sent, read back, posted by a person."""
    return copy_of(_lived, folder)


def _lived(folder: Path) -> Warehouse:
    rows = item(id="e4c0b1aa-01"), item(id="e4c0b1aa-02", companyId=None, details="Lab", total=30)
    warehouse = usage_warehouse(folder, *rows, august=[summary()], policy=POLICY, more=[halo_invoices()])
    plan = plans.make_plan(warehouse, plan_context(policy=POLICY))
    record_approval(
        warehouse, plan.plan_id, kind="approve", who="Ada", now=NOW, policy=POLICY, mappings="mappings", scope=Scope()
    )
    with warehouse.connect() as connection:
        (change,) = plans.all_changes(connection, plan.plan_id)
    ledger = Ledger(warehouse, "run-1")
    ledger.record(plan.plan_id, [Entry(change, "claimed", "searched: no invoice has the key", "{}")])
    ledger.record(plan.plan_id, [Entry(change, "verified", "read back as Halo invoice 7001")])
    for run, invoice in (("run-2", made()), ("run-3", made(posted=True))):
        snapshots.store(warehouse, [halo_invoices(invoice)], run)
    rebuild(warehouse, POLICY)
    return warehouse


def one(warehouse: Warehouse, wanted: str, kind: str | None = None) -> History:
    release()
    with warehouse.connect(read_only=True) as connection:
        (story,) = explain(connection, wanted, kind)
    return story


WHOLE = [
    ("Pax8", "invoice i1 of 2026-08-01: status Unpaid"),
    ("Pax8", "item i1/e4c0b1aa-01: Storage (Arrears, from 2026-07-01), Example Dental, group Example Dental: 3 , client total 25, cost 19.5"),
    ("Pax8", "usage summary u1, 2026-08"),
    ("plan", "usage_bill (needs_approval, rule trust_approve)"),
    ("approval", "Ada approved what waits"),
    ("ledger", f"entry 1: claimed: create_invoice on row {KEY}"),
    ("ledger", "read back as Halo invoice 7001"),
    ("Halo", f"invoice 7001: reference {KEY}, client 231"),
    ("Halo", "invoice 7001: posted no -> yes"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "kind"), [(KEY, "usage"), (KEY.lower(), "usage"), ("7001", "halo_invoice")])
def test_a_key_and_the_invoice_made_of_it_tell_everything_from_the_item_to_the_posting(
    wanted: str, kind: str, tmp_path: Path
) -> None:
    story = one(lived(tmp_path), wanted, kind)
    shown = [(e.source, e.text) for e in story.events]
    for source, words in WHOLE:
        assert any(s == source and words in t for s, t in shown), words
    assert not any("e4c0b1aa-02" in t for _, t in shown)  # another group's charge is another story
    assert [row["verdict"] for row in story.now] == ["bill"]


@pytest.mark.parametrize("wanted", ["e4c0b1aa-01", "i1/E4C0B1AA-01"])
def test_an_item_tells_what_pax8_charged_and_which_document_it_went_into(wanted: str, tmp_path: Path) -> None:
    story = one(lived(tmp_path), wanted)
    shown = [(e.source, e.text) for e in story.events]
    for source, words in WHOLE:
        assert any(s == source and words in t for s, t in shown), words


def test_an_unassigned_item_tells_the_plan_row_that_holds_it_and_no_document(tmp_path: Path) -> None:
    story = one(lived(tmp_path), "e4c0b1aa-02")
    assert [row["bucket"] for row in story.now] == ["unassigned"]
    assert ["usage_unassigned (blocked" in e.text for e in story.events if e.source == "plan"] == [True]
    assert not [e for e in story.events if e.source == "ledger"]


def test_a_summary_tells_its_amounts_and_when_its_company_changed(tmp_path: Path) -> None:
    warehouse = lived(tmp_path)
    path = "/subscriptions/x/usage-summaries"
    for run, row in (("run-4", summary(companyId=None)), ("run-5", summary(companyId=COMPANY, currentCharges=31))):
        snapshots.store(
            warehouse,
            [snapshots.Read("pax8.usage_summaries", snapshots.raw_objects(path, [row]), scope="2026-08")],
            run,
        )
    shown = [e.text for e in one(warehouse, "u1").events if "usage summary" in e.text]
    assert [f"company {company}: {amount}" in text for text, company, amount in zip(
        shown, (COMPANY, "none", COMPANY), (25, 25, 31), strict=True)] == [True] * 3  # fmt: skip


def test_a_story_of_usage_reads_as_lines(tmp_path: Path) -> None:
    lines = list(history_lines(one(lived(tmp_path), KEY)))
    assert lines[0] == f"usage key {KEY.lower()}"
    assert (
        "2026-07 (closed): Storage, group Example Dental, Example (client 231): bill, billed to the client" in lines[1]
    )
    assert "client total 25, cost 19.5, to bill 25 USD; charge i1/e4c0b1aa-01" in lines[2]


def test_a_halo_invoice_that_is_not_ours_is_not_known(tmp_path: Path) -> None:
    warehouse = usage_warehouse(tmp_path, item(), more=[halo_invoices(made(id=9, reference="by hand"))])
    release()
    with (
        pytest.raises(PipelineError, match=r"^nothing has the id or the name 9;"),
        warehouse.connect(read_only=True) as connection,
    ):
        explain(connection, "9")
