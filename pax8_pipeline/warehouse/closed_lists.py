"""Closed lists of the vendors, as far as they are known here. What is in none of them is reported and never guessed."""

from __future__ import annotations

# Status of a Pax8 subscription, lower case (docs/vendors/pax8.md#subscriptions).
SUBSCRIPTION_STATUSES = (
    "active", "cancelled", "pendingmanual", "pendingautomated", "pendingcancel", "waitingfordetails", "trial",
    "converted", "pendingactivation", "activated",
)  # fmt: skip
# Billing term of a Pax8 subscription, lower case. Those with a number of months (meta.term_months) come again and again.
BILLING_TERMS = ("monthly", "annual", "2-year", "3-year", "one-time", "trial", "activation")
