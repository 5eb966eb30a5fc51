"""What Halo does at night: its own Pax8 import, line status, due invoices, the accounts.

The nightly jobs, according to the switches (docs/vendors/halo.md#native-integration). What one invoice has is in
`invoicing.py`, what a POST may change in `writes.py`, the end of a night in `world/simulation.py`.
"""

from __future__ import annotations

from datetime import date

from pax8_pipeline.sandbox.halo import writes
from pax8_pipeline.sandbox.halo.invoicing import make_invoice
from pax8_pipeline.sandbox.halo.rows import Row, read_day
from pax8_pipeline.sandbox.halo.store import HaloStore

_INTEGRATOR = "Halo Integrator"


def nightly(store: HaloStore) -> None:
    """One night, by the switches: Halo Integrator, line status, due invoices, then the accounts."""
    with store.lock:
        _run_jobs(store)


def _run_jobs(store: HaloStore) -> None:
    if store.switches.native_sync == "on":
        native_sync(store)
    if store.switches.inactive_licence_flips_line == "nightly":
        for licence in list(store.licences.values()):
            if not licence["is_active"]:
                writes.flip_lines_of(store, licence["id"])
    if store.switches.auto_invoice:
        make_due_invoices(store)
    accounting_sync(store)


def make_due_invoices(store: HaloStore) -> list[int]:
    """Make every invoice due by today, period by period. Return their ids."""
    today = store.now().date()
    invoice_ids = []
    for header in list(store.recurring_invoices.values()):
        while (due := read_day(header["nextcreationdate"])) is not None and due <= today and _bills(store, header, due):
            invoice_ids.append(make_invoice(store, header, due))
    return invoice_ids


def _bills(store: HaloStore, header: Row, due: date) -> bool:
    end = read_day(header["enddate"])
    client = store.clients.get(header["client_id"], {})
    return not header["disabled"] and (end is None or due <= end) and not client.get("dontinvoice")


def native_sync(store: HaloStore) -> None:
    """Halo's own Pax8 import: overwrites counts by subscription id, may switch off unknown licences."""
    store.integration["integrator_last_sync"] = store.stamp()
    if store.native_counts is None:
        return
    counts = {key.lower(): value for key, value in store.native_counts().items()}
    for licence in store.licences.values():
        known = counts.get(str(licence["snowid"]).lower())
        if known is not None:
            writes.set_licence_members(store, licence, {"count": known}, who=_INTEGRATOR)
        elif store.integration["deactivate_missing_licenses"] and licence["distributor"] == "Pax8":
            writes.set_licence_members(store, licence, {"is_active": False}, who=_INTEGRATOR)


def accounting_sync(store: HaloStore) -> None:
    """If the switches say so, post every invoice to the accounts and number it as the accounts do."""
    for invoice in store.invoices.values():
        if store.switches.accounting_sync and not invoice["posted"] and not invoice["voided"]:
            invoice.update(posted=True, dateposted=store.stamp())
        if store.switches.accounting_sync_overwrites_thirdparty:
            invoice["thirdpartyinvoicenumber"] = f"INV-{invoice['id']:06d}"
