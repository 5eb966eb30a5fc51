"""Usage as people read it: its part of the report, in Markdown and HTML, and as data.

Here belongs: words and layout of months, groups without a company, and what moved. Not here: figures (they stand in
reconciled.usage_by_month and in warehouse/sql/views/usage_*.sql), the plan's own table (`plan_report`).
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pax8_pipeline.reports import usage_chart
from pax8_pipeline.text import plaintext
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

Row = Mapping[str, Any]

_MONTHS = {"month": "Month", "state": "State", "to_bill": "Charged", "billed": "Billed", "waiting": "In this plan",
           "held": "Held back", "unassigned": "No company", "skipped": "Left out", "estimate": "So far", "currency": "Currency",
           "why": "Why"}  # fmt: skip
_GROUPS = {"month": "Month", "resource_group": "Group", "vendor_name": "Vendor", "charges": "Client charges", "cost": "Your cost",
           "currency": "Currency", "shape": "Shape", "click": "What to click"}  # fmt: skip
_MOVERS = {"client": "Client", "product": "Product", "quantity": "Quantity", "unit": "Unit", "before": "Month before",
           "amount": "Amount", "change": "Change", "percent": "%", "margin": "Margin", "currency": "Currency"}  # fmt: skip
_FIGURES = ("to_bill", "billed", "waiting", "held", "unassigned", "skipped", "estimate", "charges", "cost", "quantity", "before",
            "amount", "change", "percent", "margin")  # fmt: skip
_MONEY = (
    "to_bill",
    "billed",
    "waiting",
    "held",
    "unassigned",
    "skipped",
    "estimate",
    "charges",
    "cost",
    "before",
    "amount",
    "margin",
)
_SHOWN = 40
_ABOUT = (
    "Amounts are what clients are charged by policy; what has no company and what is left out stand as Pax8 states them. "
    "Usage of a month is billed from Pax8's approved invoice of the month after; before that it is an estimate, and never written."
)


@dataclass(frozen=True)
class Usage:
    """What the report tells of usage: rows of each table, the newest month first, and the picture."""

    months: Sequence[Row]
    groups: Sequence[Row]
    movers: Sequence[Row]
    picture: str | None


def gather(connection: Connection, plan_id: str) -> Usage:
    """Read what is known of usage as it was last reconciled; what waits is told by one plan."""
    months = dicts(connection.execute(load_sql("reports/usage_report_months.sql"), {"plan_id": plan_id}))
    groups = dicts(connection.execute(load_sql("reports/usage_report_groups.sql")))
    for row in groups:
        row["click"] = what_to_click(row)
        row["resource_group"] = f"{row['resource_group'] or '(no name)'}{' (so far)' if row['is_estimate'] else ''}"
    return Usage(months, groups, movers(connection), usage_chart.usage_svg(connection))


def movers(connection: Connection) -> list[dict[str, Any]]:
    """Return what changed most in the newest approved month."""
    return dicts(connection.execute(load_sql("reports/usage_movers.sql")))


def what_to_click(row: Row) -> str:
    """Say how a group gets its company (docs/vendors/pax8.md#no-company: only the portal can)."""
    where = row["subscription_id"] or "the subscription it belongs to"
    name = f'the row "{row["resource_group"]}"' if row["resource_group"] else "the row without a name"
    return f'Pax8 portal: Subscriptions, {where}, Usage tab, "..." menu of {name}, Assign company'


def as_data(usage: Usage) -> dict[str, Any]:
    """Return it as data for the report's JSON."""
    return {"months": list(usage.months), "unassigned": list(usage.groups), "movers": list(usage.movers)}


def markdown(usage: Usage) -> str:
    """Return it as Markdown, with the picture inside."""
    if not usage.months:
        return "## Usage\n\nNo metered usage is known."
    parts = ["## Usage", _ABOUT, picture(usage.picture), markdown_table(usage.months, _MONTHS)]
    if usage.groups:
        parts += [f"### No company assigned ({len(usage.groups)})", markdown_table(usage.groups, _GROUPS)]
    if usage.movers:
        parts += [f"### What moved in {usage.movers[0]['month']}", markdown_table(usage.movers, _MOVERS)]
    return "\n\n".join(part for part in parts if part)


def picture(svg: str | None) -> str:
    """Return the picture as Markdown, nothing where there is none."""
    return f"![usage]({usage_chart.as_link(svg)})" if svg else ""


def markdown_table(rows: Sequence[Row], columns: Mapping[str, str] = _MOVERS) -> str:
    """Return rows as a Markdown table, figures to the right."""
    lines = ["| " + " | ".join(columns.values()) + " |"]
    lines.append("|" + "|".join("---:" if name in _FIGURES else "---" for name in columns) + "|")
    for row in rows[:_SHOWN]:
        cells = (plaintext.markdown(_text(row, name)) for name in columns)
        lines.append("| " + " | ".join(cells) + " |")
    if len(rows) > _SHOWN:
        lines.append(f"\n{len(rows) - _SHOWN} more rows stand in the report's JSON.")
    return "\n".join(lines)


def html_parts(usage: Usage) -> Iterable[str]:
    """Give it as parts of an HTML page."""
    yield "<h2>Usage</h2>"
    if not usage.months:
        yield "<p>No metered usage is known.</p>"
        return
    yield f"<p>{html.escape(_ABOUT)}</p>"
    if usage.picture:
        yield f"<p><img alt='usage by client and month' src='{usage_chart.as_link(usage.picture)}'></p>"
    yield _html_table(usage.months, _MONTHS)
    if usage.groups:
        yield f"<h2>No company assigned ({len(usage.groups)})</h2>"
        yield _html_table(usage.groups, _GROUPS)
    if usage.movers:
        yield f"<h2>What moved in {html.escape(usage.movers[0]['month'])}</h2>"
        yield _html_table(usage.movers, _MOVERS)


def _html_table(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    lines = ["<table><tr>" + "".join(f"<th>{html.escape(title)}</th>" for title in columns.values()) + "</tr>"]
    for row in rows:
        cells = (f"{'<td class=n>' if n in _FIGURES else '<td>'}{html.escape(_text(row, n))}</td>" for n in columns)
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return "".join([*lines, "</table>"])


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if name == "change":
        return f"{value:+,.2f}"
    if name in _MONEY:
        return f"{value:,.2f}"
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)
