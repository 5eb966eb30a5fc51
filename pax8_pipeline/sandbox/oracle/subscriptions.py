"""The sandbox's own oracle: what a correct sync would find today and leave in Halo, from both stores and their links.

It has verdicts and the final state of Halo, by docs/architecture.md#rules, #writing. It imports nothing of the product,
so that the two can disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pax8_pipeline.sandbox.core.links import LineLink, Links
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row

VERDICTS = (
    "in_step",
    "increase",
    "decrease",
    "cancel",
    "unbilled",
    "unmatched_company",
    "trial",
    "pending_cancel",
    "billed_by_pax8",
    "currency_mismatch",
    "ambiguous",
    "line_inactive",
    "unknown_term",
    "unknown_status",
    "computed_elsewhere",
    "unknown_period",
)
# Sources disagree on what 8, 9 and others are: nothing is worked out from them (docs/vendors/halo.md#periods).
KNOWN_PERIODS = (1, 2, 3, 4, 5, 7)
KNOWN_TERMS = ("Monthly", "Annual", "2-Year", "3-Year", "One-Time", "Trial", "Activation")
KNOWN_STATUSES = (
    "Active",
    "Cancelled",
    "PendingManual",
    "PendingAutomated",
    "PendingCancel",
    "WaitingForDetails",
    "Trial",
    "Converted",
    "PendingActivation",
    "Activated",
)


class Oracle:
    """Knows both stores and their links. It reads and changes nothing."""

    def __init__(self, pax8: Pax8Store, halo: HaloStore, links: Links) -> None:
        self.pax8 = pax8
        self.halo = halo
        self.links = links

    def verdicts(self) -> dict[str, str]:
        """The verdict of every subscription, by id."""
        followers = self._followers(self.halo.recurring_invoices.values())
        return {key: self.verdict(key, followers) for key in self.pax8.subscriptions}

    def verdict(self, subscription_id: str, followers: Mapping[int, int] | None = None) -> str:
        """Return the verdict (one of VERDICTS) for a subscription as both sides are now.

        `followers`: the number of lines that follow each licence, if the caller has counted them already.
        """
        row = self.pax8.subscriptions[subscription_id.lower()]
        company = self.pax8.companies[row["companyId"]]
        client = self.links.clients.get(row["companyId"])
        ended = has_ended(row, self.pax8.today)
        link = self.links.lines.get(row["id"])
        if ended and self._is_switched_off(link):
            return "in_step"
        if client is None:
            return "unmatched_company"
        if company["billOnBehalfOfEnabled"]:
            return "billed_by_pax8"
        if row["status"] not in KNOWN_STATUSES:
            return "unknown_status"
        if row["billingTerm"] not in KNOWN_TERMS:
            return "unknown_term"
        if row["status"] == "Trial" or row["billingTerm"] == "Trial":
            return "trial"
        if link is None:
            return "unbilled" if row["startDate"] <= self.pax8.today.isoformat() else "in_step"
        if followers is None:
            headers = self.halo.recurring_invoices.values()
            followers = self._followers(row for row in headers if row["client_id"] == client.client_id)
        return self._verdict_of_line(row, client.client_id, link, followers, ended=ended)

    def _verdict_of_line(
        self, row: Row, client_id: int, link: LineLink, followers: Mapping[int, int], *, ended: bool
    ) -> str:
        line = self.line(link)
        licence = self.halo.licences.get(link.licence_id or 0)
        if self.halo.clients[client_id]["currencyisocode"] != row["currencyCode"]:
            return "currency_mismatch"
        if licence is not None and followers.get(licence["id"], 0) > 1:
            return "ambiguous"
        if line["recurring_invoice_quantity_type"] not in (0, 1, 4):
            return "computed_elsewhere"
        period = self.halo.recurring_invoices[link.recurring_invoice_id]["period"]
        if period not in KNOWN_PERIODS and (ended or not line["isinactive"]):
            return "unknown_period"
        if ended:
            return "cancel"
        if row["status"] in ("PendingCancel", "Cancelled"):
            return "pending_cancel"
        if line["isinactive"]:
            return "line_inactive"
        billed = Decimal(line["qty_order"]) if licence is None else Decimal(licence["count"])
        expected = Decimal(row["quantity"])
        return "in_step" if expected == billed else ("increase" if expected > billed else "decrease")

    def _is_switched_off(self, link: LineLink | None) -> bool:
        """True when nothing in Halo bills any more, or nothing ever did."""
        if link is None:
            return True
        licence = self.halo.licences.get(link.licence_id or 0)
        return bool(self.line(link)["isinactive"]) and (licence is None or not licence["is_active"])

    def expected_halo(self) -> dict[str, dict[int, dict[str, Any]]]:
        """Return the state of Halo after a correct sync of today, in the form of `halo_state`.

        What a sync must not change is expected unchanged. `qty_order` of a computed line is None: it is not known when
        Halo updates it, so it is never compared.
        """
        expected = self.halo_state()
        verdicts = self.verdicts()
        for subscription_id, link in self.links.lines.items():
            verdict = verdicts[subscription_id]
            row = self.pax8.subscriptions[subscription_id]
            if verdict in ("increase", "decrease"):
                if link.licence_id is None:
                    expected["lines"][link.line_id]["qty_order"] = Decimal(row["quantity"])
                else:
                    expected["licences"][link.licence_id]["count"] = int(row["quantity"])
            elif verdict == "cancel":
                expected["lines"][link.line_id]["isinactive"] = True
                if link.licence_id is not None:
                    expected["licences"][link.licence_id]["is_active"] = False
        return expected

    def halo_state(self) -> dict[str, dict[int, dict[str, Any]]]:
        """Return the present state of Halo, as far as a sync may change it.

        {"lines": {line id: {recurring_invoice_id, quantity_type, qty_order, isinactive, unit_price}}, "licences":
        {licence id: {client_id, count, is_active}}}.
        """
        lines = {}
        for header in self.halo.recurring_invoices.values():
            for line in header["lines"]:
                kind = line["recurring_invoice_quantity_type"]
                lines[line["id"]] = {
                    "recurring_invoice_id": header["id"],
                    "quantity_type": kind,
                    "qty_order": None if kind in (1, 4) else Decimal(line["qty_order"]),
                    "isinactive": line["isinactive"],
                    "unit_price": Decimal(line["unit_price"]),
                }
        licences = {
            row["id"]: {"client_id": row["client_id"], "count": row["count"], "is_active": row["is_active"]}
            for row in self.halo.licences.values()
        }
        return {"lines": lines, "licences": licences}

    def line(self, link: LineLink) -> Row:
        """The Halo line of a link."""
        lines: list[Row] = self.halo.recurring_invoices[link.recurring_invoice_id]["lines"]
        return next(line for line in lines if line["id"] == link.line_id)

    def _followers(self, headers: Iterable[Row]) -> Counter[int]:
        """Return how many lines of these recurring invoices follow each licence."""
        members = {1: "quantity_licences", 4: "quantity_subscriptions"}
        return Counter(
            link["licence_id"]
            for header in headers
            for line in header["lines"]
            for link in line.get(members.get(line["recurring_invoice_quantity_type"], ""), ())
        )


def has_ended(row: Row, today: date) -> bool:
    """True only for a subscription that is Cancelled and whose end date has passed."""
    return row["status"] == "Cancelled" and bool(row["endDate"]) and row["endDate"] < today.isoformat()
