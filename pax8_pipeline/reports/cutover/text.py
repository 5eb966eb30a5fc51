"""The cutover report as Markdown, for the terminal and for a file. Words and layout only (`cutover` has the figures)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pax8_pipeline.reports import formatting, table
from pax8_pipeline.reports.cutover.checklist import Cutover, Row, amounts, by_method
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.text import plaintext

_STATES = {"on": "is ON", "off": "is off", "unknown": "may be on: Halo does not say"}


def markdown(found: Cutover, limit: int = 100_000) -> str:
    """Return the report as Markdown; tables end after `limit` rows and say how many more there are."""
    return "\n".join([*_steps(found), *_integration(found, limit), *_links(found, limit), *_risks(found, limit)]) + "\n"


def _steps(found: Cutover) -> Iterator[str]:
    yield "# Leaving Halo's own Pax8 integration"
    asked = f" (asked {found.asked_at:%Y-%m-%d %H:%M} UTC)" if found.asked_at else ""
    yield f"\nIt {_STATES[found.state]}{asked}: {plaintext.markdown(found.reason)}. This report only reads; nothing was written anywhere."
    yield "\n## Steps, in order\n"
    for number, step in enumerate(found.steps, start=1):
        yield f"{number}. [{'x' if step.done else ' '}] **{step.title}** ({step.count}): {plaintext.markdown(step.detail)}."


def _integration(found: Cutover, limit: int) -> Iterator[str]:
    yield f"\n## What is switched on ({len(found.on)})\n"
    yield from _table(
        found.on, {"name": "setting", "value": "value", "account": "account", "does": "what it does", "todo": "to do"}
    )
    yield f"\n## Clients with a Pax8 recurring invoice ({len({c['client_id'] for c in found.clients})})\n"
    columns = {"client_name": "client", "client_id": "id", "member": "setting", "recurring_invoice_id": "recurring invoice",
               "reference": "reference", "state": "state"}  # fmt: skip
    yield from _table(found.clients, columns, limit)


def _links(found: Cutover, limit: int) -> Iterator[str]:
    yield "\n## Companies and clients\n"
    yield f"Linked: {_counts(by_method(found.companies, 'client_id'))}. {_native(found)}\n"
    missing = found.companies_missing
    yield f"Missing: {len(missing)}, {amounts(missing)} a month.\n"
    columns = {"company_name": "Pax8 company", "company_id": "id", "state": "why", "candidates": "candidates",
               "subscriptions": "subscriptions", "money": "money a month"}  # fmt: skip
    yield from _table(missing, columns, limit)
    yield "\n## Subscriptions and lines\n"
    yield f"Linked: {_counts(by_method(found.subscriptions, 'line_id'))}.\n"
    missing = found.subscriptions_missing
    yield f"Billed by Pax8 and by no live Halo line: {len(missing)}, {amounts(missing)} a month.\n"
    columns = {"who": "client", "product_name": "product", "subscription_id": "subscription", "link": "tied to",
               "verdict": "why", "reason": "detail", "money": "money a month"}  # fmt: skip
    yield from _table([{**m, "who": m["client_name"] or m["company_name"]} for m in missing], columns, limit)


def _risks(found: Cutover, limit: int) -> Iterator[str]:
    yield f"\n## Licences that `deactivate_missing_licenses` would switch off ({len(found.licences)})\n"
    columns = {"client_name": "client", "name": "licence", "licence_id": "id", "count": "count", "why": "why",
               "mapped_subscription": "mapped to", "live_lines": "live lines", "money": "money a month"}  # fmt: skip
    yield from _table(found.licences, columns, limit)
    titles = {"several_lines": "Lines that share a licence", "several_licences": "Lines with several licences",
              "manual": "Manual lines for Pax8 products"}  # fmt: skip
    columns = {"client_name": "client", "description": "line", "line_id": "id", "recurring_invoice_id": "recurring invoice",
               "why": "why", "money": "money a month"}  # fmt: skip
    for kind, title in titles.items():
        rows = found.risks(kind)
        yield f"\n## {title} ({len(rows)})\n"
        yield from _table(rows, columns, limit)


def _native(found: Cutover) -> str:
    if not found.native_mappings:
        return "Halo shows no table of customers mapped in its own integration."
    states = [m["state"] for m in found.native_mappings]
    other = [f"{plaintext.markdown(m['company_name'] or '?')} ({m['native_client_id']} there, {m['our_client_id']} here)"
             for m in found.native_mappings if m["state"] == "other"]  # fmt: skip
    mapped = f"Mapped in Halo's own integration: {len(states)}, of which {states.count('same')} as here."
    return mapped + (f" To another client: {'; '.join(other)}." if other else "")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} by {method.replace('_', ' ')}" for method, n in counts.items()) or "none"


def _table(rows: Sequence[Row], columns: dict[str, str], limit: int = 100_000) -> Iterable[str]:
    if not rows:
        return ["(none)"]
    shown = [{**row, "money": _money(row)} for row in rows]
    parts = [Column(name, title) for name, title in columns.items()]
    return [table.markdown(Table("", parts, shown), limit, "... and {count} more")]


def _money(row: Row) -> str | None:
    amount = row.get("money_per_month")
    return formatting.money(amount, row["currency"]) if amount else None
