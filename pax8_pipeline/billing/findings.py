"""What only a person can put right: found in each plan, remembered with the day it was first seen, acknowledged or not.

It updates billing.findings after a plan, sums it up, and keeps a copy that survives a lost warehouse. Which verdict belongs
to which check is in `verdicts`, the file of acknowledgements in `acknowledgements`, exit codes in `exit_status`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from pax8_pipeline.billing import unassigned
from pax8_pipeline.billing.verdicts import ALL_VERDICTS, ANY_OTHER, check_of
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import Policy
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection, Warehouse, quoted
from pax8_pipeline.warehouse.models import load_sql, model
from pax8_pipeline.warehouse.snapshots import dicts

Row = Mapping[str, Any]
COPY = "findings.parquet"


def update(connection: Connection, plan_id: str, today: date, policy: Policy) -> None:
    """Bring billing.findings up to one stored plan. What the plan no longer has is closed, not deleted."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE finding_verdicts (verdict VARCHAR, class VARCHAR, check_name VARCHAR, "
        "is_new BOOLEAN)"
    )
    with connection.appender("finding_verdicts") as appender:
        appender.append_rows([(v.name, v.cls, check_of(v.name), v.of == "new") for v in ALL_VERDICTS])
    connection.execute("SET VARIABLE any_other_check = ?", [ANY_OTHER])
    query = load_sql("billing/findings_of_plan.sql").replace("{unassigned_usage}", unassigned.QUERY)
    connection.execute(query, {"plan_id": plan_id, **unassigned.parameters(policy.usage, today)})
    connection.execute(load_sql("billing/findings_kept.sql"), {"plan_id": plan_id, "today": today})
    names = ", ".join(model("billing.findings").column_names)
    connection.execute(
        f"INSERT INTO billing.findings BY NAME SELECT {names} FROM (SELECT *, $today::DATE AS first_seen, "
        "$today::DATE AS last_seen, $today::DATE AS changed_on, true AS still_open, $plan_id AS plan_id, $plan_id AS first_plan "
        "FROM findings_of_plan) WHERE finding_id NOT IN (SELECT finding_id FROM billing.findings)",
        {"plan_id": plan_id, "today": today},
    )
    connection.execute("UPDATE billing.findings SET still_open = false WHERE still_open AND plan_id <> ?", [plan_id])


def open_findings(connection: Connection, plan_id: str | None = None) -> list[dict[str, Any]]:
    """Return what the last plan found, the most money first; of an earlier plan nothing is known any more."""
    query = (
        "SELECT * FROM billing.findings_state WHERE still_open AND ($plan_id::VARCHAR IS NULL OR plan_id = $plan_id) "
        "ORDER BY counts DESC, per, currency, abs(coalesce(money, 0)) DESC, finding_id"
    )
    return dicts(connection.execute(query, {"plan_id": plan_id}))


def month_findings(connection: Connection, month: str) -> list[dict[str, Any]]:
    """Return the rows of a compared month (yyyy-mm) that do not agree or were not checked, as findings."""
    return dicts(connection.execute(load_sql("billing/month_findings.sql"), {"month": month}))


@dataclass(frozen=True)
class FindingTotals:
    """Findings that count: money at stake, nobody acknowledged it, and no approval of ours would settle it.

    Money by currency. `without_company`: the part of `lost_once` that is usage without a company. `waiting_acknowledged`: changes that wait for an approval and that a person knows of.
    """

    losses: int = 0
    overcharges: int = 0
    unknown: int = 0
    new: int = 0
    acknowledged: int = 0
    waiting_acknowledged: int = 0
    lost_a_month: Mapping[str, Decimal] = field(default_factory=dict)
    lost_once: Mapping[str, Decimal] = field(default_factory=dict)
    overcharged_a_month: Mapping[str, Decimal] = field(default_factory=dict)
    overcharged_once: Mapping[str, Decimal] = field(default_factory=dict)
    without_company: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.losses + self.overcharges + self.unknown

    @property
    def sentence(self) -> str:
        """How many, how many of them new, and the money, each kind by itself."""
        parts = [
            _many(self.losses, "loss", "losses"),
            _many(self.overcharges, "overcharge", "overcharges"),
            _many(self.unknown, "of an amount that nobody can tell", "of amounts that nobody can tell"),
        ]
        message = " and ".join(part for part in parts if part)
        verb = "waits" if self.count == 1 else "wait"
        new = f" ({self.new} new)" if self.new else ""
        money = [
            *_amounts(self.lost_a_month, "a month not billed"),
            *_amounts(self.lost_once, "of usage not billed"),
            *_amounts(self.overcharged_a_month, "a month billed too much"),
            *_amounts(self.overcharged_once, "of usage billed too much"),
        ]
        return f"{message} {verb} for a person{new}" + (f": {', '.join(money)}" if money else "")


def _many(count: int, one: str, several: str) -> str:
    return plural(count, one, several) if count else ""


def _amounts(sums: Mapping[str, Decimal], what: str) -> Iterable[str]:
    return (f"{currency} {amount:,.2f} {what}" for currency, amount in sorted(sums.items()) if amount)


def add_up(rows: Sequence[Row]) -> FindingTotals:
    """Add up open findings (`open_findings`)."""
    counting = [row for row in rows if row["counts"]]
    sums: dict[tuple[bool, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    without_company: dict[str, Decimal] = defaultdict(Decimal)
    for row in counting:
        if row["money"] is not None:
            sums[row["money"] > 0, row["per"]][row["currency"] or "?"] += abs(row["money"])
            if row["check_name"] == "usage_unassigned" and row["money"] > 0:
                without_company[row["currency"] or "?"] += row["money"]
    return FindingTotals(
        losses=sum(row["money"] is not None and row["money"] > 0 for row in counting),
        overcharges=sum(row["money"] is not None and row["money"] < 0 for row in counting),
        unknown=sum(row["money"] is None for row in counting),
        new=sum(bool(row["is_new"]) for row in counting),
        acknowledged=sum(bool(row["acknowledged"]) for row in rows),
        waiting_acknowledged=sum(bool(row["acknowledged"] and row["waits"]) for row in rows),
        lost_a_month=dict(sums[True, "month"]),
        lost_once=dict(sums[True, "once"]),
        overcharged_a_month=dict(sums[False, "month"]),
        overcharged_once=dict(sums[False, "once"]),
        without_company=dict(without_company),
    )


def by_check(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Count open findings by check: all, those nobody acknowledged, and of these the news (new today, or more money)."""
    counted: dict[str, dict[str, int]] = {}
    for row in rows:
        of = counted.setdefault(row["check_name"], {"found": 0, "unacknowledged": 0, "news": 0})
        of["found"] += 1
        of["unacknowledged"] += not row["acknowledged"]
        of["news"] += bool(row["is_news"] and not row["acknowledged"])
    return dict(sorted(counted.items()))


def amount_text(row: Row) -> str:
    """Return the money of one finding in words; empty where there is none."""
    money, per = row["money"], "a month" if row["per"] == "month" else "once"
    if money is None:
        return "not known"
    if not round(money, 2):
        return ""
    return f"{abs(money):,.2f} {row['currency'] or '?'} {per} {'not billed' if money > 0 else 'billed too much'}"


def acknowledgement_text(row: Row) -> str:
    """Return what is known of an acknowledgement, of a finding or a plan row beside it; empty when there is none."""
    if not row["ack_who"]:
        return ""
    until = f" until {row['ack_until']}" if row["ack_until"] else ""
    message = f"by {row['ack_who']}{until}: {row['ack_reason']}"
    return f"acknowledged {message}" if row["acknowledged"] else f"no longer acknowledged {message}"


def save_copy(warehouse: Warehouse, folder: Path) -> None:
    """Write all findings beside the backups, whole or not at all: a lost warehouse must not make old losses new."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{COPY}.new"
    with warehouse.connect() as connection:
        connection.execute(f"COPY billing.findings TO '{quoted(fresh)}' (FORMAT parquet)")
    os.replace(fresh, folder / COPY)


def load_copy(warehouse: Warehouse, folder: Path) -> int:
    """Load the copy into a warehouse that has no findings; return how many came back.

    Raises PipelineError when there is a copy that cannot be read.
    """
    path = folder / COPY
    if not path.exists():
        return 0
    with warehouse.transaction() as connection:
        if connection.execute("SELECT count(*) FROM billing.findings").fetchall() != [(0,)]:
            return 0
        try:
            connection.execute(f"INSERT INTO billing.findings BY NAME FROM read_parquet('{quoted(path)}')")
        except duckdb.Error as error:
            raise PipelineError(
                f"{warehouse.path} has no findings and their copy {path} cannot be read: {error}. Mend it, or move it "
                "away: every loss is then new again"
            ) from error
        return int(connection.execute("SELECT count(*) FROM billing.findings").fetchall()[0][0])
