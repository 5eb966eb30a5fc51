"""What a person does about a row of a plan: in a few words for one line, and as a sentence for whoever reads on.

The few words of each verdict are in `billing/verdicts.csv`; the sentence belongs to the check that lists the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pax8_pipeline.billing.verdicts import step_of

LONGEST_STEP = 14  # characters of a step in a few words

# What a person does about the rows of a check.
STEPS: dict[str, str] = {
    "unmatched_companies": "map the company: `pax8-pipeline mapping review`, or data/mappings/clients.csv",
    "currency_mismatch": "put the currency right in Halo",
    "unmapped_subscriptions": "add the line in Halo, or link it in data/mappings/subscriptions.csv",
    "needs_decision": "look at the row with `pax8-pipeline explain`, then decide",
    "held_by_policy": "make the change in Halo, or raise the client's trust in policy.yaml",
    "orphaned_licences": "end it in Halo, or acknowledge it",
    "usage_unassigned": "assign the group to a company in the Pax8 portal",
    "usage_held": "remove what holds it (`pax8-pipeline explain`)",
    "usage_corrections": "put the invoice right in Halo, or approve the row",
}


def short_step(row: Mapping[str, Any]) -> str:
    """Return what a person does about a row of a plan, in at most LONGEST_STEP characters; empty where nothing is needed.

    What became of its write counts first, then what holds it; the verdict alone does not know that a client's trust
    or a freeze holds a change.
    """
    verdict, state = str(row["verdict"]), row["state"]
    if state:
        return "done" if state == "verified" else "explain it"
    if row["class"] == "needs_approval":
        return "approve" if row["action"] != "none" else step_of(verdict)
    if row["class"] == "blocked" and row["action"] != "none":
        return "change in Halo"
    return "" if row["class"] == "no_op" else step_of(verdict)
