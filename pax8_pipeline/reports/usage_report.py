"""Usage as people read it: its part of the report, in Markdown, and as tables and data.

Figures come from reconciled.usage_by_month and the .sql files beside this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pax8_pipeline.reports import table, usage_chart
from pax8_pipeline.reports.rendering import render
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

Row = Mapping[str, Any]

MONTHS = (
    Column("month", "Month", size="short"),
    Column("state", "State", size="wide"),
    Column("to_bill", "Charged", "money"),
    Column("billed", "Billed", "money"),
    Column("waiting", "In this plan", "money"),
    Column("held", "Held back", "money"),
    Column("unassigned", "No company", "money"),
    Column("skipped", "Left out", "money"),
    Column("estimate", "So far", "money"),
    Column("currency", "Currency", size="short"),
    Column("why", "Why", size="wide"),
)
GROUPS = (
    Column("month", "Month", size="short"),
    Column("resource_group", "Group"),
    Column("vendor_name", "Vendor"),
    Column("amount", "Not billed", "money"),
    Column("cost", "Your cost", "money"),
    Column("currency", "Currency", size="short"),
    Column("shape", "Shape"),
    Column("click", "What to click", size="wide"),
)
MOVERS = (
    Column("client", "Client"),
    Column("product", "Product"),
    Column("quantity", "Quantity", "count"),
    Column("unit", "Unit"),
    Column("before", "Month before", "money"),
    Column("amount", "Amount", "money"),
    Column("change", "Change", "money", signed=True),
    Column("percent", "%", "count"),
    Column("margin", "Margin", "money"),
    Column("currency", "Currency", size="short"),
)
_SHOWN = 40
_MORE = "{count} more rows are in the report's JSON."
ABOUT = (
    "Amounts are what clients are or would be charged by policy; what is left out is shown as Pax8 states it. "
    "Usage of a month is billed from Pax8's approved invoice of the month after; before that it is an estimate, and never written."
)


@dataclass(frozen=True)
class Usage:
    """What the report shows of usage: rows of each table, the newest month first, and the chart as SVG."""

    months: Sequence[Row]
    groups: Sequence[Row]
    movers: Sequence[Row]
    picture: str | None

    @property
    def tables(self) -> dict[str, Table]:
        """The three tables by name: months, groups, movers."""
        month = self.movers[0]["month"] if self.movers else ""
        return {
            "months": Table("Usage by month", MONTHS, self.months),
            "groups": Table("No company assigned", GROUPS, self.groups),
            "movers": Table(f"What changed most in {month}", MOVERS, self.movers),
        }


def load_usage(connection: Connection, plan_id: str) -> Usage:
    """Read usage as it was last reconciled; what waits is what one plan says."""
    months = dicts(connection.execute(load_sql("reports/usage_report_months.sql"), {"plan_id": plan_id}))
    groups = dicts(connection.execute(load_sql("reports/usage_report_groups.sql"), {"plan_id": plan_id}))
    for row in groups:
        row["click"] = what_to_click(row)
        row["resource_group"] = f"{row['resource_group'] or '(no name)'}{' (so far)' if row['is_estimate'] else ''}"
    return Usage(months, groups, load_movers(connection), usage_chart.usage_svg(connection))


def load_movers(connection: Connection) -> list[dict[str, Any]]:
    """Return what changed most in the newest approved month."""
    return dicts(connection.execute(load_sql("reports/usage_movers.sql")))


def what_to_click(row: Row) -> str:
    """Say how a group gets its company (docs/vendors/pax8.md#no-company: only the portal can)."""
    where = row["subscription_id"] or "the subscription it belongs to"
    name = f'the row "{row["resource_group"]}"' if row["resource_group"] else "the row without a name"
    return f'Pax8 portal: Subscriptions, {where}, Usage tab, "..." menu of {name}, Assign company'


def as_data(usage: Usage) -> dict[str, Any]:
    """Return usage as data for the report's JSON."""
    return {"months": list(usage.months), "unassigned": list(usage.groups), "movers": list(usage.movers)}


def markdown(usage: Usage) -> str:
    """Return usage as Markdown, with the chart inside."""
    return render(
        "usage.md.j2",
        usage=usage,
        tables=usage.tables,
        about=ABOUT,
        picture=Markup(picture(usage.picture)),  # noqa: S704 - a data address of base64 letters
        limit=_SHOWN,
        more=_MORE,
    )


def picture(svg: str | None) -> str:
    """Return the chart as Markdown, nothing where there is none."""
    return f"![usage]({usage_chart.as_link(svg)})" if svg else ""


def movers_markdown(rows: Sequence[Row]) -> str:
    """Return what changed most (`load_movers`) as a Markdown table."""
    return table.markdown(Table("What changed most", MOVERS, rows), _SHOWN, _MORE)
