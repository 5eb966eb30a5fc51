"""The tables of a plan on the page: what nobody is billed for, what is billed too much, changes, and what waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.verdicts import check_of, label_of
from pax8_pipeline.reports import formatting, plan_rows
from pax8_pipeline.reports.links import Addresses
from pax8_pipeline.reports.next_steps import STEPS
from pax8_pipeline.reports.table import Column, Table, totals_by_currency

Row = Mapping[str, Any]

_AMOUNT = Column("amount", "Amount", "money", unknown=formatting.NOT_KNOWN)
_CHANGE = Column("amount", "Amount", "money", signed=True)
_MONEY = (Column("currency", "Currency", size="short"), Column("per", "For", size="short"))
_WHAT = (Column("label", "What"), Column("product", "Product"))
_STEP = Column("step", "Next step", size="wide")
_WRITES = (Column("before", "Before"), Column("after", "After"), Column("state", "Result"))
_END = (
    Column("sentence", "Why", size="wide"),
    Column("mark", "Acknowledged"),
    Column("since", "Since", "date"),
    Column("links", "Open in", "links"),
    Column("verdict", "Verdict", "id"),
    Column("row_id", "Id", "id"),
)
_CLIENT = Column("client", "Client")

# The amount is beside the client, so that a telephone shows both.
LOSSES = (_CLIENT, _AMOUNT, *_MONEY, *_WHAT, _STEP, *_END)
CHANGES = (_CLIENT, _CHANGE, *_MONEY, *_WHAT, *_WRITES, *_END)
OTHERS = (_CLIENT, _CHANGE, *_MONEY, *_WHAT, _STEP, *_END)


def plan_tables(rows: Sequence[Row], open_findings: Sequence[Row] | None, where: Addresses) -> dict[str, Table]:
    """Return the tables of a plan by name: losses, overcharges, waiting, changes, blocked, acknowledged, worth_knowing.

    Each row is in one table. `open_findings` are what only a person can resolve (`findings.open_findings`), None for a plan
    whose findings are not known any more: its losses are then those that its rows say.
    """
    if open_findings is None:
        found = [row for row in rows if _loss_of_row(row) > 0 or (row["class"] == "blocked" and _loss_of_row(row) < 0)]
        parts = {
            "losses": [_with_amount(row, _loss_of_row(row)) for row in found if _loss_of_row(row) > 0],
            "overcharges": [_with_amount(row, _loss_of_row(row)) for row in found if _loss_of_row(row) < 0],
            "acknowledged": [],
        }
        shown = {(row["row_id"], row["verdict"]) for row in found}
    else:
        known = [_finding(row) for row in open_findings if row["counts"] or (row["acknowledged"] and not row["waits"])]
        parts = {
            "losses": [row for row in known if row["counts"] and (row["at_stake"] is None or row["at_stake"] > 0)],
            "overcharges": [row for row in known if row["counts"] and (row["at_stake"] or 0) < 0],
            "acknowledged": [row for row in known if not row["counts"]],
        }
        shown = {(row["row_id"], row["verdict"]) for row in known}
    others = [row for row in rows if (row["row_id"], row["verdict"]) not in shown]
    for name, cls in (
        ("waiting", "needs_approval"),
        ("changes", "safe"),
        ("blocked", "blocked"),
        ("worth_knowing", "no_op"),
    ):
        parts[name] = [_with_amount(row, Decimal(row["money_per_month"] or 0)) for row in others if row["class"] == cls]
    return {name: _table(*_TABLES[name], part, where) for name, part in parts.items()}


_TABLES: Mapping[str, tuple[str, Sequence[Column]]] = {
    "losses": ("Not billed to any client", LOSSES),
    "overcharges": ("Billed too much", LOSSES),
    "acknowledged": ("Acknowledged, may stay as it is", LOSSES),
    "waiting": ("Waiting for a decision", CHANGES),
    "changes": ("Changes", CHANGES),
    "blocked": ("Held back", OTHERS),
    "worth_knowing": ("Worth knowing", OTHERS),
}


def _loss_of_row(row: Row) -> Decimal:
    """Return what a row of a plan loses (above 0) or bills too much (below 0); 0 for what was written or needs nothing."""
    if row["state"] == "verified" or row["class"] == "no_op":
        return Decimal(0)
    return Decimal(row["at_stake"] or row["unbilled_per_month"] or 0)


def _with_amount(row: Row, amount: Decimal) -> Row:
    return {**row, "amount": amount}


def _finding(row: Row) -> Row:
    """Return an open finding in the form of a plan row: nothing is written for it."""
    return {
        **row, "verdict": row["kind"], "class": "blocked", "action": "none", "state": None, "before": None, "after": None,
        "at_stake": row["money"], "since": row["first_seen"], "amount": row["money"],
    }  # fmt: skip


def _table(title: str, columns: Sequence[Column], rows: Iterable[Row], where: Addresses) -> Table:
    # Losses and overcharges have no sign: the table says which of them it is.
    signed = any(column.signed for column in columns)
    shown = sorted((_shown(row, where, signed) for row in rows), key=_largest_first)
    money = [column for column in columns if column.kind == "money"]
    return Table(
        title, columns, shown, totals_by_currency(shown, money, "client", also_by=("per",))
    ).without_empty_columns()


def _largest_first(row: Row) -> tuple[bool, Decimal, str, str]:
    return row["amount"] is None, -abs(row["amount"] or Decimal(0)), row["client"], row["row_id"]


def _shown(row: Row, where: Addresses, signed: bool) -> dict[str, Any]:
    verdict = str(row["verdict"])
    amount = row["amount"]
    return {
        "client": plan_rows.client(row) or "no company assigned",
        "product": row["product_name"] or "",
        "label": label_of(verdict),
        "amount": amount if signed or amount is None else abs(amount),
        "currency": row["currency"] or "?",
        "per": "once" if plan_rows.is_once(row) else "a month",
        "step": "; ".join(filter(None, (STEPS.get(check_of(verdict) or "", ""), row.get("hint")))),
        "sentence": row["sentence"],
        "mark": findings.acknowledgement_text(row),
        "before": row["before"] or "",
        "after": plan_rows.after(row),
        "state": row["state"] or ("not written" if row["action"] != "none" else ""),
        "since": plan_rows.since(row) or None,
        "is_new": bool(row["is_new"]),
        "links": where.of_row(dict(row)) or None,
        "verdict": verdict,
        "row_id": row["row_id"],
    }
