"""The part of a story that is about metered usage: Pax8's summaries, invoices and items, and Halo's invoices.

Here belongs: the events and words of usage. Not here: which plan rows a story is about, their approvals and writes
(`explain`, which hands on the connection with its temporary tables in place).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pax8_pipeline.reports import formatting
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

KINDS = ("usage", "halo_invoice", "summary", "item")
Row = Mapping[str, Any]


def plain(value: Any) -> str:
    """Return a value in short, and `none` for nothing."""
    return formatting.plain(value, nothing="none")


def now(connection: Connection) -> list[dict[str, Any]]:
    """Return the charges of the story as they were last reconciled."""
    return dicts(connection.execute(load_sql("reports/explain/usage_now.sql")))


def vendor_statements(connection: Connection, kind: str, id_: str) -> Iterator[tuple[str, str, Row]]:
    """Give (source, sentence, row) of everything that the vendors sent about the usage of a history; rows have loaded_at and run_id."""
    for row in _rows(connection, "pax8", kind, id_):
        yield "Pax8", _PAX8[row["what"]](row, row["facts"]), row
    last: dict[str, Row] = {}
    for row in _rows(connection, "halo", kind, id_):
        yield "Halo", _halo(row["id"], row["facts"], last.get(row["id"])), row
        last[row["id"]] = row["facts"]


def now_lines(row: Row) -> Iterator[str]:
    """Say how one charge stood."""
    whose = (
        f"{row['client_name']} (client {row['client_id']})" if row["client_id"] else row["company_name"] or "no company"
    )
    group = f", group {row['resource_group']}" if row["resource_group"] else ""
    yield f"  {row['month']} ({row['state']}): {row['product_name']}{group}, {whose}: {row['verdict']}, {row['sentence']}"
    yield (
        f"  {plain(row['quantity'])} {row['unit_of_measure'] or ''}: client total {plain(row['charges'])}, cost "
        f"{plain(row['cost'])}, to bill {plain(row['amount'])} {row['currency'] or ''}; charge {row['charge_id']}"
    )


def _rows(connection: Connection, vendor: str, kind: str, id_: str) -> list[dict[str, Any]]:
    cursor = connection.execute(load_sql(f"reports/explain/usage_{vendor}.sql"), {"kind": kind, "id": id_})
    return [{**row, "facts": json.loads(row["facts"])} for row in dicts(cursor)]


def _item(row: Row, facts: Row) -> str:
    group = f", group {facts['details']}" if facts["details"] else ""
    company = facts["companyName"] or facts["companyId"] or "no company"
    return (
        f"item {row['id']}: {facts['productName'] or facts['description']} ({facts['term']}, from {facts['startPeriod']}), {company}{group}: "
        f"{facts['quantity']} {facts['unitOfMeasure'] or ''}, client total {facts['total']}, cost {facts['costTotal']} {facts['currencyCode'] or ''}"
    )


def _invoice(row: Row, facts: Row) -> str:
    return f"invoice {row['id']} of {str(facts['invoiceDate'])[:10]}: status {facts['status'] or 'not stated'}"


def _summary(row: Row, facts: Row) -> str:
    trial = ", a trial" if str(facts["isTrial"]).lower() == "true" else ""
    return (
        f"usage summary {row['id']}, {row['month']}: group {facts['resourceGroup'] or 'without a name'}, company "
        f"{facts['companyId'] or 'none'}: {facts['currentCharges']} for the client, {facts['partnerTotal']} cost "
        f"{facts['currencyCode'] or ''} so far{trial}"
    )


def _halo(id_: str, facts: Row, before: Row | None) -> str:
    names = {"reference": "reference", "client_id": "client", "invoice_date": "date", "lines": "lines", "net": "net",
             "posted": "posted", "voided": "voided"}  # fmt: skip
    if before is None:
        text = ", ".join(f"{name} {plain(facts[key])}" for key, name in names.items())
    else:
        changed = [key for key in names if facts[key] != before[key]]
        text = ", ".join(f"{names[key]} {plain(before[key])} -> {plain(facts[key])}" for key in changed)
    return f"invoice {id_}: {text}"


_PAX8 = {"item": _item, "pax8_invoice": _invoice, "summary": _summary}
