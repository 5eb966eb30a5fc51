"""Reads the result of a compared month from the warehouse: its rows, its sums, and whether anything is open.

It decides nothing: classes and sums are made by SQL (`warehouse/sql/monthly`). Text for a terminal is in `text`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.month_closing import Closing, changes_since_closing, newest_closing
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.month.forecast import Forecasts, read_forecasts
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql

Row = Mapping[str, Any]
# In the order in which a person looks at them. These wait for a person; `timing` settles by itself.
OPEN = ("over_billed", "under_billed", "unbilled", "orphaned", "price_drift")
NOT_CHECKED = "not_checked"
_SETTLED = ("timing", "equal")
CLASSES = (*OPEN, NOT_CHECKED, *_SETTLED)

_ROWS = load_sql("reports/month/result.sql")
_SUMS = load_sql("reports/month/sums.sql")
_HISTORIES = load_sql("reports/month/histories.sql")


@dataclass(frozen=True)
class MonthResult:
    """One compared month. `head` is its row of monthly.months; `rows` and `sums` have the columns of their queries.

    `closing` is that which counts, `changes` what differs since then. `forecasts` are those of Pax8's drafts.
    `histories` has `read`, `not_read` (subscriptions) and `problem`: whether Pax8's histories were read where needed.
    """

    month: str
    head: Row
    rows: Sequence[Row]
    sums: Sequence[Row]
    forecasts: Forecasts
    histories: Row
    closing: Closing | None = None
    changes: Sequence[Row] = ()

    @property
    def ties(self) -> bool:
        """True when the sums of each client and currency agree to the cent, and there is an invoice."""
        return bool(self.head["ties"])

    @property
    def open_rows(self) -> list[Row]:
        """The rows that do not agree, or were not checked, and that nobody acknowledged: they wait for a person."""
        return [row for row in self.rows if row["is_open"]]

    @property
    def acknowledged_rows(self) -> list[Row]:
        """The rows that do not agree, or were not checked, and that a person knows of."""
        return [row for row in self.rows if row["acknowledged"] and row["class"] not in _SETTLED]

    @property
    def agrees(self) -> bool:
        """True when everything was checked, nothing waits for a person, and nothing changed since the month was closed.

        Nothing checked is not agreement.
        """
        return self.ties and bool(self.head["rows_compared"]) and not self.open_rows and not self.changes

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each class has; only classes with rows."""
        found = Counter(row["class"] for row in self.rows)
        return {name: found[name] for name in CLASSES if found[name]}

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        name = formatting.month_name(self.month)
        if not self.head["invoices"]:
            return f"{name}: nothing could be checked, {_why(self.rows)}"
        waiting = Counter(row["class"] for row in self.open_rows)
        unchecked, rows = waiting.pop(NOT_CHECKED, 0), f"of {len(self.rows):,}"
        parts = [plural(waiting.total(), f"row {rows} does not agree", f"rows {rows} do not agree")]
        if unchecked:
            parts.append(plural(unchecked, "row was not checked", "rows were not checked"))
        if not self.ties:
            parts.append("the sums do not tie")
        acknowledged = len(self.acknowledged_rows)
        if not self.open_rows and self.ties:
            parts = [_all_agree(len(self.rows), acknowledged)]
        elif acknowledged:
            parts.append(f"{acknowledged:,} acknowledged")
        return f"{name}: {'; '.join(parts)}"


def _all_agree(rows: int, acknowledged: int) -> str:
    if acknowledged:
        return f"{plural(rows, 'row')}, and all agree or are acknowledged ({acknowledged:,})"
    return plural(rows, "row, and it agrees", "rows, and all agree")


def _why(rows: Sequence[Row]) -> str:
    reasons = Counter(row["reason"] for row in rows if row["class"] == NOT_CHECKED)
    return reasons.most_common(1)[0][0] if reasons else "Pax8 has no approved invoice of the month"


def read_month(connection: Connection, month: str) -> MonthResult | None:
    """Return the stored result of a month (yyyy-mm); None when it was never compared."""
    heads = snapshots.dicts(connection.execute("SELECT * FROM monthly.months WHERE month = ?", [month]))
    if not heads:
        return None
    rows = snapshots.dicts(connection.execute(_ROWS, {"month": month}))
    sums = snapshots.dicts(connection.execute(_SUMS, {"month": month}))
    return MonthResult(
        month,
        heads[0],
        rows,
        sums,
        read_forecasts(connection, month),
        snapshots.dicts(connection.execute(_HISTORIES, {"month": month}))[0],
        newest_closing(connection, month),
        changes_since_closing(connection, month),
    )


def by_currency(result: MonthResult) -> dict[str, dict[str, Decimal]]:
    """Return the money of the month for each currency; amounts of two currencies are never added.

    invoiced, explained and unexplained are what Pax8 invoices the partner. billed and margin are a month's share of what
    Halo bills; too_much and too_little are what the clients are billed wrongly, and not_checked is the client total of
    what was not compared: of rows that wait for a person. acknowledged is the money of rows that a person knows of.
    """
    sums: dict[str, dict[str, Decimal]] = {}
    for row in result.sums:
        one = sums.setdefault(row["currency"], {})
        for name in ("invoiced", "explained", "unexplained"):
            one[name] = one.get(name, Decimal(0)) + row[f"{name}_cost"]
    for row in result.rows:
        one = sums.setdefault(row["currency"] or "?", {})
        for name, amount in _amounts(row).items():
            one[name] = one.get(name, Decimal(0)) + amount
    return dict(sorted(sums.items()))


def _amounts(row: Row) -> dict[str, Decimal]:
    """Return what one row adds to the money of its currency."""
    found = {"billed": row["halo_money"], "margin": row["margin"] or Decimal(0)}
    if row["class"] in _SETTLED:
        return found
    if row["acknowledged"]:
        found["acknowledged"] = row["pax8_total"] if row["difference"] is None else abs(row["difference"])
    elif row["class"] == NOT_CHECKED:
        found["not_checked"] = row["pax8_total"]
    elif row["difference"]:
        found["too_much" if row["difference"] > 0 else "too_little"] = abs(row["difference"])
    return found


def as_data(result: MonthResult, exit_code: int) -> dict[str, Any]:
    """Return the month as data for --json; money as decimal text."""
    return {
        "schema": "pax8-pipeline/month/1",
        "month": result.month,
        "today": result.head["today"],
        "exit_code": exit_code,
        "sentence": result.sentence,
        "ties": result.ties,
        "invoices": result.head["invoices"],
        "classes": result.counts,
        "money": by_currency(result),
        "closed": vars(result.closing) if result.closing else None,
        "changed_since_closing": list(result.changes),
        "forecast": result.forecasts.as_data(),
        "histories": dict(result.histories),
        "sums": list(result.sums),
        "rows": list(result.rows),
    }
