"""How stored rows are answered: decoration, computed members, and what lists leave out (docs/vendors/halo.md).

Which rows a list has is in `lists.py`, arithmetic in `quantities.py`, routes in `api.py`.
"""

from __future__ import annotations

from pax8_pipeline.sandbox.halo import templates
from pax8_pipeline.sandbox.halo.quantities import Figures, line_figures, line_is_live, money, months_of
from pax8_pipeline.sandbox.halo.rows import EMPTY_DATE, ZERO, Row, as_double
from pax8_pipeline.sandbox.halo.store import HaloStore

_NESTED_OF_LINE = ("quantity_licences", "quantity_subscriptions", "quantity_users", "quantity_assets", "prorata_data")
_ZONED = ("start_date", "end_date", "invoice_date", "last_modified", "date_created", "nextcreationdate")
_SUMMARY = (
    "id",
    "client_id",
    "invoice_date",
    "period_start_date",
    "period_end_date",
    "posted",
    "voided",
    "reference",
    "invoicenumber",
    "revenue",
    "tax_total",
    "total",
    "recurring_invoice_id",
)


def client_answer(store: HaloStore, row: Row, *, details: bool) -> Row:
    """A client; custom fields and external links only with details."""
    out = {**templates.CLIENT.decoration, **row, "key": row["id"], "main_site_name": f"{row['name']} - Main"}
    return out if details else {**out, "customfields": None, "external_links": None}


def item_answer(store: HaloStore, row: Row, *, details: bool) -> Row:
    """A product; suppliers, custom fields and external links only with details."""
    out = {**templates.ITEM.decoration, **row}
    return out if details else {**out, "customfields": None, "external_links": None, "item_suppliers": None}


def licence_answer(store: HaloStore, row: Row, *, details: bool) -> Row:
    """A licence or subscription."""
    out = {**templates.LICENCE.decoration, **row}
    name = _client_name(store, row["client_id"])
    out["client_name"] = out["licence_client_name"] = name
    if store.switches.licence_ids == "vendor" and store.vendor_id_of:
        out["snowid"] = store.vendor_id_of(row["snowid"].lower()) or row["snowid"]
    out["licences_available"] = row["count"] - row["licences_in_use"]
    if details:
        out.update(licence_roles=[], configuration_items=[], licence_match=[])
    _put_zones(store, out)
    return out


def contract_answer(store: HaloStore, row: Row, *, details: bool) -> Row:
    """A client contract."""
    return {**row, "client_name": _client_name(store, row["client_id"])}


def plain_answer(store: HaloStore, row: Row, *, details: bool) -> Row:
    """A row that is answered as it is stored."""
    return dict(row)


def header_answer(store: HaloStore, row: Row, *, details: bool, lines: bool = False) -> Row:
    """A recurring or ordinary invoice.

    Lines come with details, or when a list asks for them (`lines`). Then they have their nested arrays too, unless the
    switch `list_lines_without_links` leaves these to the detail read.
    """
    out = {**templates.HEADER.decoration, **row}
    recurring = row["id"] < 0
    out["client_name"] = _client_name(store, row["client_id"])
    out["invoicenumber"] = str(-9 - row["id"] if recurring else row["id"])
    out["currency_code_name"] = row["currency_code_name"] or _currency(store, row["client_id"])
    out["contains_calculated_quantity"] = any(line["recurring_invoice_quantity_type"] for line in row["lines"])
    figures = [line_figures(store, line) for line in row["lines"]]
    _put_totals(store, out, figures)
    out["customfields"] = row["customfields"] if details else None
    out["external_links"] = row["external_links"] if details else None
    out["lines"] = None
    if details or lines:
        nested = details or not store.switches.list_lines_without_links
        months = months_of(row["period"])
        pairs = zip(row["lines"], figures, strict=True)
        out["lines"] = [_line(store, line, f, details=details, nested=nested, months=months) for line, f in pairs]
    if details and recurring:
        made = (i for i in store.invoices.values() if i["recurring_invoice_id"] == row["id"])
        out["invoices"] = [_summary(store, invoice) for invoice in made]
    _put_zones(store, out)
    return out


def line_answer(store: HaloStore, line: Row, *, details: bool) -> Row:
    """A single line, as the reply to a write of lines shows it."""
    header = store.recurring_invoices.get(line["ihid"]) or store.invoices[line["ihid"]]
    months = months_of(header["period"])
    return _line(store, line, line_figures(store, line), details=details, nested=True, months=months)


def _line(store: HaloStore, line: Row, figures: Figures, *, details: bool, nested: bool, months: int) -> Row:
    """A line with its computed members; `months` is the period of its invoice."""
    out = {**templates.LINE.decoration, **line}
    price, cost, net, tax = figures.price, figures.cost, figures.net, figures.tax
    total = as_double(float(net) + float(tax)) if store.switches.double_noise else net + tax
    out.update(qty_order=figures.quantity, unit_price=price, unit_cost=cost)
    out.update(net_amount=net, tax_amount=tax, total_price=total, net_total=net, total_tax=tax, total_net_total=net)
    out.update(net_amount_converted=net, total_tax_converted=tax, total_price_converted=total)
    out.update(unit_price_converted=price, baseprice_converted=line["baseprice"], total_discount=ZERO)
    out["total_costprice"] = money(figures.quantity * cost)
    out["total_price_monthly"] = net if months == 1 else money(net / months)
    out["total_price_annual"] = money(net * 12 / months)
    out["line_totals"] = {"net": net, "tax": tax, "total": total}
    out["isActive"] = line_is_live(line, store.now().date())
    out["_is_calculated_line"] = line["recurring_invoice_quantity_type"] in (1, 2, 3, 4)
    for member in ("quantity_licences", "quantity_subscriptions") if nested else ():
        out[member] = [{**link, "licence_name": _licence_name(store, link["licence_id"])} for link in line[member]]
    if not nested:
        out.update(dict.fromkeys(_NESTED_OF_LINE))
    if not details:
        out["customfields"] = None
    return out


def pax8_details_answer(store: HaloStore) -> Row:
    """The Pax8 account; enabled while native sync is switched on."""
    row = dict(store.integration)
    row["integrator_enabled"] = bool(row["integrator_enabled"]) or store.switches.native_sync == "on"
    return row


def external_links(store: HaloStore) -> list[Row]:
    """All external links: those of clients, then the Pax8 account's own mappings."""
    links = [link for client in store.clients.values() for link in client["external_links"]]
    return links + list(store.integration["client_mappings"])


def _put_totals(store: HaloStore, out: Row, figures: list[Figures]) -> None:
    today = store.now().date()
    live = [f for line, f in zip(out["lines"], figures, strict=True) if line_is_live(line, today)]
    net, tax = sum((f.net for f in live), ZERO), sum((f.tax for f in live), ZERO)
    out["revenue"], out["tax_total"], out["total"] = as_double(net), as_double(tax), as_double(net + tax)
    out["amountdue"] = ZERO if out["id"] < 0 else out["total"]


def _put_zones(store: HaloStore, out: Row) -> None:
    """If the switch says so, add a Z to the times that some Halo versions send with one."""
    for member in _ZONED if store.switches.zoned_times else ():
        if member in out and out[member] != EMPTY_DATE:
            out[member] += "Z"


def _summary(store: HaloStore, invoice: Row) -> Row:
    full = header_answer(store, invoice, details=False)
    return {name: full[name] for name in _SUMMARY}


def _client_name(store: HaloStore, client_id: int) -> str:
    client = store.clients.get(client_id)
    return str(client["name"]) if client else ""


def _currency(store: HaloStore, client_id: int) -> str:
    client = store.clients.get(client_id)
    return str(client["currencyisocode"]) if client else ""


def _licence_name(store: HaloStore, licence_id: int) -> str:
    licence = store.licences.get(licence_id)
    return str(licence["name"]) if licence else ""
