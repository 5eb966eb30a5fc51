"""A lost warehouse comes back from vendors plus backup: nothing that was written is forgotten, nothing sent twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.approvals import writable
from pax8_pipeline.billing.ledger import backup as backups
from pax8_pipeline.billing.ledger.backup import backup, restore
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Entry, State
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.billing.test_approval import NOW, approve, made
from pax8_pipeline_tests.support.billing import WAIT
from pax8_pipeline_tests.support.many_cases import combine
from pax8_pipeline_tests.support.plans import MORE_SEATS, safe_changes, with_open_write, with_plan
from pax8_pipeline_tests.support.vendor_data import (
    SUB,
    VendorData,
    company,
    licence,
    plan_context,
    planned,
    subscription,
)
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, release

OPEN_WRITES: list[tuple[State, int]] = [
    (state, shows) for state in ("claimed", "sent", "unknown") for shows in (25, 20)
]
OTHER = "00000000-0000-4000-8000-00000000000b"
MORE = VendorData(subscriptions=[subscription(quantity=25), subscription(id=OTHER, companyId=None)])


def lost(warehouse: Warehouse) -> Warehouse:
    """The same file, gone and made again."""
    release()
    return empty_warehouse(warehouse.path)


def rows(warehouse: Warehouse, query: str) -> list[dict[str, Any]]:
    with warehouse.connect() as connection:
        return snapshots.dicts(connection.execute(query))


def stored(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """All that a backup is to bring back, in order."""
    tables = {"ledger": "entry", "ledger_state": "plan_id, row_id", "plans": "plan_id", "plan": "plan_id, row_id",
              "approvals": "approval", "approved_rows": "plan_id, row_id"}  # fmt: skip
    return {t: rows(warehouse, f"SELECT * FROM billing.{t} ORDER BY {order}") for t, order in tables.items()}


def write_all(warehouse: Warehouse, plan_id: str, *wrote: Any) -> None:
    with warehouse.connect() as connection:
        changes = plans.all_changes(connection, plan_id)
    for state in wrote:
        Ledger(warehouse, "run-1").record(plan_id, [Entry(c, state, f"{state}: ok", "{}") for c in changes])


def test_a_lost_warehouse_gets_back_ledger_plans_and_approvals_to_the_last_value(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, trust={"default": "approve"})
    approve(warehouse, plan, rules)
    write_all(warehouse, plan.plan_id, "claimed", "sent", "verified")
    before = stored(warehouse)
    assert [r["state"] for r in before["ledger_state"]] == ["verified"]
    backup(warehouse, plan.plan_id, tmp_path / "backups")
    restored = restore(lost(warehouse), tmp_path / "backups")
    assert restored is not None
    assert "3 entries, 1 approval and 1 plan" in restored.sentence
    assert stored(warehouse) == before


@pytest.fixture(scope="module")
def open_writes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[State, int], tuple[list[str], list[str]]]:
    """What became of writes that were open when the warehouse was lost: the settled states, and the rows planned again."""
    folder = tmp_path_factory.mktemp("lost")
    more = [subscription(quantity=25)]
    before = combine({case: VendorData(subscriptions=more) for case in OPEN_WRITES})
    warehouse = before.load(folder)
    old = plans.make_plan(warehouse, plan_context()).plan_id
    with warehouse.connect() as connection:
        changes = safe_changes(connection, old)
    entries = [Entry(change, before.case_of({"row_id": change.row_id})[0]) for change in changes]
    Ledger(warehouse, "run-1").record(old, entries)
    backup(warehouse, old, folder / "backups")
    restore(lost(warehouse), folder / "backups")
    with warehouse.connect() as connection:
        head = plans.load_plan(connection, old)
        assert writable(connection, head, plan_context().policy, applied_by_person=True, now=NOW).changes == []
    after = combine({case: VendorData(subscriptions=more, licences=[licence(count=case[1])]) for case in OPEN_WRITES})
    after.load(folder, run_id="run-2")
    settled = after.split(Ledger(warehouse, "run-2").settle(WAIT))
    again = after.split(row for row in planned(warehouse, run_id="run-2") if row["action"] != "none")
    return {case: ([r["state"] for r in settled[case]], [r["row_id"] for r in again[case]]) for case in OPEN_WRITES}


@pytest.mark.parametrize("state", ["claimed", "sent", "unknown"])
@pytest.mark.parametrize(("shows", "becomes", "planned_again"), [(25, "verified", []), (20, "failed", [SUB])])
def test_an_open_write_is_settled_by_reading_after_a_restore_and_never_sent_because_it_is_open(
    state: State,
    shows: int,
    becomes: str,
    planned_again: list[str],
    open_writes: dict[tuple[State, int], tuple[list[str], list[str]]],
) -> None:
    """What Halo shows decides: the write that took effect is not planned again, the other is, once."""
    assert open_writes[state, shows] == ([becomes], planned_again)


def test_what_a_person_undid_still_waits_after_a_restore(tmp_path: Path) -> None:
    warehouse, forward = with_plan(tmp_path)
    write_all(warehouse, forward.plan_id, "verified")
    undo = [{**rows(warehouse, "SELECT * FROM billing.plan")[0], "verdict": "rollback"}]
    with warehouse.transaction() as connection:
        back = plans.store_rows(connection, undo, plan_context(run_id="undo"))
    write_all(warehouse, back.plan_id, "verified")
    backup(warehouse, back.plan_id, tmp_path / "backups")
    restore(lost(warehouse), tmp_path / "backups")
    MORE_SEATS.load(tmp_path, run_id="run-3")
    (row,) = planned(warehouse, run_id="run-3")
    assert (row["class"], row["reason"]) == ("needs_approval", "rolled_back")


def test_of_earlier_plans_the_writable_rows_are_kept_and_of_the_newest_all(tmp_path: Path) -> None:
    warehouse = MORE.load(tmp_path)
    first = plans.make_plan(warehouse, plan_context())
    write_all(warehouse, first.plan_id, "failed")
    MORE.load(tmp_path, run_id="run-2")
    second = plans.make_plan(warehouse, plan_context(run_id="run-2"))
    write_all(warehouse, second.plan_id, "verified")
    backup(warehouse, second.plan_id, tmp_path / "backups")
    restore(lost(warehouse), tmp_path / "backups")
    found = {(r["plan_id"], r["row_id"]) for r in stored(warehouse)["plan"]}
    assert found == {(first.plan_id, SUB), (second.plan_id, SUB), (second.plan_id, OTHER)}


def test_a_warehouse_with_a_ledger_is_left_alone(tmp_path: Path) -> None:
    warehouse, plan_id = with_open_write(tmp_path)
    backup(warehouse, plan_id, tmp_path / "backups")
    Ledger(warehouse, "run-2").record(plan_id, [])
    before = stored(warehouse)
    assert restore(warehouse, tmp_path / "backups") is None
    assert stored(warehouse) == before


def test_the_newest_backup_wins_and_a_second_restore_does_nothing(tmp_path: Path) -> None:
    warehouse, plan_id = with_open_write(tmp_path)
    backup(warehouse, plan_id, tmp_path / "backups")
    write_all(warehouse, plan_id, "verified")
    backup(warehouse, "another-plan", tmp_path / "backups")
    restored = restore(lost(warehouse), tmp_path / "backups")
    assert restored is not None
    assert restored.plan_id == "another-plan"
    assert [r["state"] for r in stored(warehouse)["ledger"]] == ["claimed", "verified"]
    assert restore(warehouse, tmp_path / "backups") is None


def test_the_backup_of_a_plan_applied_in_two_parts_holds_the_second(tmp_path: Path) -> None:
    warehouse, plan_id = with_open_write(tmp_path)
    backup(warehouse, plan_id, tmp_path / "backups")
    write_all(warehouse, plan_id, "verified")
    home = backup(warehouse, plan_id, tmp_path / "backups")
    assert [p.name for p in (tmp_path / "backups").iterdir()] == [plan_id]
    assert json.loads((home / "manifest.json").read_text())["rows"]["billing.ledger"] == 2


@pytest.mark.parametrize("dies_at", [1, 2])
def test_a_backup_that_dies_between_its_renames_leaves_the_new_one_whole(
    dies_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, plan_id = with_open_write(tmp_path)
    backup(warehouse, plan_id, tmp_path / "backups")
    write_all(warehouse, plan_id, "verified")
    _dies(monkeypatch, dies_at, lambda: backup(warehouse, plan_id, tmp_path / "backups"))
    restore(lost(warehouse), tmp_path / "backups")
    assert [r["state"] for r in stored(warehouse)["ledger_state"]] == ["verified"]


def _dies(monkeypatch: pytest.MonkeyPatch, at: int, do: Callable[[], Any]) -> None:
    """Die instead of the `at`-th rename."""
    real, left = Path.rename, [None] * (at - 1)

    def rename(self: Path, target: Path) -> Path:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            do()


def test_a_backup_that_dies_while_it_is_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, plan_id = with_open_write(tmp_path)
    backup(warehouse, plan_id, tmp_path / "backups")
    write_all(warehouse, plan_id, "verified")

    def die(path: Path) -> None:
        if path.name == "billing.ledger.parquet":
            raise KeyboardInterrupt

    monkeypatch.setattr(backups, "flush", die)
    with pytest.raises(KeyboardInterrupt):
        backup(warehouse, plan_id, tmp_path / "backups")
    restore(lost(warehouse), tmp_path / "backups")
    assert [r["state"] for r in stored(warehouse)["ledger"]] == ["claimed"]


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    warehouse, plan_id = with_open_write(tmp_path)
    home = backup(warehouse, plan_id, tmp_path / "backups")
    (home / "manifest.json").unlink()
    assert restore(lost(warehouse), tmp_path / "backups") is None


def test_a_damaged_newest_backup_stops_the_run_and_loads_nothing(tmp_path: Path) -> None:
    warehouse, plan_id = with_open_write(tmp_path)
    home = backup(warehouse, plan_id, tmp_path / "backups")
    (home / "billing.ledger.parquet").write_bytes(b"PAR1 no more")
    lost(warehouse)
    with pytest.raises(PipelineError, match="cannot be read"):
        restore(warehouse, tmp_path / "backups")
    assert stored(warehouse)["plans"] == []


def test_a_backup_that_lost_rows_is_not_taken_for_whole(tmp_path: Path) -> None:
    warehouse, plan_id = with_open_write(tmp_path)
    home = backup(warehouse, plan_id, tmp_path / "backups")
    manifest = json.loads((home / "manifest.json").read_text())
    manifest["rows"]["billing.ledger"] += 1
    (home / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(PipelineError, match=r"billing\.ledger holds 1 row, its manifest says 2"):
        restore(lost(warehouse), tmp_path / "backups")


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    warehouse = MORE_SEATS.load(tmp_path)
    for name in ("c", "a", "b"):
        backup(warehouse, name, tmp_path / "backups", keep=2)
    assert sorted(p.name for p in (tmp_path / "backups").iterdir()) == ["a", "b"]


def test_a_disk_that_refuses_is_told_in_plain_words(tmp_path: Path) -> None:
    warehouse = VendorData(companies=[company()]).load(tmp_path)
    (tmp_path / "backups").write_text("a file where the folder should be")
    with pytest.raises(PipelineError, match="could not be backed up"):
        backup(warehouse, "plan", tmp_path / "backups")


def test_a_backup_from_before_a_column_was_added_can_be_loaded(tmp_path: Path) -> None:
    warehouse, plan_id = with_open_write(tmp_path)
    home = backup(warehouse, plan_id, tmp_path / "backups")
    path = home / "billing.ledger.parquet"

    older = f"COPY (SELECT * EXCLUDE (detail) FROM read_parquet('{path}')) TO '{path}.tmp' (FORMAT parquet)"
    rows(warehouse, older)
    path.with_suffix(".parquet.tmp").rename(path)
    assert restore(lost(warehouse), tmp_path / "backups") is not None
    assert [r["detail"] for r in stored(warehouse)["ledger"]] == [None]
