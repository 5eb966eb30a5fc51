"""Reads Halo's lists into the raw tables, client details where matching needs them, and the state of Halo's own Pax8
integration.

HTTP is in `pax8_pipeline.halo`; matching itself is SQL in the warehouse. Facts: docs/vendors/halo.md#lists, #client,
#pax8-settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from pax8_pipeline.errors import BadAnswer, Forbidden, NotFound
from pax8_pipeline.extract.completeness import WINDOW_DAYS, read_complete
from pax8_pipeline.extract.ports import HaloReader, Progress
from pax8_pipeline.mapping.files import Mappings
from pax8_pipeline.transport.listing import Row
from pax8_pipeline.values import IntegrationState
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql

# Ordinary invoices are read from so many days ago to so many days ahead (docs/architecture.md#write-usage).
INVOICE_DAYS_BACK, INVOICE_DAYS_AHEAD = WINDOW_DAYS, 40
# A client's details are read again after this time.
DETAILS_FRESH = timedelta(days=7)
# Only these members of an integration account are stored: others may hold credentials.
_ACCOUNT_MEMBERS = (
    "id", "name", "integrator_enabled", "integrator_last_sync", "import_entities", "import_usage_lines",
    "deactivate_missing_licenses", "allow_subscription_changes", "import_inactive_and_deleted", "import_products",
    "update_addresses", "client_mappings",
)  # fmt: skip
_INTEGRATION = "/Pax8Details"


def read_list(client: HaloReader, name: str, progress: Progress | None = None) -> snapshots.Read:
    """Read one of Halo's flat lists: clients, items, licences or recurring_invoices. Else KeyError."""
    readers = {
        "clients": (client.clients, "/Client"),
        "items": (client.items, "/Item"),
        "licences": (client.licences, "/SoftwareLicence"),
        "recurring_invoices": (lambda: client.recurring_invoices(progress), "/RecurringInvoice"),
    }
    reader, endpoint = readers[name]
    return read_complete(f"halo.{name}", reader, endpoint)


def read_invoices(
    client: HaloReader,
    today: date,
    since: date | None = None,
    watched: date | None = None,
    days_back: int = INVOICE_DAYS_BACK,
) -> snapshots.Read:
    """Read the ordinary invoices of the weeks around today, and back to `since` when that is earlier (see
    `open_since`).

    `watched`: the date of the oldest usage invoice that is still compared every night. The read goes back to it. Of the
    invoices before those weeks only usage invoices are stored; otherwise each night would store half a year of
    invoices.

    `days_back`: how many days before today those weeks begin (policy month.bill_days), never fewer than usage needs.
    """
    first, end = today - timedelta(days=max(days_back, INVOICE_DAYS_BACK)), today + timedelta(days=INVOICE_DAYS_AHEAD)
    first = min(first, since or first)
    start = min(first, watched or first)
    read = read_complete("halo.invoices", lambda: client.invoices(start, end), "/Invoice")
    objects = [o for o in read.objects if start == first or _recent(o, first) or "pax8-usage" in o.payload.lower()]
    return replace(read, objects=objects, covers=(start, end), whole_from=first)


def _recent(invoice: snapshots.RawObject, first: date) -> bool:
    """True unless the invoice is dated before `first`. An invoice without a date is recent."""
    match = re.search(r'"invoice_date":\s*"(\d{4}-\d\d-\d\d)', invoice.payload)
    return match is None or match[1] >= first.isoformat() or match[1] < "1910"


_DETAILS = load_sql("extract/halo_lists_details.sql")


def details_to_read(
    connection: Connection, mappings: Mappings, now: datetime, limit: int, *, lists_show_less: bool = False
) -> list[int]:
    """Return the ids of the Halo clients whose details may show their Pax8 company; `now` is UTC without offset.

    The list is empty when the rows of the client list have custom fields and links already, or when the mapping file
    and Pax8's externalId cover every company. `lists_show_less`: a probe found that they have them in part only, so
    that they prove nothing. Left out: clients that one of these two names, and clients read within DETAILS_FRESH. At
    most `limit` ids.
    """
    values = {
        "mapped_companies": [m.pax8_company_id for m in mappings.clients],
        "mapped_clients": [m.halo_client_id for m in mappings.clients],
        "stale": now - DETAILS_FRESH,
        "most": limit,
        "lists_show_less": lists_show_less,
    }
    return [int(row[0]) for row in connection.execute(_DETAILS, values).fetchall()]


def read_details(client: HaloReader, client_ids: Sequence[int], progress: Progress | None = None) -> snapshots.Read:
    """Read custom fields and links of some clients. A client that was deleted meanwhile is left out."""

    def read(client_id: int) -> Row | None:
        try:
            return client.client(client_id)
        except NotFound:
            return None

    rows = [row for row in client.many(read, client_ids, progress) if row is not None]
    return snapshots.Read(
        "halo.client_details", snapshots.raw_objects("/Client/{id}", rows), "/Client/{id}", requests=len(client_ids)
    )


@dataclass(frozen=True)
class Integration:
    """Whether Halo's own Pax8 integration writes too, and a sentence that says how we know it."""

    state: IntegrationState
    sentence: str
    accounts: tuple[dict[str, Any], ...] = ()


def ask_integration(client: HaloReader, *, links: bool = False) -> Integration:
    """Ask Halo for the state of its own Pax8 integration. When Halo does not show it, the state is unknown, not off.

    `links`: read each account by its id where the list leaves out which clients it links.
    """
    try:
        rows = client.integration()
        rows = [_with_links(client, row) for row in rows] if links else rows
    except (Forbidden, NotFound, BadAnswer) as error:
        return Integration("unknown", f"Halo does not show the settings of its own Pax8 integration: {error}")
    accounts = tuple({k: row[k] for k in _ACCOUNT_MEMBERS if k in row} for row in rows)
    return _integration_state(accounts)


def _with_links(client: HaloReader, account: Row) -> Row:
    account_id = account.get("id")
    if isinstance(account.get("client_mappings"), list) or not isinstance(account_id, int):
        return account
    try:
        return {**account, "client_mappings": client.integration_account(account_id).get("client_mappings")}
    except (Forbidden, NotFound, BadAnswer):
        return account  # the state is known all the same


def _integration_state(accounts: tuple[dict[str, Any], ...]) -> Integration:
    enabled = [a for a in accounts if a.get("integrator_enabled") is True]
    if enabled:
        ids = ", ".join(str(a.get("id", "?")) for a in enabled)
        return Integration("on", f"Halo's own Pax8 integration is switched on (account {ids})", accounts)
    if any(a.get("integrator_enabled") is not False for a in accounts):
        return Integration("unknown", "Halo lists a Pax8 integration but not whether it is switched on", accounts)
    if not accounts:
        return Integration("off", "Halo lists no account of its own Pax8 integration", accounts)
    return Integration("off", "Halo's own Pax8 integration is switched off", accounts)


def distrust_empty_list(integration: Integration, connection: Connection) -> Integration:
    """Return what Halo says about its own integration. But "off" becomes "unknown" when it is only an empty list and
    earlier runs saw accounts: an agent that lost a permission gets empty lists, not errors
    (docs/vendors/halo.md#token).
    """
    if integration.state != "off" or integration.accounts or not snapshots.accounts_before(connection, ""):
        return integration
    return Integration("unknown", "Halo listed accounts of its own Pax8 integration before and lists none now")


def read_integration(client: HaloReader) -> snapshots.Read:
    """Ask for the integration and return the answer as one row: state, reason, and accounts without credentials."""
    integration = ask_integration(client, links=True)
    row = {"state": integration.state, "reason": integration.sentence, "accounts": list(integration.accounts)}
    return snapshots.Read(
        "halo.integration", snapshots.raw_objects(_INTEGRATION, [row]), _INTEGRATION, expected=1, requests=1
    )


def native_state(warehouse: Warehouse, run_id: str) -> tuple[IntegrationState, str]:
    """Return the state of Halo's own Pax8 integration as this run read it, and a sentence for people."""
    with warehouse.connect() as connection:
        rows = connection.execute(
            "SELECT payload FROM newest.halo_integration WHERE run_id = ? LIMIT 1", [run_id]
        ).fetchall()
    if not rows:
        return "unknown", "this run did not ask Halo about its own Pax8 integration"
    row = json.loads(rows[0][0])
    state: IntegrationState = row["state"] if row.get("state") in ("off", "on") else "unknown"
    return state, str(row.get("reason") or "no reason given")
