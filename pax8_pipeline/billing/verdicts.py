"""What can be so of a subscription, and what each verdict leads to.

This is the one table of verdicts. The SQL that finds them is warehouse/sql/reconciled/subscriptions.sql; a verdict
without a row here is blocked. A class is `safe` (a write, if trust and limits allow), `needs_approval` (a
write that a person has to agree to), `blocked` (reported, never written) or `no_op` (looked at and fine).

Whatever is blocked or needs approval belongs to exactly one check (`REPORTED_BY`): the check lists it under that name,
with its money and what to do. A test goes through all of them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Class = Literal["safe", "needs_approval", "blocked", "no_op"]


class Verdict(NamedTuple):
    """One verdict: its class and the sentence people read."""

    name: str
    cls: Class
    sentence: str


VERDICTS: tuple[Verdict, ...] = (
    Verdict("increase", "safe", "Pax8 bills more seats than Halo"),
    Verdict("decrease", "safe", "Pax8 bills fewer seats than Halo"),
    Verdict("cancel", "safe", "cancelled in Pax8 and its end date has passed, still on in Halo"),
    Verdict("zero_quantity", "needs_approval", "Pax8 states quantity 0 on a subscription that is not cancelled"),
    Verdict(
        "pending_cancel",
        "needs_approval",
        "a cancellation is coming in Pax8; nothing ends before its end date has passed",
    ),
    Verdict("in_step", "no_op", "Halo bills what Pax8 bills"),
    Verdict("ended", "no_op", "cancelled in Pax8, and nothing left on in Halo"),
    Verdict("trial", "no_op", "a trial is not billed"),
    Verdict("not_started", "no_op", "billing has not started yet"),
    Verdict("one_time", "no_op", "a one-time charge does not belong on a recurring invoice"),
    Verdict("metered", "no_op", "metered: billed from usage, not by seats"),
    Verdict("billed_by_pax8", "no_op", "Pax8 bills this company itself"),
    Verdict("unbilled", "blocked", "Pax8 bills it and no Halo line follows it"),
    Verdict("unmatched_company", "blocked", "the Pax8 company is not mapped to one active Halo client"),
    Verdict("ambiguous", "blocked", "more than one thing in Halo could be meant"),
    Verdict("line_inactive", "blocked", "Pax8 bills it, but its Halo line does not bill"),
    Verdict("licence_inactive", "blocked", "Pax8 bills it, but its Halo licence is inactive"),
    Verdict("currency_mismatch", "blocked", "Pax8 and Halo bill in different currencies"),
    Verdict("client_mismatch", "blocked", "Pax8 and Halo contradict each other about the Halo client"),
    Verdict("mapping_error", "blocked", "data/mappings/subscriptions.csv points at something that is not so"),
    Verdict("computed_elsewhere", "blocked", "the line's quantity is computed from something else in Halo"),
    Verdict("fractional_quantity", "blocked", "a Halo licence cannot hold a fraction"),
    Verdict("quantity_requested", "blocked", "a change of its quantity was ordered from Halo and is still under way"),
    Verdict("pending_pro_rata", "blocked", "a part-period entry that Halo will add to the line is waiting on it"),
    Verdict("unknown_term", "blocked", "the billing term is not known here"),
    Verdict("unreadable", "blocked", "Pax8 or Halo sent something of it that cannot be read"),
    Verdict("shares_unreadable", "blocked", "something that cannot be read may share its licence or line"),
    Verdict("unreadable_record", "blocked", "a record that cannot be read; what it points at is held with it"),
    Verdict("unknown_currency", "blocked", "Pax8 or Halo does not say in which currency it is billed"),
    Verdict("unknown_price", "blocked", "Pax8 or Halo states no price for it"),
    Verdict("unknown_status", "blocked", "the status is not known here"),
    Verdict(
        "unknown_period", "blocked", "it is not certain how many months the period of the Halo recurring invoice covers"
    ),
    Verdict("ended_not_cancelled", "blocked", "the end date has passed but Pax8 does not say Cancelled"),
)

# Of usage: a document (a company's month) or a group of charges. The SQL is billing/planning/usage/document_verdicts.sql.
USAGE_VERDICTS: tuple[Verdict, ...] = (
    Verdict("usage_bill", "safe", "usage of a closed month, not billed yet"),
    Verdict("usage_adjustment", "needs_approval", "Pax8 charges more for a month that is billed already"),
    Verdict("usage_billed", "no_op", "usage of the month is billed"),
    Verdict("usage_present", "no_op", "Halo has an invoice with this key and the same amounts already"),
    Verdict("usage_estimate", "no_op", "usage so far of a month that is not approved yet"),
    Verdict("usage_trial", "no_op", "usage of a trial is not billed"),
    Verdict("usage_zero", "no_op", "usage without a charge"),
    Verdict("usage_billed_by_pax8", "no_op", "Pax8 bills this company's usage itself"),
    Verdict("usage_credited", "no_op", "on an invoice that Pax8 took back"),
    Verdict("usage_not_the_source", "no_op", "policy usage.source bills from usage lines"),
    Verdict("usage_credit", "blocked", "Pax8 charges less than was billed; credit notes are for people"),
    Verdict("usage_differs", "blocked", "Halo has an invoice with this key and other amounts"),
    Verdict("usage_missing", "needs_approval", "Halo no longer shows the usage invoice"),
    Verdict("usage_changed", "blocked", "the usage invoice in Halo is not as it was made"),
    Verdict("usage_voided", "blocked", "the usage invoice was voided in Halo; it is not made again by itself"),
    Verdict("usage_unsettled", "blocked", "an earlier write of it has no known end yet"),
    Verdict("usage_other_client", "blocked", "the month was billed to another Halo client"),
    Verdict("usage_client_blocked", "blocked", "Halo is told not to invoice this client"),
    Verdict("usage_unreadable", "blocked", "Pax8 sent a charge of this month that cannot be read"),
    Verdict("usage_unassigned", "blocked", "no company assigned in Pax8"),
    Verdict("usage_unmatched_company", "blocked", "the Pax8 company is not mapped to one active Halo client"),
    Verdict("usage_currency_mismatch", "blocked", "charged in another currency than the client is billed in"),
    Verdict("usage_no_item", "blocked", "no Halo item to bill it as"),
    Verdict("usage_no_price", "blocked", "Pax8 charges you and states no total for the client"),
)

# Of a thing in Halo that no subscription of the plan stands for. The SQL is reconciled/discrepancies.sql.
HALO_VERDICTS: tuple[Verdict, ...] = (
    Verdict("orphaned_licence", "blocked", "Pax8 lists no such subscription and Halo still bills its licence"),
    Verdict("orphaned_line", "blocked", "the mapping names a subscription that Pax8 does not list, and Halo bills on"),
    Verdict("charged_by_halo_only", "blocked", "Halo bills what Pax8 does not charge you for today"),
)

ALL_VERDICTS: tuple[Verdict, ...] = (*VERDICTS, *USAGE_VERDICTS, *HALO_VERDICTS)

# The check of each verdict that is blocked or needs approval, by what a person does about it.
REPORTED_BY: dict[str, tuple[str, ...]] = {
    "unmatched_companies": ("unmatched_company",),
    "currency_mismatch": ("currency_mismatch",),
    "unmapped_subscriptions": (
        "unbilled", "ambiguous", "mapping_error", "client_mismatch", "line_inactive", "licence_inactive",
        "computed_elsewhere", "unknown_period",
    ),
    "needs_decision": (
        "zero_quantity", "pending_cancel", "fractional_quantity", "quantity_requested", "pending_pro_rata", "unknown_term",
        "unknown_status", "ended_not_cancelled", "unreadable", "shares_unreadable", "unreadable_record",
        "unknown_currency", "unknown_price",
    ),
    "orphaned_licences": ("orphaned_licence", "orphaned_line", "charged_by_halo_only"),
    "usage_unassigned": ("usage_unassigned",),
    "usage_held": (
        "usage_unsettled", "usage_client_blocked", "usage_unmatched_company", "usage_currency_mismatch", "usage_no_item",
        "usage_no_price", "usage_unreadable",
    ),
    "usage_corrections": (
        "usage_adjustment", "usage_credit", "usage_differs", "usage_voided", "usage_missing", "usage_changed", "usage_other_client",
    ),
}  # fmt: skip
# Where a verdict goes that this version has no row for: what nobody foresaw must not be lost.
ANY_OTHER = "needs_decision"


def check_of(verdict: str) -> str | None:
    """Return the check that reports a verdict, None for one that holds nothing back."""
    return next((check for check, verdicts in REPORTED_BY.items() if verdict in verdicts), None)
