"""Makes an ordinary invoice from a recurring invoice.

It contains docs/vendors/halo.md#line-follows-licence: billed quantities, pro rata, one-time lines, the next creation
date. Which invoices are due is in `nightly.py`, what a POST may change in `writes.py`.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Decimal

from pax8_pipeline.sandbox.halo.quantities import (
    FOLLOWS_LICENCES,
    billed_quantity,
    line_is_live,
    linked_price,
    money,
    months_of,
)
from pax8_pipeline.sandbox.halo.rows import EMPTY_DATE, Row, as_double, day_stamp, read_day
from pax8_pipeline.sandbox.halo.store import HaloStore


def next_date(day: date, period: int, steps: int = 1) -> date:
    """Return the day `steps` periods later (negative: earlier). A month end stays inside its month."""
    if period == 1:
        return day + timedelta(days=7 * steps)
    year, month = divmod(day.year * 12 + day.month - 1 + months_of(period) * steps, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def make_invoice(store: HaloStore, header: Row, on: date) -> int:
    """Make the invoice for which a recurring invoice is due, dated `on`. Return its (positive) id.

    It bills each active line at its billed quantity, and each waiting pro rata entry as a separate line. It is not
    posted. `nextcreationdate` moves on by one `period`.
    """
    with store.lock:
        start = read_day(header["nextcreationdate"]) or on
        end = next_date(start, header["period"])
        billed = [line for line in header["lines"] if _is_billed(line, on)]
        lines = [made for line in billed for made in _invoice_lines(store, header, line, start)]
        payer = store.clients.get(header["client_id"], {}).get("client_to_invoice_recurring") or header["client_id"]
        invoice_id = store.add_invoice(
            lines=lines,
            client_id=payer,
            original_client_id=header["client_id"],
            recurring_invoice_id=header["id"],
            contract_id=header["contract_id"],
            reference=header["reference"],
            invoice_date=on,
            period=header["period"],
            period_start_date=start,
            period_end_date=end - timedelta(days=1),
            creation_source="Recurring Invoice",
        )
        for line in billed:
            _close(line, invoice_id, start)
        header.update(
            lastcreated=day_stamp(on),
            nextcreationdate=day_stamp(end),
            period_start_date=day_stamp(start),
            period_end_date=day_stamp(end - timedelta(days=1)),
        )
        return invoice_id


def _is_billed(line: Row, on: date) -> bool:
    return line_is_live(line, on) and (line["reviewed"] or not line["needsreviewbeforecreation"])


def _invoice_lines(store: HaloStore, header: Row, line: Row, start: date) -> list[Row]:
    quantity = billed_quantity(store, line)
    if line["recurring_invoice_quantity_type"] in FOLLOWS_LICENCES:
        line["qty_order"] = quantity
    entries = [entry for entry in line["prorata_data"] if _is_due(entry, start)]
    prorata = [_prorata_line(header, line, entry, start) for entry in entries]
    price, cost = linked_price(store, line)
    return [_made_line(header, line, qty_order=quantity, unit_price=price, unit_cost=cost), *prorata]


def _made_line(header: Row, line: Row, **members: object) -> Row:
    made = {k: v for k, v in line.items() if not k.startswith(("quantity_", "prorata")) and k != "customfields"}
    made.update(
        id=0,
        recurring_invoice_quantity_type=0,
        recurring_invoice_id=header["id"],
        recurring_invoice_line_id=line["id"],
        onetimecharge=False,
        startdate=EMPTY_DATE,
        enddate=EMPTY_DATE,
    )
    return {**made, **members}


def _is_due(entry: Row, start: date) -> bool:
    day = read_day(entry["date"])
    return not entry["isinvoiced"] and day is not None and day < start


def _prorata_line(header: Row, line: Row, entry: Row, start: date) -> Row:
    """Return a line for the part of the period before `start`, as a share of the unit price."""
    period_start = read_day(header["period_start_date"]) or next_date(start, header["period"], -1)
    day = read_day(entry["date"]) or start
    share = Decimal((start - max(day, period_start)).days) / max((start - period_start).days, 1)
    return _made_line(
        header,
        line,
        qty_order=Decimal(entry["quantity"]),
        unit_price=money(Decimal(entry["unitprice"]) * share),
        unit_cost=money(Decimal(entry["unitcost"]) * share),
        item_shortdescription=entry["shortdescription"] or f"Pro rata: {line['item_shortdescription']}",
    )


def _close(line: Row, invoice_id: int, start: date) -> None:
    """After billing, delete the pro rata entries; a manual line gets their quantity (10 + 2 becomes 12)."""
    if line["onetimecharge"]:
        line["onetimechargeinvoiceid"] = invoice_id
    due = [entry for entry in line["prorata_data"] if _is_due(entry, start)]
    if line["recurring_invoice_quantity_type"] not in FOLLOWS_LICENCES:
        line["qty_order"] = as_double(line["qty_order"] + sum(Decimal(entry["quantity"]) for entry in due))
    line["prorata_data"] = [entry for entry in line["prorata_data"] if entry not in due]
