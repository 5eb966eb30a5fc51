"""What an earlier version left behind that billed usage through a licence: reported, read, and never written again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing import approvals
from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.applying.apply import Applier
from pax8_pipeline.billing.ledger import backup
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.planning import planner
from pax8_pipeline.billing.rollback import make_rollback
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports.explain import history
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import model
from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.support.billing import TODAY, WAIT, FakeHalo, FakePax8, MemoryLedger
from pax8_pipeline_tests.support.billing import plan as fake_plan
from pax8_pipeline_tests.support.checks import Checked, check, warehouse_with
from pax8_pipeline_tests.support.usage_data import KEY, UsageData, policy, usage_plan
from pax8_pipeline_tests.support.vendor_data import invoice, licence, line, plan_context

LICENCE, LINE, OLD = 4200, 24999, "20260701-060000-0ld00000-0000"


def followed(**changes: Any) -> dict[str, Any]:
    link = {"id": 902, "licence_id": LICENCE, "qty_free": 0, "minimum_qty": 0}
    return line(id=LINE, quantity_subscriptions=[link], **changes)


def made_by_halo(day: str) -> dict[str, Any]:
    """An invoice that Halo made of the recurring one."""
    bill = {"id": 26001, "recurring_invoice_line_id": LINE, "qty_order": 1, "unit_price": Decimal("25.64")}
    return {
        "id": 51801,
        "client_id": 231,
        "invoice_date": f"{day}T00:00:00",
        "recurring_invoice_id": -94,
        "lines": [bill],
    }


def vendor_data(price: Any, *invoices: dict[str, Any], listed: bool = True, **of_line: Any) -> UsageData:
    metered = licence(id=LICENCE, count=1, price=price, snowid="")
    return UsageData(
        licences=[licence(), *([metered] if listed else [])],
        recurring=[invoice([line(), followed(**of_line)])],
        halo_invoices=list(invoices),
    )


def left_behind(warehouse: Warehouse, writes: Sequence[tuple[str, str, str]]) -> None:
    """Put into plan and ledger what the earlier version did: row id, price and state, oldest first."""
    with warehouse.transaction() as connection:
        head = {"plan_id": OLD, "made_at": datetime(2026, 8, 12, 6), "expires_at": datetime(2030, 1, 1), "run_id": "old", "today": "2026-08-12",
                "snapshot_id": "", "snapshot_ids": "{}", "policy_fingerprint": "", "mapping_fingerprint": "", "checksum": "",
                "complete": True, "write_mode": "apply", "rows_considered": 1, "rows_safe": 1, "rows_waiting": 0,
                "rows_blocked": 0, "money": "{}"}  # fmt: skip
        insert(connection, "billing.plans", head)
        for number, (row_id, price, state) in enumerate(writes, start=1):
            lines = (
                []
                if row_id.endswith(" reset")
                else [{"ref": "* * 2026-07", "amount": price, "cost": "19.48", "charges": []}]
            )
            expect = {"price": price, "unit_cost": "19.48", "licence_count": 1, "licence_price": "0", "licence_cost": "0",
                      "usage": {"key": row_id, "month": "2026-07", "company_id": KEY.split()[-1], "lines": lines}}  # fmt: skip
            row = {"plan_id": OLD, "row_id": row_id, "class": "safe", "verdict": "usage_bill", "action": "set_usage_licence",
                   "reason": "usage_bill", "sentence": "", "client_id": 231, "client_name": "Example", "subscription_id": "",
                   "recurring_invoice_id": -94, "line_id": LINE, "licence_id": LICENCE, "currency": "USD",
                   "unbilled_per_month": 0, "expect": json.dumps(expect), "evidence": "{}"}  # fmt: skip
            insert(connection, "billing.plan", row)
            entry = {name: row[name] for name in ("plan_id", "row_id", "action", "client_id", "subscription_id",
                     "recurring_invoice_id", "line_id", "licence_id", "currency")}  # fmt: skip
            insert(connection, "billing.ledger", {**entry, "entry": number, "recorded_at": datetime(2026, 8, 12, 6), "run_id": "old",
                                                  "state": state, "before_state": "{}"})  # fmt: skip


def insert(connection: Connection, table: str, values: dict[str, Any]) -> None:
    names = ", ".join(f'"{n}"' for n in values)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", list(values.values()))


SET, RESET = (KEY, "25.64", "verified"), (f"{KEY} reset", "0.00", "verified")


READ = ("staging.clients", "staging.licences", "staging.recurring_invoices", "staging.recurring_invoice_lines",
        "staging.halo_invoices", "staging.halo_invoice_lines")  # fmt: skip


def found(folder: Path, made: UsageData, *writes: tuple[str, str, str]) -> Checked:
    left_behind(warehouse_with(folder, made.reads(), READ), writes)
    return check("usage_left_on_licence", "billing.plan", folder)


def test_an_amount_that_stands_on_a_licence_is_reported_with_its_money_and_stops_nothing(tmp_path: Path) -> None:
    seen = found(tmp_path, vendor_data(Decimal("25.64")), SET)
    assert (seen.passed, seen.holds, seen.metadata["money"]) == (False, False, "25.64 USD")
    assert seen.rows[0]["licence_id"] == str(LICENCE)
    assert f"set price of licence {LICENCE} to 0 in Halo" in seen.description
    assert "if no invoice has" in seen.description


def test_an_amount_that_an_invoice_billed_names_the_invoice(tmp_path: Path) -> None:
    (row,) = found(tmp_path, vendor_data(Decimal("25.64"), made_by_halo("2026-08-15")), SET).rows
    assert (row["billed_on"], row["next_step"]) == ("51801", f"set price of licence {LICENCE} to 0 in Halo")


@pytest.mark.parametrize(
    ("made", "writes", "reported"),
    [
        (vendor_data(Decimal("30.00")), [SET], True),
        (vendor_data(0), [SET], False),
        (vendor_data(Decimal("25.64")), [SET, RESET], True),
        (vendor_data(Decimal("99.00")), [SET, RESET], False),
        (vendor_data(0, listed=False), [SET], True),
        (vendor_data(0, listed=False, isinactive=True), [SET], False),
        (vendor_data(0, listed=False), [SET, RESET], False),
        (vendor_data(Decimal("25.64")), [(KEY, "25.64", "failed")], False),
        (vendor_data(Decimal("25.64")), [(KEY, "25.64", "unknown")], True),
    ],
    ids=["another price", "a person set 0", "reset, then set again", "reset, then a person's own price", "not listed",
         "not listed, line off", "not listed, reset", "never written", "perhaps written"],
)  # fmt: skip
def test_which_licences_are_reported(made: UsageData, writes: list[Any], reported: bool, tmp_path: Path) -> None:
    assert found(tmp_path, made, *writes).passed is not reported


def test_a_month_that_was_set_on_a_licence_is_not_billed_a_second_time(tmp_path: Path) -> None:
    warehouse = vendor_data(Decimal("25.64")).load(tmp_path, policy=policy())
    left_behind(warehouse, [SET])
    rows = usage_plan(warehouse, policy())
    assert {r["action"] for r in rows.values()} == {"none"}
    assert "usage_billed" in {r["verdict"] for r in rows.values()}


@pytest.mark.parametrize(("price", "state"), [("25.64", "verified"), ("0", "failed"), ("7.00", "drifted")])
def test_a_write_that_was_started_is_settled_by_reading_the_licence(price: str, state: str, tmp_path: Path) -> None:
    made = vendor_data(Decimal(price))
    made.licences[1]["purchase_price"] = Decimal("19.48") if state == "verified" else 0
    warehouse = warehouse_with(tmp_path, made.reads(), READ)
    left_behind(warehouse, [(KEY, "25.64", "claimed")])
    assert [(r["row_id"], r["state"]) for r in Ledger(warehouse, "run-2").settle(WAIT)] == [(KEY, state)]


def test_old_rows_are_explained_backed_up_and_restored(tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path, vendor_data(Decimal("25.64")).reads(), READ)
    left_behind(warehouse, [SET])
    with warehouse.connect() as connection:
        (change,) = planner.all_changes(connection, OLD)
        assert (change.action, registry.is_usage(change.action)) == ("set_usage_licence", True)
        assert KEY in json.dumps(history.explain(connection, OLD), default=str)
    backup.backup(warehouse, OLD, tmp_path / "backups")
    with warehouse.transaction() as connection:
        connection.execute("DELETE FROM billing.ledger")
        connection.execute("DELETE FROM billing.plan")
    restored = backup.restore(warehouse, tmp_path / "backups")
    assert restored is not None
    assert restored.rows["billing.ledger"] == 1
    with warehouse.connect() as connection:
        assert [c.row_id for c in planner.all_changes(connection, OLD)] == [KEY]


def test_an_old_plan_writes_no_price_and_its_undo_says_what_to_do(tmp_path: Path) -> None:
    warehouse = vendor_data(Decimal("25.64")).load(tmp_path)
    left_behind(warehouse, [(f"{KEY}-x", "25.64", "verified"), (KEY, "25.64", "verified")])
    with warehouse.transaction() as connection:
        connection.execute("DELETE FROM billing.ledger WHERE row_id = ?", [KEY])
    with warehouse.connect() as connection:
        head = planner.load_plan(connection, OLD)
        now = datetime.now(UTC).replace(tzinfo=None)
        assert approvals.writable(connection, head, policy(), applied_by_person=True, now=now).changes == []
        (change,) = [c for c in planner.all_changes(connection, OLD) if c.row_id == KEY]
    halo = FakeHalo({}, {})
    with pytest.raises(PipelineError, match="set_usage_licence, which this version does not write"):
        Applier(halo, FakePax8(), MemoryLedger(), TODAY).apply(fake_plan(), [change])
    undo = make_rollback(warehouse, OLD, halo, plan_context())
    with warehouse.connect() as connection:
        (row,) = dicts(connection.execute("SELECT * FROM billing.plan WHERE plan_id = ?", [undo.plan_id]))
    assert (row["class"], row["action"]) == ("blocked", "none")
    assert f"licence {LICENCE} in Halo by hand" in row["sentence"]
    assert set(row) == set(model("billing.plan").column_names)
