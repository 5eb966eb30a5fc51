"""Undo: an inverse plan made from the ledger, through the same gates as any other plan.

Here belongs: turning verified writes back into planned ones. What changed since the write is left alone and named.
Not here: sending (`apply`). An inverse plan always waits for a person, and what it undid waits too when the next
night plans it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pax8_pipeline.billing.actions import verify
from pax8_pipeline.billing.applying.ports import HaloGateway
from pax8_pipeline.billing.model import USAGE_ACTIONS, Change, Plan
from pax8_pipeline.billing.planning import planner
from pax8_pipeline.errors import NotFound, PipelineError
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.snapshots import dicts

_INVERSE = {
    "set_licence_count": "set_licence_count",
    "set_line_quantity": "set_line_quantity",
    "end_line": "reopen_line",
    "end_licence": "reopen_licence",
}


# What an end writes on a licence beside its flag and count.
_TEXTS = ("status", "end_date")


@dataclass(frozen=True)
class _Done:
    """One verified write: its plan row, its change and the state of the target before it."""

    row: Mapping[str, Any]
    change: Change
    before: Mapping[str, Any]
    detail: str


def make_rollback(warehouse: Warehouse, plan_id: str, halo: HaloGateway, now: planner.Circumstances) -> Plan:
    """Plan the way back from every verified write of a plan, reading each target of today from Halo.

    Raises PipelineError when the plan wrote nothing, or is itself a rollback.
    """
    with warehouse.connect() as connection:
        done = _done(connection, plan_id)
    if not done:
        raise PipelineError(f"plan {plan_id} has no verified write to undo")
    if any(d.change.action not in (*_INVERSE, *USAGE_ACTIONS) for d in done):
        raise PipelineError(f"plan {plan_id} is itself a rollback; run again to plan what Pax8 says")
    rows = [_by_hand(d) if d.change.is_usage else _inverse(d, _look(halo, d.change)) for d in done]
    with warehouse.transaction() as connection:
        return planner.keep_rows(connection, rows, now)


def _done(connection: Connection, plan_id: str) -> list[_Done]:
    planner.load_plan(connection, plan_id)
    rows = dicts(
        connection.execute(
            "SELECT p.*, (SELECT arg_max(c.before_state, c.entry) FROM billing.ledger c WHERE c.plan_id = p.plan_id "
            "AND c.row_id = p.row_id AND c.state = 'claimed') AS before_state, s.detail AS done FROM billing.plan p "
            "JOIN billing.ledger_state s ON s.plan_id = p.plan_id AND s.row_id = p.row_id "
            "WHERE p.plan_id = ? AND s.state = 'verified' ORDER BY p.row_id",
            [plan_id],
        )
    )
    changes = {c.row_id: c for c in planner.all_changes(connection, plan_id)}
    return [
        _Done(r, changes[r["row_id"]], json.loads(r.pop("before_state") or "{}"), r.pop("done") or "") for r in rows
    ]


def _by_hand(done: _Done) -> dict[str, Any]:
    """Return the row that says why charged usage is not taken back: that is for people (docs/vendors/halo.md#invoice)."""
    return {
        **done.row,
        "class": "blocked",
        "verdict": "rollback",
        "action": "none",
        "reason": "usage_invoice" if done.change.action == "create_invoice" else "usage_licence",
        "sentence": _what_to_do_by_hand(done),
        "before": done.row["after"],
        "after": done.row["after"],
        "delta": 0,
        "money_per_period": 0,
        "money_per_month": 0,
        "unbilled_per_month": 0,
        "expect": "{}",
        "evidence": json.dumps({"undoes_plan": done.row["plan_id"], "ledger": done.detail}),
    }


def _what_to_do_by_hand(done: _Done) -> str:
    if done.change.action != "create_invoice":
        return f"a usage licence is not written any more: set the price of licence {done.change.licence_id} in Halo by hand"
    found = re.search(r"invoice \d+", done.detail)
    return (
        f"a usage invoice is never undone from here: void it in Halo by hand ({found[0] if found else 'see its key'})"
    )


def _look(halo: HaloGateway, change: Change) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    try:
        header = halo.recurring_invoice(change.recurring_invoice_id or 0)
        return header, None if change.licence_id is None else halo.licence(change.licence_id)
    except NotFound:
        return {"lines": []}, None


def _retyped(done: _Done, licence: Mapping[str, Any]) -> bool:
    """True when somebody gave an ended licence another status or end date since: the undo would overwrite that."""
    before, written = done.before.get("licence") or {}, {"status": "Cancelled"}
    if done.change.expect.get("end_date"):
        written["end_date"] = f"{done.change.expect['end_date']}T00:00:00"
    return any(
        name in before
        and not verify.same(licence.get(name), before[name])
        and not _alike(licence.get(name), written.get(name))
        for name in _TEXTS
    )


def _alike(now: Any, written: str | None) -> bool:
    """Compare as Halo may show it again: a time with or without its zone, and any value where none is known."""
    return written is None or str(now).removesuffix("Z") == written


def _inverse(done: _Done, seen: tuple[Mapping[str, Any], Mapping[str, Any] | None]) -> dict[str, Any]:
    """Return the plan row that takes one write back, blocked when the target is no longer as the write left it."""
    header, licence = seen
    row = dict(done.row)
    ends = done.change.ends
    line = verify.lines_by_id(header).get(done.change.line_id or 0, {})
    restored = done.before.get("licence") or {}
    names = (
        ("is_active", "status", "end_date")
        if done.change.action == "end_line"
        else ("is_active", "status", "end_date", "count")
    )
    # An undo that broke off between its two writes is as good a place to start from as the write itself.
    same = verify.reached(done.change, header, licence) or verify.half_undone(
        done.change, {n: restored[n] for n in names if n in restored}, header, licence
    )
    same = same and not (ends and licence is not None and _retyped(done, licence))
    expect = {
        "licence_count": None if licence is None else licence.get("count"),
        "licence_active": None if licence is None else verify.flag(licence.get("is_active")) is True,
        "licence_requested": None if licence is None else verify.requested_quantity(licence),
        "licence_texts": {n: licence.get(n) for n in _TEXTS} if ends and licence is not None else {},
        "line_quantity": str(line["qty_order"]) if line and verify.is_manual(line) else None,
        "line_inactive": verify.flag(line.get("isinactive")) is True,
        "licences_on_line": len(verify.follows(line)) or None,
        "restore": {n: restored[n] for n in names if n in restored} if ends else {},
    }
    row.update(
        **{"class": "needs_approval" if same else "blocked"},
        verdict="rollback",
        action=_INVERSE[done.change.action],
        reason="rollback" if same else "changed_since",
        sentence=f"takes back plan {done.row['plan_id']}" if same else "not undone: it changed since it was written",
        before=done.row["after"],
        after=done.row["before"],
        quantity_before=done.row["quantity_after"],
        quantity_after=done.row["quantity_before"],
        billed_before=done.row["billed_after"],
        billed_after=done.row["billed_before"],
        delta=-(done.row["delta"] or 0),
        money_per_period=-(done.row["money_per_period"] or 0),
        money_per_month=-(done.row["money_per_month"] or 0),
        unbilled_per_month=0,
        expect=json.dumps(expect, default=str),
        evidence=json.dumps({"undoes_plan": done.row["plan_id"], "before_state": done.before}, default=str),
    )
    return row
