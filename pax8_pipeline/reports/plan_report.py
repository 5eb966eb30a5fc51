"""A stored plan as people and programs read it: Markdown, HTML, CSV and JSON.

Here belongs: words and layout. Not here: figures (they stand in billing.plan and billing.plans). The JSON has a
version, `schema`; a member is only ever added under the same version.
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pax8_pipeline.billing import approvals, findings
from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.model import Plan, money_sentences
from pax8_pipeline.billing.planning import planner
from pax8_pipeline.billing.planning.guardrails import way_past
from pax8_pipeline.extract import halo_instance
from pax8_pipeline.reports import usage_report
from pax8_pipeline.text import plaintext, textfiles
from pax8_pipeline.text.private_files import make_folder
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.snapshots import dicts

SCHEMA = "pax8-pipeline/plan/1"
Row = Mapping[str, Any]

CLASS_TITLES = {
    "safe": "Changes",
    "needs_approval": "Waiting for a person",
    "blocked": "Held back",
    "no_op": "Looked at, nothing to do",
}


def plan_rows(connection: Connection, plan_id: str, *, no_ops: bool = True) -> list[dict[str, Any]]:
    """Return the rows of a plan in reading order: unbilled first with the most money on top, then the changes.

    `state` is what the ledger says became of a row's write, None when nothing was written for it.
    """
    cursor = connection.execute(
        "SELECT p.*, l.state, l.detail AS state_detail, f.first_seen AS since, coalesce(f.first_seen = h.today, false) AS is_new, "
        "f.finding_id, f.money AS at_stake, f.per, coalesce(f.acknowledged, false) AS acknowledged, f.ack_who, f.ack_until, f.ack_reason FROM billing.plan p "
        "JOIN billing.plans h ON h.plan_id = p.plan_id "
        "LEFT JOIN billing.ledger_state l ON l.plan_id = p.plan_id AND l.row_id = p.row_id "
        # A row may have been two findings by now, too little billed and too much: the last one it was.
        "LEFT JOIN (SELECT * FROM billing.findings_state QUALIFY row_number() OVER (PARTITION BY row_id, kind ORDER BY "
        "last_seen DESC, still_open DESC) = 1) f ON f.row_id = p.row_id AND f.kind = p.verdict AND f.first_seen <= h.today "
        "WHERE p.plan_id = ? AND (? OR p.class <> 'no_op' OR p.verdict IN ('pending_cancel', 'trial')) "
        "ORDER BY CASE WHEN p.verdict = 'unbilled' THEN 0 WHEN p.unbilled_per_month > 0 THEN 1 "
        "WHEN p.class = 'safe' THEN 2 WHEN p.class = 'needs_approval' THEN 3 WHEN p.class = 'blocked' THEN 4 ELSE 5 END, "
        "p.unbilled_per_month DESC, p.client_name, p.product_name, p.row_id",
        [plan_id, no_ops],
    )
    return dicts(cursor)


def money(row: Row) -> str:
    """Return the money of one row a month, with sign and currency; empty when there is none."""
    amount = row["money_per_month"] or Decimal(0)
    currency = row["currency"] or ""
    if row["unbilled_per_month"]:
        return f"{row['unbilled_per_month']:,.2f} {currency} unbilled".strip()
    if amount:
        return f"{amount:+,.2f} {currency}".strip()
    at_stake = row.get("at_stake")
    if not at_stake or not round(at_stake, 2):
        return ""
    return f"{abs(at_stake):,.2f} {currency} {'not billed' if at_stake > 0 else 'too much'}".replace("  ", " ")


def since(row: Row) -> str:
    """Return since when a row is held or waits, and whether that is new; empty for what is not a finding."""
    return f"{row['since']}{', new' if row['is_new'] else ''}" if row["since"] else ""


def what(row: Row) -> str:
    """Return what is so of a row, and what a person said to it."""
    said = findings.mark(row)
    return f"{row['verdict']}: {row['sentence']}" + (f" [{said}]" if said else "")


def plan_markdown(connection: Connection, plan_id: str, limit: int = 60) -> str:
    """Return a plan as Markdown: its figures, then a table of everything but the plain no-ops."""
    head = planner.load_plan(connection, plan_id)
    rows = plan_rows(connection, plan_id, no_ops=False)
    lines = [
        *_head_lines(connection, head, plaintext.markdown),
        "",
        "| client | product | what | before | after | money a month | since | state |",
    ]
    lines.append("|---|---|---|---:|---:|---:|---|---|")
    lines += [_markdown_row(row) for row in rows[:limit]]
    if len(rows) > limit:
        lines.append(f"\n{len(rows) - limit} more rows: `pax8-pipeline plan show {plan_id}`")
    return "\n".join(lines)


def _head_lines(connection: Connection, head: Plan, shown: Callable[[str], str]) -> list[str]:
    """`shown` makes text from outside (names in reasons, who approved) fit for what these lines go into."""
    lines = [
        f"**Plan {head.plan_id}** for {head.today}, checksum `{head.checksum[:16]}`, good until {head.expires_at:%Y-%m-%d %H:%M} UTC.",
        f"{head.rows_considered} rows looked at: {head.rows_safe} changes, {head.rows_waiting} waiting, "
        f"{head.rows_blocked} held back. Write mode {head.write_mode}.",
    ]
    version = halo_instance.sentence(connection, head.run_id)
    lines += [f"{version}."] if version else []
    lines += [f"{sentence}." for sentence in money_sentences(head.money)]
    lines += [f"**Not to be applied:** {shown(head.problem)}."] if head.problem else []
    lines += _held_lines(connection, head, shown)
    lines += [f"{shown(agreed_text(row))}." for row in approvals.agreements(connection, head.plan_id)]
    written = ledger.states(connection, head.plan_id)
    lines += [f"Written: {', '.join(f'{n} {s}' for s, n in sorted(written.items()))}."] if written else []
    return lines


def _held_lines(connection: Connection, head: Plan, shown: Callable[[str], str]) -> list[str]:
    left = ledger.left(connection, head.plan_id)
    if head.held and left.held:
        return [f"**Held whole by a guardrail:** {shown(head.held)}; {way_past(head.plan_id)}."]
    return [f"**Held by a guardrail:** {left.held} changes; {way_past(head.plan_id)}."] if left.held else []


def agreed_text(row: Row) -> str:
    """Return one agreement (`approvals.agreements`) as a sentence without its full stop."""
    verb = "Approved" if row["kind"] == "approve" else "Acknowledged"
    part = f", client {row['client_id']}" if row["client_id"] is not None else ""
    part += f", row {row['row_id']}" if row["row_id"] is not None else ""
    return f"{verb} by {row['approved_by']} at {row['approved_at']:%Y-%m-%d %H:%M} UTC: {row['rows']} changes{part}"


def _markdown_row(row: Row) -> str:
    cells = (
        row["client_name"] or row["company_name"] or "?",
        row["product_name"] or "?",
        what(row),
        row["before"] or "",
        row["after"] if row["action"] != "none" else "",
        money(row),
        since(row),
        row["state"] or CLASS_TITLES[row["class"]].lower(),
    )
    return "| " + " | ".join(plaintext.markdown(str(c)) for c in cells) + " |"


def plan_json(connection: Connection, plan_id: str) -> dict[str, Any]:
    """Return a plan as data: money and quantities as decimal text, times ISO in UTC."""
    head = planner.load_plan(connection, plan_id)
    names = list(Plan.__dataclass_fields__)
    rows = plan_rows(connection, plan_id)
    for row in rows:
        row["expect"], row["evidence"] = json.loads(row["expect"]), json.loads(row["evidence"])
    return {
        "schema": SCHEMA,
        "plan": {n: getattr(head, n) for n in names},
        "approvals": approvals.agreements(connection, plan_id),
        "written": ledger.states(connection, plan_id),
        "rows": rows,
    }


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """Write data as JSON text; Decimal as plain text so that no reader makes a double of money."""
    return json.dumps(value, indent=indent, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


_CSV = ("class", "verdict", "action", "reason", "sentence", "client_id", "client_name", "company_id", "company_name",
        "subscription_id", "product_name", "target", "before", "after", "delta", "unit_price", "currency",
        "money_per_period", "money_per_month", "unbilled_per_month", "state", "row_id", "since", "acknowledged")  # fmt: skip


def plan_csv(rows: Iterable[Row]) -> str:
    """Return plan rows as CSV for a spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_CSV)
    for row in rows:
        shown = {**row, "since": since(row), "acknowledged": findings.mark(row)}
        writer.writerow([_cell(shown[name]) for name in _CSV])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (Decimal, date, datetime, int)):
        return str(value) if isinstance(value, int) else _plain(value)
    return plaintext.csv_cell(str(value))


_STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1c2733}
table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}td,th{padding:.35rem .6rem;border-bottom:1px solid #dde3e9;
text-align:left;vertical-align:top}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
th{background:#f3f6f9}.bad{color:#a1260d;font-weight:600}code{background:#f3f6f9;padding:0 .25rem}"""


def plan_html(connection: Connection, plan_id: str, more: Iterable[str] = ()) -> str:
    """Return a plan as one HTML page that needs nothing else; what is simply in step is counted, not listed.

    `more` are parts of a page that follow the plan's tables.
    """
    head = planner.load_plan(connection, plan_id)
    rows = plan_rows(connection, plan_id, no_ops=False)
    parts = [f"<!doctype html><meta charset='utf-8'><title>Plan {html.escape(plan_id)}</title><style>{_STYLE}</style>"]
    parts.append("<h1>Billing plan</h1>")
    for text in _head_lines(connection, head, plaintext.one_line):
        cls = " class='bad'" if text.startswith("**") and "Plan" not in text[:8] else ""
        parts.append(f"<p{cls}>{html.escape(text.replace('**', '').replace('`', ''))}</p>")
    unbilled = [r for r in rows if r["unbilled_per_month"]]
    parts += _html_section("Billed by Pax8, not by Halo", unbilled)
    for cls, title in CLASS_TITLES.items():
        parts += _html_section(title, [r for r in rows if r["class"] == cls and not r["unbilled_per_month"]])
    parts += more
    parts.append(
        "<p>Subscriptions in step are counted above; the CSV and JSON files beside this page list every one.</p>"
    )
    return "\n".join(parts)


def _html_section(title: str, rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    cells = "".join(
        f"<th>{h}</th>" for h in ("Client", "Product", "What", "Before", "After", "Money a month", "Since", "State")
    )
    lines = [f"<h2>{html.escape(title)} ({len(rows)})</h2><table><tr>{cells}</tr>"]
    for row in rows:
        values = (
            row["client_name"] or row["company_name"],
            row["product_name"],
            what(row),
        )
        figures = (row["before"], row["after"] if row["action"] != "none" else "", money(row), since(row))
        lines.append(
            "<tr>" + "".join(f"<td>{html.escape(str(v or ''))}</td>" for v in values)
            + "".join(f"<td class='n'>{html.escape(str(v or ''))}</td>" for v in figures)
            + f"<td>{html.escape(row['state'] or '')}</td></tr>"
        )  # fmt: skip
    return [*lines, "</table>"]


def write_report(warehouse: Warehouse, plan_id: str, folder: Path) -> Path:
    """Write the plan as Markdown, HTML, CSV and JSON into `folder` and return the HTML file's path.

    Beside the plan they tell of usage, as it was last reconciled (`usage_report`); the CSV holds the plan alone.
    """
    make_folder(folder)
    with warehouse.connect() as connection:
        usage = usage_report.gather(connection, plan_id)
        data = {**plan_json(connection, plan_id), "usage": usage_report.as_data(usage)}
        texts = {
            "md": f"{plan_markdown(connection, plan_id, limit=100_000)}\n\n{usage_report.markdown(usage)}\n",
            "html": plan_html(connection, plan_id, usage_report.html_parts(usage)),
            "csv": plan_csv(plan_rows(connection, plan_id)),
            "json": to_json(data, indent=None),  # indenting 20,000 rows takes seconds
        }
    for ending, text in texts.items():
        textfiles.write(folder / f"plan-{plan_id}.{ending}", text)
    return folder / f"plan-{plan_id}.html"
