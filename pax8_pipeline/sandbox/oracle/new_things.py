"""The right result of making what a new subscription needs in Halo: one client, one licence, one line.

It contains what must be in Halo afterwards, from the Pax8 row alone (docs/architecture.md#write-new). It imports
nothing of the product, so that the two can disagree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pax8_pipeline.sandbox.core.links import ClientLink, LineLink, Links
from pax8_pipeline.sandbox.halo.rows import Row
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.pax8.store import Pax8Store

FIELD = "CFPax8CompanyId"


def clients_of(halo: HaloStore, company_id: str) -> list[Row]:
    """Return the clients that carry a company id in the custom field."""
    return [
        row
        for row in halo.clients.values()
        if any(f["name"] == FIELD and str(f["value"]).lower() == company_id for f in row["customfields"])
    ]


def licences_of(halo: HaloStore, subscription_id: str) -> list[Row]:
    """Return the licences that carry a subscription id, inactive ones too."""
    return [row for row in halo.licences.values() if row["snowid"].lower() == subscription_id]


def lines_of(halo: HaloStore, licence_id: int) -> list[Row]:
    """Return the lines that follow a licence, inactive ones too."""
    return [
        line for header in halo.recurring_invoices.values() for line in header["lines"] if licence_id in _followed(line)
    ]


def problems(pax8: Pax8Store, halo: HaloStore, links: Links, subscription_id: str) -> list[str]:
    """Say what is wrong of the licence and line that were made for a subscription; none means right.

    Exactly one licence with its id, its quantity and its price, exactly one active line that follows it, at the price of
    the subscription, on a recurring invoice of its client with the period of its term. Costs are not compared: Pax8
    often does not send them.
    """
    row, client = pax8.subscriptions[subscription_id], links.clients[pax8.subscriptions[subscription_id]["companyId"]]
    found = licences_of(halo, subscription_id)
    if len(found) != 1:
        return [f"{len(found)} licences"]
    (licence,) = found
    expected = {"count": int(row["quantity"]), "client_id": client.client_id, "is_active": True, "type": 1}
    expected |= {"price": row["price"], "name": row["productName"]}
    wrong = _different("licence", licence, expected)
    lines = lines_of(halo, licence["id"])
    if len(lines) != 1:
        return [*wrong, f"{len(lines)} lines"]
    (line,) = lines
    period = {"Monthly": 2, "Annual": 3}[row["billingTerm"]]
    header = halo.recurring_invoices[line["ihid"]]
    expected = {"unit_price": row["price"], "baseprice": row["price"], "isinactive": False}
    expected |= {"_itemid": links.items[row["productId"]], "recurring_invoice_quantity_type": 4}
    wrong += _different("line", line, expected)
    return wrong + _different("invoice", header, {"client_id": client.client_id, "period": period})


def adopt_client(halo: HaloStore, links: Links, company_id: str) -> int:
    """Let the oracle know of the one client that was made for a company; return its id."""
    (row,) = clients_of(halo, company_id)
    links.clients[company_id] = ClientLink(row["id"], "custom_field")
    return int(row["id"])


def adopt_line(halo: HaloStore, links: Links, subscription_id: str) -> LineLink:
    """Let the oracle know of the one licence and line that were made for a subscription."""
    (licence,) = licences_of(halo, subscription_id)
    (line,) = lines_of(halo, licence["id"])
    links.lines[subscription_id] = LineLink(line["ihid"], line["id"], licence["id"], "snowid")
    return links.lines[subscription_id]


def _followed(line: Row) -> Iterable[int]:
    return [link["licence_id"] for link in [*line["quantity_subscriptions"], *line["quantity_licences"]]]


def _different(what: str, row: Row, expected: dict[str, Any]) -> list[str]:
    return [f"{what}: {k} is {row[k]!r}, not {value!r}" for k, value in expected.items() if row[k] != value]
