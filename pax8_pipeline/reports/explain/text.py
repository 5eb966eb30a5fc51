"""The words of a history: one sentence for each event, and the history as plain lines.

Contains: wording and layout. Does not contain: finding or ordering events (`history`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.model import money_sentences
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.explain import usage
from pax8_pipeline.reports.explain.events import History, Row
from pax8_pipeline.reports.explain.usage import plain
from pax8_pipeline.reports.next_steps import STEPS
from pax8_pipeline.text.plurals import plural

KIND_NAMES: dict[str, str] = {
    "subscription": "Pax8 subscription",
    "licence": "Halo licence",
    "line": "Halo line",
    "invoice": "recurring invoice",
    "client": "Halo client",
    "company": "Pax8 company",
    "usage": "usage key",
    "halo_invoice": "Halo invoice of usage",
    "summary": "usage summary",
    "item": "Pax8 invoice item",
    "plan": "plan",
    "row": "plan row",
    "entry": "ledger entry",
}
_PAX8 = {"status": "status", "quantity": "quantity", "price": "price", "currency": "currency",
         "billing_term": "billing term", "start_date": "start date", "end_date": "end date",
         "partner_cost": "partner cost", "company_id": "company", "unreadable": "cannot be read:"}  # fmt: skip
_HALO = {"name": "name", "client_id": "client", "count": "count", "active": "active", "status": "status",
         "end_date": "end date", "price": "price", "qty_order": "stated quantity", "inactive": "inactive",
         "unit_price": "unit price", "quantity_type": "quantity type", "licences": "follows licences",
         "disabled": "disabled", "lines": "lines", "recurring_invoice_id": "recurring invoice",
         "unreadable": "cannot be read:"}  # fmt: skip


def pax8(row: Row, before: Row | None) -> str:
    """Return what Pax8 sent about a subscription, or what changed since the read before."""
    if not row["listed"]:
        return f"subscription {row['id']}: not in the list any more (absence is never taken for a cancellation)"
    return f"subscription {row['id']}: {_facts(row, before if before and before['listed'] else None, _PAX8)}"


def halo(row: Row, before: Row | None) -> str:
    """Say what Halo showed of a licence, line or recurring invoice, or what changed of it."""
    name = f"{KIND_NAMES[row['kind']].removeprefix('Halo ')} {row['id']}"
    if row["facts"] is None:
        return f"{name}: not shown any more"
    return f"{name}: {_facts(row['facts'], (before or {}).get('facts'), _HALO)}"


def _facts(current: Row, before: Row | None, names: Mapping[str, str]) -> str:
    if before is None:
        return ", ".join(
            f"{text} {plain(current[n])}" for n, text in names.items() if current.get(n) not in (None, [], "")
        )
    changed = [n for n in names if current.get(n) != before.get(n)]
    return ", ".join(f"{names[n]} {plain(before.get(n))} -> {plain(current.get(n))}" for n in changed) or "listed again"


def plan_row(row: Row, *, with_head: bool = False) -> str:
    """Say what a plan made of a row, by which rule, and (unless the plan is the subject) under what it was made."""
    parts = [f"{row['verdict']} ({row['class']}, rule {row['reason']}): {row['sentence']}"]
    if row["action"] != "none":
        parts.append(f"{row['target']}: {row['before']} -> {row['after']}")
        parts.append(f"{formatting.money(row['money_per_month'] or Decimal(0), row['currency'], signed=True)} a month")
    if row["unbilled_per_month"]:
        parts.append(f"{plain(row['unbilled_per_month'])} {row['currency'] or ''} a month not billed")
    if not row["complete"]:
        parts.append(f"not to be applied: {row['problem']}")
    if row["plans"] > 1:
        parts.append(f"{plural(row['plans'], 'plan')} in a row said so, until {row['said_until']:%Y-%m-%d %H:%M}")
    evidence = ", ".join(f"{k.replace('_', ' ')} {plain(v)}" for k, v in row["evidence"].items() if _worth(v))
    whose = f"row {row['row_id']}: {row['product_name']}, {row['client_name'] or row['company_name']}"
    lines = ["; ".join(parts), whose, f"evidence: {evidence}"]
    return "\n".join(lines if with_head else [*lines, _made_under(row)])


def _worth(value: Any) -> bool:
    return value is not None and not isinstance(value, dict)


def _made_under(row: Row) -> str:
    return (
        f"checksum {row['checksum'][:16]}, policy {row['policy_fingerprint']}, mappings {row['mapping_fingerprint']}, "
        f"write mode {row['write_mode']}, good until {row['expires_at']:%Y-%m-%d %H:%M}"
    )


def plan_head(row: Row) -> str:
    """Say what a plan as a whole came to."""
    parts = [
        f"made for {row['today']}: {plural(row['rows_considered'], 'row')} compared, {plural(row['rows_safe'], 'change')}, "
        f"{row['rows_waiting']} waiting, {row['rows_blocked']} held back"
    ]
    parts += [f"{sentence[0].lower()}{sentence[1:]}" for sentence in money_sentences(row["money"])]
    parts += [f"not to be applied: {row['problem']}"] if row["problem"] else []
    parts += [f"held whole by a guardrail: {row['held']}"] if row["held"] else []
    return "\n".join(
        [*parts, f"{_made_under(row)}, made from {plural(len(row['snapshot_ids']), 'read')} ({row['snapshot_id']})"]
    )


def approval(row: Row) -> str:
    """Say who agreed to what."""
    what = "approved what waits" if row["kind"] == "approve" else "acknowledged what a guardrail holds"
    scope = f" of row {row['only_row']}" if row["only_row"] else ""
    scope += f" of client {row['only_client']}" if row["only_client"] is not None else ""
    rows = plural(row["rows_covered"], "row")
    return f"{row['approved_by']} {what}{scope} in this plan (checksum {row['checksum'][:16]}): {rows} of this history"


def ledger(row: Row) -> str:
    """Say what was done and what came of it."""
    target = ", ".join(
        f"{name} {row[column]}"
        for name, column in (("licence", "licence_id"), ("line", "line_id"), ("recurring invoice", "recurring_invoice_id"))
        if row[column] is not None
    )  # fmt: skip
    target = target or f"row {row['row_id']}"
    end = " (found out by reading, in a later run)" if row["settled"] else ""
    state = f"entry {row['entry']}: {row['state']}{end}: {row['action']} on {target}: {row['before']} -> {row['after']}"
    still = row["stands"] and row["state"] in ("claimed", "sent", "unknown")
    lines = [state, row["detail"] or ""] + (["still open: the next run settles it by reading"] if still else [])
    return "\n".join(line for line in lines if line)


def history_lines(history: History) -> Iterator[str]:
    """Give one history as plain lines: the state when last read, then everything in the order of time."""
    yield f"{KIND_NAMES[history.kind]} {history.id}{f': {history.name}' if history.name else ''}"
    for row in history.now:
        yield from usage.now_lines(row) if history.kind in usage.KINDS else _now(row)
    for row in history.findings:
        yield f"  {finding(row)}"
    yield ""
    for event in history.events:
        first, *rest = event.text.split("\n")
        run = f"  (run {event.run_id[:8]})" if event.run_id and event.source in ("Pax8", "Halo", "ledger") else ""
        plan = f"{event.plan_id}: " if event.plan_id and event.source != "ledger" else ""
        yield f"{event.at:%Y-%m-%d %H:%M:%S}  {event.source:<8}  {plan}{first}{run}"
        yield from (f"{'':31}{line}" for line in rest)
    if not history.events:
        yield "nothing is kept of it before today"


def finding(row: Row) -> str:
    """Say since when something waits for a person, its money, whether somebody acknowledged it, and the next step."""
    parts = [f"{row['finding_id']} waits for a person since {row['first_seen']}{' (new)' if row['is_new'] else ''}"]
    step = f"next step: {STEPS[row['check_name']]}" if row["check_name"] in STEPS else ""
    parts += [findings.amount_text(row), findings.acknowledgement_text(row), step]
    return "; ".join(part for part in parts if part)


def _now(row: Row) -> Iterable[str]:
    who = f"{row['client_name']} (client {row['client_id']})" if row["client_id"] else f"{row['company_name']} (Pax8)"
    things = [f"{n} {row[c]}" for n, c in (("licence", "licence_id"), ("line", "line_id")) if row[c] is not None]
    reason = f" ({row['reason']})" if row["reason"] else ""
    known = f"client known by {row['client_known_by'] or 'nothing'}, line by {row['line_known_by'] or 'nothing'}"
    yield f"  {row['product_name']}, {who}; when last read {row['verdict']}{reason}"
    yield (
        f"  Pax8 {plain(row['quantity'])} ({row['status']}), Halo {plain(row['halo_quantity'])} on "
        f"{', '.join(things) or 'nothing'}; {known}"
    )
