"""The rows of a plan, and the short texts about one row that every output shares: money, age and outcome."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.verdicts import known_label
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.table import Column
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

Row = Mapping[str, Any]

CLASS_TITLES = {
    "safe": "Changes",
    "needs_approval": "Waiting for a person",
    "blocked": "Held back",
    "no_op": "Looked at, nothing to do",
}

# A row of a plan as people read it (`shown_row`).
COLUMNS = (
    Column("client", "client"),
    Column("product", "product"),
    Column("outcome", "what"),
    Column("before", "before"),
    Column("after", "after"),
    Column("money", "money", "money"),
    Column("since", "since", "date"),
    Column("state", "state"),
)


def plan_rows(connection: Connection, plan_id: str, *, no_ops: bool = True) -> list[dict[str, Any]]:
    """Return the rows of a plan in reading order: not billed first with the most money on top, then the changes.

    `state` is what the ledger says became of a row's write, None when nothing was written for it. Without `no_ops` the
    rows that need nothing are left out.
    """
    return dicts(connection.execute(load_sql("reports/plan_rows.sql"), {"plan_id": plan_id, "no_ops": no_ops}))


def shown_row(row: Row) -> dict[str, str]:
    """Return a row of a plan as the texts of COLUMNS."""
    return {
        "client": client(row) or "no company assigned",
        "product": row["product_name"] or "",
        "outcome": outcome(row),
        "before": row["before"] or "",
        "after": after(row),
        "money": money(row),
        "since": since(row),
        "state": row["state"] or CLASS_TITLES[row["class"]].lower(),
    }


def client(row: Row) -> str:
    """Return whom a row is about: the Halo client, else the Pax8 company; empty when there is neither."""
    return str(row["client_name"] or row["company_name"] or "")


def after(row: Row) -> str:
    """Return the planned state of the target; empty where nothing is to be written."""
    return str(row["after"] or "") if row["action"] != "none" else ""


def money(row: Row) -> str:
    """Return the money of one row with its currency and what it is, such as `110.00 USD a month not billed`.

    A change has a sign in place of words. Empty when there is no money.
    """
    currency, period = row["currency"] or "", "once" if is_once(row) else "a month"
    if row["unbilled_per_month"]:
        return f"{formatting.money(row['unbilled_per_month'], currency)} {period} not billed"
    amount = row["money_per_month"] or Decimal(0)
    if amount:
        return f"{formatting.money(amount, currency, signed=True)} {period}"
    at_stake = row.get("at_stake")
    if not at_stake or not round(at_stake, 2):
        return ""
    direction = "not billed" if at_stake > 0 else "billed too much"
    return f"{formatting.money(abs(at_stake), currency)} {period} {direction}"


def is_once(row: Row) -> bool:
    """True for an amount that is billed once: usage. The plan has it in the same column as money a month."""
    if row.get("per"):
        return str(row["per"]) == "once"
    return registry.is_usage(row["action"]) or str(row["verdict"]).startswith("usage")


def since(row: Row) -> str:
    """Return since when a row waits for a person, and whether that is new; empty for what is not a finding."""
    return f"{row['since']}{', new' if row['is_new'] else ''}" if row["since"] else ""


def outcome(row: Row) -> str:
    """Return the verdict of a row in words, the best suggestion where one is known, and what a person said about it."""
    mark = findings.acknowledgement_text(row)
    label, hint = known_label(str(row["verdict"])), f"; {row['hint']}" if row.get("hint") else ""
    text = f"{label}: {row['sentence']}{hint}" if label else f"{row['sentence']}{hint}"
    return text + (f" [{mark}]" if mark else "")
