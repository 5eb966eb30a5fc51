"""What became of usage invoices whose end is not known: judged by the ordinary invoices this run read of Halo.

Here belongs: that judgement. Not here: the same for licences and lines (queries/settle.sql), comparing (`invoice`),
writing the ledger (`ledger`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pax8_pipeline import jsontext
from pax8_pipeline.billing import invoice
from pax8_pipeline.billing.invoice import Object, Usage
from pax8_pipeline.billing.model import OPEN_STATES, State
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.raw import dicts, newest_snapshots

# Writes that were begun and not verified, and for each the plan that has its key verified, if one has.
_BEGUN = """
SELECT s.plan_id, s.row_id, s.state, p.expect,
       (SELECT min(v.plan_id) FROM billing.ledger_state v WHERE v.state = 'verified' AND v.action = 'create_invoice'
          AND lower(v.row_id) = lower(s.row_id)) AS billed_by
FROM billing.ledger_state s
JOIN billing.plan p ON p.plan_id = s.plan_id AND p.row_id = s.row_id
WHERE s.action = 'create_invoice' AND (s.state IN ('claimed', 'sent', 'unknown') OR (s.state IN ('failed', 'drifted')
  AND EXISTS (SELECT 1 FROM billing.ledger c WHERE c.plan_id = s.plan_id AND c.row_id = s.row_id AND c.state = 'claimed')))
ORDER BY s.entry
"""
_KEYED = "SELECT payload FROM newest.halo_invoices WHERE contains(lower(payload), 'pax8-usage') ORDER BY object_id"


@dataclass(frozen=True)
class Begun:
    """One invoice that was begun and is not verified."""

    plan_id: str
    row_id: str
    state: State
    usage: Usage
    billed_by: str | None

    @property
    def open(self) -> bool:
        """True when nobody knows its end."""
        return self.state in OPEN_STATES


Verdict = tuple[Begun, State, str]


def settle_invoices(connection: Connection, run_id: str) -> None:
    """Fill the temporary table settled_invoices (plan_id, row_id, state, detail), which queries/settle.sql reads.

    Nothing is settled unless this very run read halo.invoices whole.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE settled_invoices (plan_id VARCHAR, row_id VARCHAR, state VARCHAR, detail VARCHAR)"
    )
    if newest_snapshots(connection).get(("halo.invoices", ""), {}).get("run_id") != run_id:
        return
    begun = [_begun(row) for row in dicts(connection.execute(_BEGUN))]
    if not begun:
        return
    shown = [jsontext.loads(row[0]) for row in connection.execute(_KEYED).fetchall()]
    for one, state, detail in judge(begun, shown):
        connection.execute("INSERT INTO settled_invoices VALUES (?, ?, ?, ?)", [one.plan_id, one.row_id, state, detail])


def judge(begun: Sequence[Begun], shown: Sequence[Object]) -> list[Verdict]:
    """Judge writes, oldest first, by the invoices Halo shows.

    An open one: exactly one equal invoice, verified; none, failed (it is planned again, and searched for again before
    it is sent); anything else drifted. One that ended otherwise, though it may have been sent, becomes verified once
    the only invoice of its key that is not voided equals it: Halo was slow, or a person put it right.
    """
    by_key: dict[str, list[Begun]] = defaultdict(list)
    for one in begun:
        by_key[one.row_id.lower()].append(one)
    return [verdict for ones in by_key.values() for verdict in _judge_key(ones, shown)]


def _judge_key(ones: Sequence[Begun], shown: Sequence[Object]) -> list[Verdict]:
    """All writes of one key together: no more than one of them is verified, or the month would count twice."""
    open_ = [one for one in ones if one.open]
    billed_by = ones[0].billed_by
    if billed_by:
        return [(one, "drifted", f"settled by reading: plan {billed_by} has billed this key") for one in open_]
    found = [document for document in shown if ones[0].row_id.lower() in invoice.keys_of(document)]
    standing = found if open_ else [document for document in found if not invoice.is_voided(document)]
    equal = [one for one in open_ or ones if len(standing) == 1 and not _differences(one, standing[0])]
    if equal:
        winner, named = equal[-1], invoice.named(standing)
        told = f"settled by reading: found in Halo as {named}"
        late = f"settled by reading: {named} is on record under plan {winner.plan_id}"
        return [(winner, "verified", told), *((one, "drifted", late) for one in open_ if one is not winner)]
    if not found:
        return [(one, "failed", "settled by reading: no invoice in Halo has its key") for one in open_]
    return [(one, "drifted", f"settled by reading: {_told(one, found)}") for one in open_]


def _told(one: Begun, found: Sequence[Object]) -> str:
    named = invoice.named(found)
    if len(found) > 1:
        return f"more than one invoice has its key: {named}"
    return f"{named} is not as planned: {'; '.join(_differences(one, found[0]))}"


def _differences(one: Begun, document: Object) -> list[str]:
    return invoice.differences(one.usage, document, fresh=False)


def _begun(row: Mapping[str, str]) -> Begun:
    state: State = row["state"]  # type: ignore[assignment] # the ledger holds no other words
    return Begun(row["plan_id"], row["row_id"], state, invoice.planned(json.loads(row["expect"])), row["billed_by"])
