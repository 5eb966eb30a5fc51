"""What becomes of usage invoices whose end is not known, once Halo's invoices are read again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.ledger.recovery import open_since, pending
from pax8_pipeline.billing.model import Change, Entry, State
from pax8_pipeline.billing.planning.planner import all_changes, latest_plan_id, load_plan
from pax8_pipeline.billing.rollback import make_rollback
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.billing import WAIT, FakeHalo, as_halo_keeps
from pax8_pipeline_tests.support.usage_data import KEY, UsageData, policy, usage_plan
from pax8_pipeline_tests.support.vendor_data import TODAY, plan_context
from pax8_pipeline_tests.support.warehouse_files import hold_open, release

CHECKS = policy()
OPEN: tuple[State, ...] = ("claimed", "sent", "unknown")
CLAIMED = datetime(2026, 8, 20, 5, 12)
COVERS = (date(2026, 6, 19), date(2026, 9, 29))


class Case:
    """A planned invoice, and what the ledger says of it."""

    loaded: Path  # vendor data that are read, reconciled and planned in run-1, once for all tests

    def __init__(self, folder: Path, *states: State) -> None:
        release()
        shutil.copy(self.loaded, folder / "warehouse.duckdb")
        self.warehouse = Warehouse(folder / "warehouse.duckdb")
        hold_open(self.warehouse)
        planned = self.planned()
        assert planned is not None
        self.change = planned
        self.note("run-1", *states)

    def plan(self, run_id: str) -> Change:
        """Plan it in a run and remember the plan."""
        ((self.verdict, self.sentence),) = [
            (row["verdict"], row["sentence"])
            for key, row in usage_plan(self.warehouse, CHECKS, run_id).items()
            if key.startswith(KEY)
        ]
        return self.planned() or self.change

    def planned(self) -> Change | None:
        """The invoice as the newest plan has it, None when that makes none."""
        with self.warehouse.connect() as connection:
            self.plan_id = latest_plan_id(connection) or ""
            return next((c for c in all_changes(connection, self.plan_id) if c.row_id == KEY), None)

    def note(self, run_id: str, *states: State) -> None:
        for state in states:
            Ledger(self.warehouse, run_id, clock=lambda: CLAIMED).record(self.plan_id, [Entry(self.change, state)])

    def shown(self, number: int = 51877, **changes: Any) -> dict[str, Any]:
        """The planned invoice as Halo shows it."""
        return as_halo_keeps(number, UsageInvoice.from_json(self.change.expect).body(), **changes)

    def settle(
        self,
        *shown: dict[str, Any],
        run_id: str = "run-2",
        read: bool = True,
        at: datetime | None = None,
        covers: tuple[date, date] | None = COVERS,
    ) -> list[tuple[str, str, str]]:
        """A later run (run-2 a day after the claim) reads Halo and settles; return plan, state and detail."""
        at = at or CLAIMED + timedelta(days=int(run_id.removeprefix("run-")) - 1)
        found = snapshots.Read("halo.invoices", snapshots.raw_objects("/Invoice", shown), "/Invoice", covers=covers)
        snapshots.store(self.warehouse, [found], run_id if read else "run-1", now=at)
        build.build(self.warehouse, "staging.halo_invoices", build.variables(TODAY, CHECKS))
        settled = Ledger(self.warehouse, run_id, clock=lambda: at).settle(WAIT)
        return [(row["plan_id"], row["state"], row["detail"]) for row in settled]

    def now(self, row_id: str = KEY) -> list[str]:
        """Where the row stands in each plan."""
        return [s.state for s in Ledger(self.warehouse, "x").write_history(row_id.upper())]


@pytest.fixture(scope="module", autouse=True)
def vendor_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    warehouse = UsageData().load(tmp_path_factory.mktemp("vendor_data"), policy=CHECKS)
    with warehouse.transaction() as connection:
        connection.execute("UPDATE meta.snapshots SET loaded_at = ?", [CLAIMED - timedelta(hours=1)])
    usage_plan(warehouse, CHECKS)
    Case.loaded = warehouse.path
    release()


@pytest.mark.parametrize("state", OPEN)
def test_exactly_one_equal_invoice_is_adopted(state: State, tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", state)
    ((_, found, detail),) = case.settle(case.shown())
    assert (found, detail) == ("verified", "settled by reading: found in Halo as invoice 51877")
    case.plan("run-2")
    assert case.verdict == "usage_billed"


@pytest.mark.parametrize("state", OPEN)
def test_absence_in_two_reads_that_far_apart_means_failed_and_it_is_planned_again(state: State, tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", state)
    other = as_halo_keeps(1, {**case.shown(), "reference": KEY + "-adj1"})
    ((_, found, detail),) = case.settle(other, at=CLAIMED + timedelta(minutes=8))
    assert (found, detail) == (
        "unknown",
        "Halo's invoices as read at 2026-08-20 05:20 UTC do not show it; it may still appear",
    )
    case.plan("run-2")
    assert case.verdict == "usage_unsettled"
    ((_, found, detail),) = case.settle(other, run_id="run-3", at=CLAIMED + timedelta(hours=6, minutes=8))
    assert found == "failed"
    assert detail.endswith("read at 2026-08-20 05:20 and 2026-08-20 11:20 UTC")
    case.plan("run-3")
    # What Halo answered that it took waits for a person: it may have been deleted, or the list hides it.
    assert case.verdict == ("usage_missing" if state == "sent" else "usage_bill")


@pytest.mark.parametrize("state", OPEN)
def test_absence_in_reads_that_are_not_far_enough_apart_proves_nothing(state: State, tmp_path: Path) -> None:
    """Halo needs 25 s for a POST, the process dies, and the next runs start seconds and hours later."""
    case = Case(tmp_path, "claimed", state)
    assert [s for _, s, _ in case.settle(at=CLAIMED + timedelta(seconds=7))] == ["unknown"]
    for number, hours in enumerate((1, 3, 5.9), start=3):
        assert case.settle(run_id=f"run-{number}", at=CLAIMED + timedelta(hours=hours)) == []
    case.plan("run-5")
    assert case.verdict == "usage_unsettled"
    assert "Run again after 2026-08-20 11:12 UTC" in case.sentence
    assert case.now()[0] == "unknown"
    assert [s for _, s, _ in case.settle(case.shown(), run_id="run-9")] == ["verified"]


def test_a_first_read_long_after_the_claim_is_still_only_one(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed")
    assert [s for _, s, _ in case.settle(at=CLAIMED + timedelta(days=3))] == ["unknown"]
    assert case.settle(run_id="run-3", at=CLAIMED + timedelta(days=3, hours=5)) == []
    assert [s for _, s, _ in case.settle(run_id="run-4", at=CLAIMED + timedelta(days=3, hours=6))] == ["failed"]


@pytest.mark.parametrize(
    "covers", [None, (date(2026, 6, 19), date(2026, 8, 19)), (date(2026, 8, 21), date(2026, 9, 29))]
)
def test_a_read_of_other_dates_is_no_read_that_does_not_show_it(
    covers: tuple[date, date] | None, tmp_path: Path
) -> None:
    case = Case(tmp_path, "claimed")
    assert case.settle(covers=covers) == []
    assert case.settle(run_id="run-3", covers=covers, at=CLAIMED + timedelta(days=9)) == []
    assert case.now() == ["claimed"]


def test_what_is_pending_is_said_with_its_key_client_and_times(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", "unknown")
    with case.warehouse.connect() as connection:
        (message,) = pending(connection, WAIT).values()
    assert message.startswith(
        f"invoice {KEY} for client Example: result unknown since 2026-08-20 05:12 UTC; two whole reads"
    )
    case.settle(at=CLAIMED + timedelta(minutes=8))
    with case.warehouse.connect() as connection:
        (message,) = pending(connection, WAIT).values()
    assert "Halo did not show it at 05:20. Run again after 2026-08-20 11:20 UTC" in message
    case.settle(case.shown(), run_id="run-3")
    with case.warehouse.connect() as connection:
        assert pending(connection, WAIT) == {}


def test_an_invoice_posted_meanwhile_is_adopted_too(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", "unknown")
    assert [s for _, s, _ in case.settle(case.shown(posted=True))] == ["verified"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"voided": True}, "voided"),
        ({"client_id": 232}, "client is 232"),
        ({"lines": []}, "0 lines"),
    ],
)
def test_one_that_is_not_as_planned_is_for_a_person(edit: dict[str, Any], message: str, tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed")
    ((_, found, detail),) = case.settle(case.shown(**edit))
    assert found == "drifted"
    assert "invoice 51877" in detail
    assert message in detail


def test_two_with_the_key_are_for_a_person_until_one_of_them_is_voided(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", "unknown")
    ((_, found, detail),) = case.settle(case.shown(1), case.shown(2))
    assert found == "drifted"
    assert "invoice 1, invoice 2" in detail
    assert case.settle(case.shown(1), case.shown(2), run_id="run-3") == []
    assert [s for _, s, _ in case.settle(case.shown(1, voided=True), case.shown(2), run_id="run-4")] == ["verified"]


def test_what_turns_up_late_is_adopted_after_it_was_given_up(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", "unknown")
    case.settle()
    assert [s for _, s, _ in case.settle(run_id="run-3")] == ["failed"]
    assert [s for _, s, _ in case.settle(case.shown(), run_id="run-4")] == ["verified"]
    assert case.settle(case.shown(), run_id="run-5") == []


def test_what_was_never_started_is_never_adopted(tmp_path: Path) -> None:
    case = Case(tmp_path, "drifted")
    assert case.settle(case.shown()) == []


def test_nothing_is_settled_by_a_list_of_another_run(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", "unknown")
    assert case.settle(case.shown(), read=False) == []
    assert case.now() == ["unknown"]


def test_a_list_that_was_not_read_whole_settles_nothing(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed")
    snapshots.store(case.warehouse, [snapshots.Read("halo.invoices", (), "/Invoice", problem="cut off")], "run-2")
    assert Ledger(case.warehouse, "run-2").settle(WAIT) == []


def test_of_two_plans_that_began_one_key_only_one_is_verified(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", "failed")
    case.plan("run-2")
    case.note("run-2", "claimed", "unknown")
    assert [s for _, s, _ in case.settle(case.shown(), run_id="run-3")] == ["verified"]
    assert case.now() == ["failed", "verified"]
    assert case.settle(case.shown(), run_id="run-4") == []


def test_an_open_write_of_a_key_that_another_plan_billed_is_drifted_not_billed_twice(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed")
    first = case.plan_id
    case.plan_id = "another"
    with case.warehouse.transaction() as connection:
        connection.execute(
            "INSERT INTO billing.plan SELECT * REPLACE ('another' AS plan_id) FROM billing.plan WHERE plan_id = ?",
            [first],
        )
    case.note("run-1", "claimed", "verified")
    ((plan_id, found, detail),) = case.settle(case.shown())
    assert (plan_id, found) == (first, "drifted")
    assert "plan another has billed this key" in detail
    with case.warehouse.connect() as connection:
        billed = connection.execute("SELECT count(*), sum(amount) FROM billing.usage_billed").fetchall()
    assert billed == [(1, Decimal("25.64"))]


# How far back invoices are read --------------------------------------------------------------------------


def recorded(case: Case, day: date) -> None:
    with case.warehouse.transaction() as connection:
        connection.execute("UPDATE billing.ledger SET recorded_at = ?", [datetime.combine(day, datetime.min.time())])


@pytest.mark.parametrize("state", OPEN)
def test_invoices_are_read_from_the_day_before_the_oldest_open_one(state: State, tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", state)
    for day, since in ((date(2026, 5, 3), date(2026, 5, 2)), (date(2026, 11, 3), TODAY - timedelta(days=1))):
        recorded(case, day)
        with case.warehouse.connect() as connection:
            assert open_since(connection) == since


def test_without_open_ones_there_is_nothing_older_to_read(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed", "verified")
    with case.warehouse.connect() as connection:
        assert open_since(connection) is None


# Undo ----------------------------------------------------------------------------------------------------


def test_a_usage_invoice_is_never_undone_and_the_plan_says_who_can(tmp_path: Path) -> None:
    case = Case(tmp_path, "claimed")
    case.settle(case.shown())
    now = replace(plan_context(policy=CHECKS, run_id="undo"), run_id="undo")
    made = make_rollback(case.warehouse, case.plan_id, FakeHalo({}, {}, read_faults=1), now)
    with case.warehouse.connect() as connection:
        (row,) = snapshots.dicts(connection.execute("SELECT * FROM billing.plan WHERE plan_id = ?", [made.plan_id]))
        assert load_plan(connection, made.plan_id).rows_blocked == 1
        assert all_changes(connection, made.plan_id) == []
    assert (row["class"], row["action"], row["reason"]) == ("blocked", "none", "usage_invoice")
    assert "void it in Halo by hand (invoice 51877)" in row["sentence"]
    assert json.loads(row["expect"]) == {}
