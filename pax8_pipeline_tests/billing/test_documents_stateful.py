"""Any sequence of edits by people to our usage documents in Halo is reported, for as long as it stands.

The machine keeps documents as they were made and the list that Halo shows. People delete, edit, add lines, move, void,
copy, change the reference, hide the list, restore a backup, and put things back. After every night each document that is
not there exactly once as it was made has to be told of; none that is may be.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.ledger import documents
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Entry
from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.billing import TODAY, as_halo_keeps, usage_invoice, usage_line
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse

COMPANIES = tuple(f"5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a1{n}" for n in range(3))
MADE = [
    usage_invoice(usage_line("s1 p1", "143.27"), usage_line("s1 p2", "1.10"), key=f"PAX8-USAGE 2026-07 {company}", client=231 + n)
    for n, company in enumerate(COMPANIES)
]  # fmt: skip
COVERS = (TODAY - timedelta(days=62), TODAY + timedelta(days=40))
RETAINER = {"id": 1, "client_id": 231, "invoice_date": TODAY.isoformat(), "reference": "Retainer", "lines": []}
Row = dict[str, Any]
EDITS = ("delete", "price", "quantity", "item", "add line", "drop line", "move", "void", "copy", "reference", "swap", "back",
         "hide", "restore", "renumber", "post")  # fmt: skip


def as_made() -> list[Row]:
    return [as_halo_keeps(100 + n, UsageInvoice.from_json(c.expect).body()) for n, c in enumerate(MADE)]


def edited(shown: list[Row], backups: list[list[Row]], edit: str, which: int) -> list[Row]:
    """What Halo shows after a person did one thing to one of the documents it shows."""
    rows = copy.deepcopy(shown)
    if edit == "hide":
        return []
    if edit == "restore":
        return copy.deepcopy(backups[which % len(backups)])
    if edit == "back":
        return as_made()
    if not rows:
        return rows
    row = rows[which % len(rows)]
    line = row["lines"][0] if row["lines"] else {"unit_price": 0, "qty_order": 1, "_itemid": 1}
    if edit == "delete":
        rows.remove(row)
    elif edit == "price":
        line["unit_price"] = Decimal(str(line["unit_price"])) + 1
    elif edit == "quantity":
        line["qty_order"] = line["qty_order"] + 1
    elif edit == "item":
        line["_itemid"] = 999
    elif edit == "add line":
        row["lines"].append({"qty_order": 1, "unit_price": Decimal(0), "_itemid": 7, "item_longdescription": "by hand"})
    elif edit == "drop line":
        del row["lines"][:1]
    elif edit == "move":
        row["client_id"] += 100
    elif edit == "void":
        row["voided"] = True
    elif edit == "copy":
        rows.append({**copy.deepcopy(row), "id": max(r["id"] for r in rows) + 1})
    elif edit == "reference":
        row["reference"] = "paid by card"
    elif edit == "swap":
        other = rows[(which + 1) % len(rows)]
        row["reference"], other["reference"] = other["reference"], row["reference"]
    elif edit == "renumber":
        row["id"] += 5000
    elif edit == "post":
        row["posted"] = True
    return rows


def damaged(shown: list[Row]) -> set[str]:
    """Keys that do not stand on exactly one live document that charges what was planned."""
    wrong = set()
    for made in MADE:
        usage = UsageInvoice.from_json(made.expect)
        live = [
            d for d in shown if usage.key.lower() in usage_documents.keys_of(d) and not usage_documents.is_voided(d)
        ]
        if len(live) != 1 or usage_documents.differences(usage, live[0], fresh=False):
            wrong.add(usage.key.lower())
    return wrong


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A ledger that calls all of them verified."""
    warehouse = empty_warehouse(tmp_path_factory.mktemp("documents") / "warehouse.duckdb")
    with warehouse.transaction() as connection:
        for change in MADE:
            values = {"plan_id": "plan-1", "row_id": change.row_id, "class": "safe", "verdict": "usage_bill", "reason": "usage_bill",
                      "action": "create_invoice", "sentence": "", "subscription_id": "", "unbilled_per_month": 0, "evidence": "{}"}  # fmt: skip
            names = ", ".join(values)
            connection.execute(
                f"INSERT INTO billing.plan ({names}, expect) VALUES ({', '.join('?' * (len(values) + 1))})",
                [*values.values(), jsontext.dumps(change.expect)],
            )
    Ledger(warehouse, "run-1").record("plan-1", [Entry(c, s) for c in MADE for s in ("claimed", "sent", "verified")])
    return warehouse


@contextmanager
def undone(warehouse: Warehouse) -> Iterator[Connection]:
    """A connection whose work is taken back."""
    with warehouse.connect() as connection:
        connection.begin()
        try:
            yield connection
        finally:
            connection.rollback()


def night(connection: Connection, number: int, shown: list[Row]) -> tuple[dict[str, str], str | None]:
    """Read what Halo shows, compare; return the state of each document and whether Halo is distrusted."""
    at, run_id = datetime(2026, 8, 20, tzinfo=UTC).replace(tzinfo=None) + timedelta(days=number), f"night-{number}"
    rows = snapshots.raw_objects("/Invoice", shown)
    connection.execute(
        "INSERT INTO meta.snapshots (snapshot_id, table_name, scope, run_id, loaded_at, endpoint, row_count, requests, repeats, "
        "complete, covers_from, covers_to) VALUES (?, 'halo.invoices', '', ?, ?, '/Invoice', ?, 1, 0, true, ?, ?)",
        [run_id, run_id, at, len(rows), *COVERS],
    )
    for row in rows:
        connection.execute(
            "INSERT INTO halo.invoices VALUES (?, ?, ?, '/Invoice', ?, ?)",
            [run_id, run_id, at, row.object_id, row.payload],
        )
    documents.compare(connection, run_id, date(2026, 8, 20), 190)
    found = dict(connection.execute("SELECT usage_key, state FROM billing.documents").fetchall())
    return found, documents.distrust(connection)


@pytest.mark.whole
@settings(
    max_examples=200 if WHOLE else 20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    nights=st.lists(st.lists(st.tuples(st.sampled_from(EDITS), st.integers(0, 3)), max_size=3), min_size=1, max_size=6)
)
def test_any_sequence_of_edits_by_people_is_reported(made: Warehouse, nights: list[list[tuple[str, int]]]) -> None:
    shown, backups = as_made(), [as_made(), []]
    with undone(made) as connection:
        for number, edits in enumerate(nights, start=1):
            for edit, which in edits:
                shown = edited(shown, backups, edit, which)
            backups.append(shown)
            states, distrusted = night(connection, number, [*shown, RETAINER] if shown else [])
            wrong = damaged(shown)
            texts = {key for key, state in states.items() if state in ("missing", "changed", "voided")}
            assert wrong <= texts, f"not reported after {edits}: {wrong - texts}"
            assert texts <= wrong | (states.keys() - {c.row_id.lower() for c in MADE}), (
                f"reported for nothing: {texts - wrong}"
            )
            if not shown:
                assert distrusted, "an empty list is believed"


@pytest.mark.parametrize("edit", [e for e in EDITS if e not in ("back", "restore", "renumber", "post")])
def test_each_edit_by_itself_is_reported(made: Warehouse, edit: str) -> None:
    with undone(made) as connection:
        shown = edited(as_made(), [[]], edit, 0)
        states, _ = night(connection, 1, [*shown, RETAINER] if shown else [])
        assert damaged(shown)
        assert damaged(shown) == {key for key, state in states.items() if state in ("missing", "changed", "voided")}
