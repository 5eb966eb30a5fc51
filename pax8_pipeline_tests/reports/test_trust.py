"""Trust in steps: which nights count, what a client lacks before auto, and when a raise is suggested. One warehouse with
a client for each story answers all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.commands.status_trust import raise_hint, trust_data, trust_lines
from pax8_pipeline.reports.trust.trust import ClientTrust, Missing, client_trust, suggestion
from pax8_pipeline.settings import Policy, Trust
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse

FIRST = date(2026, 8, 1)
NIGHTS = 6
ACCEPTED, BY_HAND, UNDONE, OTHERWISE, OPEN, CARRIED, QUIET, CHANGED = range(231, 239)


def night(number: int) -> date:
    return FIRST + timedelta(days=number)


class History:
    """Plans of some nights, and the ledger, written row by row."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.entry = 0

    def insert(self, table: str, **values: Any) -> None:
        columns = self.connection.execute(f"DESCRIBE {table}").fetchall()
        defaults = {name: _default(kind) for name, kind, null, *_ in columns if null == "NO"}
        row = {**defaults, **values}
        marks = ", ".join("?" for _ in row)
        names = ", ".join(f'"{name}"' for name in row)
        self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))

    def plan(self, number: int, plan_id: str = "", **more: Any) -> str:
        plan_id = plan_id or f"plan-{number}"
        made = datetime.combine(night(number), datetime.min.time()) + timedelta(hours=6)
        self.insert("billing.plans", plan_id=plan_id, today=night(number), made_at=made, complete=True, money="{}",
                    snapshot_ids="[]", **more)  # fmt: skip
        return plan_id

    def row(self, plan_id: str, client: int | None, before: int, after: int, **more: Any) -> None:
        changes = before != after
        values = {
            "row_id": f"sub-{client}", "client_id": client, "client_name": f"Client {client}", "currency": "USD",
            "class": "needs_approval" if changes else "no_op", "verdict": "increase" if changes else "in_step",
            "action": "set_licence_count" if changes else "none", "reason": "trust_approve", "before": str(before),
            "after": str(after), "quantity_before": before, "quantity_after": after, "unbilled_per_month": 0,
            "money_per_month": (after - before) * 10,
        }  # fmt: skip
        self.insert("billing.plan", plan_id=plan_id, **{**values, **more})

    def verified(self, plan_id: str, number: int, client: int, after: int, hours: int = 8) -> None:
        self.entry += 1
        at = datetime.combine(night(number), datetime.min.time()) + timedelta(hours=hours)
        self.insert("billing.ledger", entry=self.entry, recorded_at=at, plan_id=plan_id, row_id=f"sub-{client}",
                    state="verified", action="set_licence_count", client_id=client, after=str(after))  # fmt: skip


def _default(kind: str) -> Any:
    if kind.startswith(("BIGINT", "DECIMAL", "INTEGER")):
        return 0
    return {"BOOLEAN": False, "TIMESTAMP": datetime(2026, 8, 1), "DATE": FIRST}.get(kind, "")


def tell(history: History) -> None:
    """Six nights. Quantities before and after of each client, night by night."""
    for number in range(NIGHTS):
        plan = history.plan(number)
        history.row(plan, ACCEPTED, 10 + number, 11 + number)
        history.row(plan, BY_HAND, *((5, 7) if number == 1 else (7, 7) if number > 1 else (5, 5)))
        history.row(plan, UNDONE, *((1, 2) if number < 2 else (1, 1)))
        history.row(plan, OTHERWISE, *((4, 6) if number == 3 else (9, 9) if number > 3 else (4, 4)))
        history.row(plan, OPEN, 3, 4)
        history.row(plan, CARRIED, *((3, 4) if number < 3 else (4, 4)))
        history.row(plan, QUIET, 8, 8)
        history.row(plan, CHANGED, 3, 4 + number)
        history.row(plan, None, 0, 0, **{"class": "blocked", "verdict": "unmatched_company", "unbilled_per_month": 50})
        history.verified(plan, number, ACCEPTED, 11 + number)
    history.verified("plan-2", 2, CARRIED, 4)
    history.verified("plan-0", 0, UNDONE, 2)
    back = history.plan(1, "rollback")
    history.row(back, UNDONE, 2, 1, verdict="rollback")
    history.verified(back, 1, UNDONE, 1, hours=12)
    newest = history.plan(NIGHTS)
    lacking = {"class": "blocked", "action": "none", "verdict": "unbilled", "unbilled_per_month": Decimal("120.5")}
    history.row(newest, ACCEPTED, 0, 0, **lacking)
    history.row(newest, ACCEPTED, 1, 3, row_id="held", **{"class": "blocked", "reason": "guardrail_client"})
    history.row(newest, QUIET, 8, 8)
    history.row(newest, CARRIED, 4, 5)
    history.row(newest, OPEN, 3, 4, **{"class": "blocked", "reason": "trust_observe"})


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    warehouse = Warehouse(tmp_path_factory.mktemp("trust") / "warehouse.duckdb")
    empty_warehouse(warehouse.path)
    with warehouse.transaction() as made:
        tell(History(made))
    with warehouse.connect() as opened:
        yield opened


def found(connection: Connection, **trust: Any) -> dict[int | None, ClientTrust]:
    return {c.client_id: c for c in client_trust(connection, Trust(default="approve", **trust))}


@pytest.mark.parametrize(
    ("client", "nights", "accepted"),
    [
        (ACCEPTED, 6, 6),  # the newest plan's own proposal is open, so that night does not count yet
        (CARRIED, 6, 3),  # two nights it waited, and was written unchanged; then quiet nights; now it proposes again
        (OPEN, 0, 0),
    ],
)
def test_nights_in_which_all_was_accepted_unchanged_are_counted(
    connection: Connection, client: int, nights: int, accepted: int
) -> None:
    trust = found(connection)[client]
    assert (trust.nights, trust.accepted) == (nights, accepted)


@pytest.mark.parametrize(("client", "nights", "refused"), [
    (BY_HAND, 6, None),  # done by hand exactly so: that night and all after it
    (UNDONE, 0, night(1)),  # undone: neither night counts
    (OTHERWISE, 0, night(3)),  # a person set another quantity
])  # fmt: skip
def test_by_hand_undone_and_set_otherwise(
    connection: Connection, client: int, nights: int, refused: date | None
) -> None:
    rows = dicts(connection.execute(load_sql("reports/trust/nights.sql"), {"since": FIRST}))
    row = {row["client_id"]: row for row in rows}[client]
    assert (row["nights"], row["refused_on"]) == (nights, refused)


def test_a_client_without_any_proposal_has_proved_nothing(connection: Connection) -> None:
    assert found(connection)[QUIET].nights == 0


def test_what_is_missing_before_auto_is_named_with_its_money(connection: Connection) -> None:
    lacks = {(m.kind, m.verdict): (m.number, m.money) for m in found(connection)[ACCEPTED].missing}
    assert lacks == {("finding", "unbilled"): (1, Decimal("120.5")), ("guardrail", None): (1, Decimal(20))}


def test_a_raise_is_suggested_after_enough_nights_and_never_to_auto_while_something_is_missing(
    connection: Connection,
) -> None:
    enough = found(connection, suggest_after_nights=3)
    assert enough[CARRIED].suggestion == "auto"  # only a change that waits for its approval
    assert enough[ACCEPTED].suggestion is None  # a finding and a guardrail
    assert found(connection, suggest_after_nights=3, clients={ACCEPTED: "observe"})[ACCEPTED].suggestion == "approve"
    assert found(connection, suggest_after_nights=14)[CARRIED].suggestion is None
    assert found(connection, suggest_after_nights=3, clients={CARRIED: "auto"})[CARRIED].suggestion is None


def test_a_person_reads_who_may_be_raised_first_and_short_lines(connection: Connection) -> None:
    clients = list(found(connection, suggest_after_nights=3).values())
    lines = list(trust_lines(clients, 3, everything=False))
    assert lines[:2] == [
        "1 client may be raised, in policy.yaml under trust.clients:",
        f"  {CARRIED}: auto  # Client {CARRIED}, 6 of 3 nights",
    ]
    assert "  1 not billed, 120.50 USD" in lines
    assert max(map(len, lines)) <= 60
    many = [ClientTrust(n, f"Client {n}", "observe", (Missing("observed", None, 1, None, None),)) for n in range(12)]
    assert "2 more clients: pax8-pipeline status --trust --all" in trust_lines(many, 14, everything=False)
    *rest, _, _, how, run = trust_lines(many, 14, everything=True)
    assert (len(rest), how, run) == (24, "  trust.clients: {0: approve}", "and then: pax8-pipeline run")


def test_the_plain_status_names_that_somebody_may_be_raised(connection: Connection) -> None:
    hint = raise_hint(list(found(connection, suggest_after_nights=3).values()))
    assert hint == "1 client may be raised: pax8-pipeline status --trust"
    assert raise_hint(list(found(connection).values())) == ""


def test_rows_without_a_client_stand_apart(connection: Connection) -> None:
    data = trust_data(list(found(connection).values()), 14)
    assert data["schema"] == "pax8-pipeline/trust/1"
    assert None not in {client["client_id"] for client in data["clients"]}


def test_there_is_no_step_above_auto() -> None:
    assert suggestion("auto", 99, (), 1) is None


def test_the_number_of_nights_is_no_part_of_a_plan() -> None:
    assert Policy(trust=Trust(suggest_after_nights=3)).fingerprint == Policy().fingerprint
