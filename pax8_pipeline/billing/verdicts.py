"""What can be so of a subscription, and what each verdict leads to.

Here belongs: the one table of verdicts. The SQL that finds them is warehouse/sql/reconciled/subscriptions.sql; a
verdict without a row here is blocked. A class is `safe` (a write, if trust and limits allow), `needs_approval` (a
write that a person has to agree to), `blocked` (reported, never written) or `no_op` (looked at and fine).
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
    Verdict("client_mismatch", "blocked", "the licence or line belongs to another Halo client"),
    Verdict("mapping_error", "blocked", "data/mappings/subscriptions.csv points at something that is not so"),
    Verdict("computed_elsewhere", "blocked", "the line's quantity is computed from something else in Halo"),
    Verdict("fractional_quantity", "blocked", "a Halo licence cannot hold a fraction"),
    Verdict("pending_pro_rata", "blocked", "a part-period entry that Halo will add to the line is waiting on it"),
    Verdict("unknown_term", "blocked", "the billing term is not known here"),
    Verdict("unknown_status", "blocked", "the status is not known here"),
    Verdict("ended_not_cancelled", "blocked", "the end date has passed but Pax8 does not say Cancelled"),
)
