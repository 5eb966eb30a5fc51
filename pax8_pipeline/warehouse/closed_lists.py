"""Closed lists of the vendors, as far as they are known here. What is in none of them is reported and never guessed."""

from __future__ import annotations

# Status of a Pax8 subscription, lower case (docs/vendors/pax8.md#subscriptions).
SUBSCRIPTION_STATUSES = (
    "active", "cancelled", "pendingmanual", "pendingautomated", "pendingcancel", "waitingfordetails", "trial",
    "converted", "pendingactivation", "activated",
)  # fmt: skip
# Billing term of a Pax8 subscription, lower case. Those with a number of months (meta.term_months) come again and again.
BILLING_TERMS = ("monthly", "annual", "2-year", "3-year", "one-time", "trial", "activation")
# Status of a Pax8 invoice (docs/vendors/pax8.md#invoices).
INVOICE_STATUSES = ("unpaid", "paid", "void", "carried", "nothing due", "credited")
# Term of an item on one (docs/vendors/pax8.md#invoice-items).
ITEM_TERMS = ("3 year", "annual", "2 year", "activation", "one-time", "arrears", "trial", "rebate", "monthly")
