"""Every usage document that was made or seen is compared with Halo each night: missing, changed, moved, voided, hidden."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.ledger import documents, writer
from pax8_pipeline.billing.ledger.backup import backup, restore
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Change, Entry, State
from pax8_pipeline.billing.planning.planner import all_changes, latest_plan_id, make_plan
from pax8_pipeline.orchestration.checks.check import CheckContext, CheckOutcome
from pax8_pipeline.orchestration.checks.registry import CHECKS
from pax8_pipeline.reports.explain.history import explain
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.billing import WAIT, as_halo_keeps
from pax8_pipeline_tests.support.checks import settings_of
from pax8_pipeline_tests.support.usage_data import KEY, OTHER, UsageData, arrears, policy, usage_plan
from pax8_pipeline_tests.support.vendor_data import COMPANY, TODAY, hold_open, plan_context, release

COVERS = (TODAY - timedelta(days=62), TODAY + timedelta(days=40))
OTHER_KEY = KEY.replace(COMPANY, OTHER)
ME, ANOTHER = "11111111-aaaa", "22222222-bbbb"
Row = dict[str, Any]


def two_companies(**changes: Any) -> UsageData:
    return UsageData(items=[[arrears(), arrears(2, companyId=OTHER, details="Other Bakery", subscriptionId=None)]],
                      covers=COVERS, **changes)  # fmt: skip


class House:
    """Usage of two companies, planned in run-1, and what Halo shows."""

    loaded: Path  # the vendor data, read and reconciled
    planned_once: Path  # the same with the plan of run-1, by the rules of `policy()`

    def __init__(self, folder: Path, *, written: bool = True, rules: Policy | None = None) -> None:
        release()
        shutil.copy(self.loaded if rules else self.planned_once, folder / "warehouse.duckdb")
        self.folder, self.rules, self.runs = folder, rules or policy(), 1
        self.warehouse = Warehouse(folder / "warehouse.duckdb")
        hold_open(self.warehouse)
        if rules:
            usage_plan(self.warehouse, rules)
        self.changes = {c.row_id: c for c in self.planned()}
        self.shown = [self.as_made(n, c) for n, c in enumerate(self.changes.values(), start=51877)]
        with self.warehouse.transaction() as connection:
            connection.execute(f"INSERT INTO billing.writers VALUES ('2026-08-01', '{ME}', 'own', '', 'first apply')")
        if written:
            self.note("claimed", "sent", "verified")

    def planned(self) -> list[Change]:
        with self.warehouse.connect() as connection:
            return all_changes(connection, latest_plan_id(connection) or "")

    def as_made(self, number: int, change: Change, **changes: Any) -> Row:
        return as_halo_keeps(number, UsageInvoice.from_json(change.expect).body(ME), **changes)

    def note(self, *states: State) -> None:
        with self.warehouse.connect() as connection:
            plan_id = latest_plan_id(connection) or ""
        for state in states:
            Ledger(self.warehouse, "run").record(plan_id, [Entry(c, state) for c in self.planned()])

    def night(self, *, accept: bool = False, **vendor_data: Any) -> dict[str, Row]:
        """Read what Halo shows, settle, plan; return the rows about usage."""
        self.runs += 1
        run_id = f"run-{self.runs}"
        two_companies(halo_invoices=copy.deepcopy(self.shown), **vendor_data).again(self.warehouse, self.rules, run_id)
        Ledger(self.warehouse, run_id).settle(WAIT)
        now = replace(plan_context(policy=self.rules, run_id=run_id), accept_missing=accept)
        plan = make_plan(self.warehouse, replace(now, made_at=now.made_at + timedelta(minutes=self.runs)))
        query = "SELECT * FROM billing.plan WHERE plan_id = ? AND verdict LIKE 'usage%' ORDER BY row_id"
        with self.warehouse.connect() as connection:
            return {row["row_id"]: row for row in snapshots.dicts(connection.execute(query, [plan.plan_id]))}

    def check(self, name: str) -> CheckOutcome:
        (rule,) = [r for r in CHECKS if r.name == name]
        with self.warehouse.connect() as connection:
            return rule.evaluate(CheckContext(connection, settings_of(self.folder, self.rules), datetime(2026, 8, 20)))

    def document(self, key: str = KEY) -> Row:
        return next(d for d in self.shown if d["reference"] == key)


@pytest.fixture(scope="module", autouse=True)
def vendor_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    House.loaded = two_companies().load(tmp_path_factory.mktemp("vendor_data"), policy=policy()).path
    release()
    House.planned_once = tmp_path_factory.mktemp("planned") / "warehouse.duckdb"
    shutil.copy(House.loaded, House.planned_once)
    usage_plan(Warehouse(House.planned_once), policy())


def by_another(document: Row) -> Row:
    """The same document, made by another data folder."""
    made = copy.deepcopy(document)
    for line in made["lines"]:
        line["item_longdescription"] = line["item_longdescription"].replace(ME, ANOTHER)
    return made


def texts(rows: dict[str, Row]) -> dict[str, tuple[str, str, str]]:
    return {key: (r["verdict"], r["class"], r["action"]) for key, r in rows.items()}


MISSING = ("usage_missing", "needs_approval", "create_invoice")
CHANGED = ("usage_changed", "blocked", "none")
BILLED = ("usage_billed", "no_op", "none")


def test_documents_that_are_as_they_were_made_need_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert texts(house.night()) == {KEY + "-adj1": BILLED, OTHER_KEY + "-adj1": BILLED}
    for name in ("usage_documents", "usage_compared"):
        assert house.check(name).count == 0


def test_a_deleted_document_waits_and_is_made_again_just_as_it_was(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.night()
    house.shown.remove(house.document())
    rows = house.night()
    assert texts(rows) == {KEY: MISSING, OTHER_KEY + "-adj1": BILLED}
    assert rows[KEY]["unbilled_per_month"] == Decimal("25.64")
    expect = json.loads(rows[KEY]["expect"])
    before = house.changes[KEY].expect["usage"]
    assert expect["usage"] == {**before, "invoice_date": TODAY.isoformat()}
    assert len(expect["again"]) == 1
    assert house.check("usage_compared").count == 1
    assert house.check("usage_documents").count == 0
    # Made again by agreement: one document, counted once, and the next night is quiet.
    (again,) = house.planned()
    house.note("claimed", "sent", "verified")
    house.shown.append(house.as_made(60000, again))
    assert texts(house.night()) == {KEY + "-adj1": BILLED, OTHER_KEY + "-adj1": BILLED}
    with house.warehouse.connect() as connection:
        assert connection.execute(
            "SELECT sum(amount) FROM billing.usage_billed WHERE usage_key = ?", [KEY]
        ).fetchall() == [(Decimal("25.64"),)]
        stories = explain(connection, KEY)
    assert "usage_missing" in "\n".join(event.text for story in stories for event in story.events)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"client_id": 232}, "its client is 232, not 231"),
        ({"lines": []}, "its lines come to 0, not 25.64"),
    ],
)
def test_a_moved_or_emptied_document_is_held_with_what_differs(edit: Row, message: str, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.document().update(edit)
    rows = house.night()
    assert texts(rows) == {KEY: CHANGED, OTHER_KEY + "-adj1": BILLED}
    assert message in rows[KEY]["sentence"]
    assert "invoice 51877" in rows[KEY]["sentence"]
    assert texts(house.night())[KEY] == CHANGED  # every night until it is put right


@pytest.mark.parametrize("price", ["1.00", "25.63", "30.00"])
def test_an_edited_amount_is_held_with_what_is_lost(price: str, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.document()["lines"][0]["unit_price"] = Decimal(price)
    row = house.night()[KEY]
    assert (row["verdict"], row["class"]) == ("usage_changed", "blocked")
    assert row["unbilled_per_month"] == max(Decimal("25.64") - Decimal(price), Decimal(0))
    assert house.check("usage_compared").count == 1


def test_a_line_that_changed_at_the_same_total_is_seen(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.document()["lines"][0]["_itemid"] = 121
    assert texts(house.night())[KEY] == CHANGED


def test_numbers_dates_and_texts_of_a_document_are_none_of_its_content(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.document().update(id=99, invoice_date="2026-08-22T00:00:00", notes_1="for Ada", posted=True)
    assert KEY not in house.night()


def test_a_voided_document_is_told_once_and_held(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.document()["voided"] = True
    assert texts(house.night()) == {KEY: ("usage_voided", "blocked", "none"), OTHER_KEY + "-adj1": BILLED}


def test_what_pax8_adds_to_a_month_in_trouble_is_not_billed_before_the_trouble_is_over(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.document()["client_id"] = 232
    more = [arrears(), arrears(2, companyId=OTHER, details="Other Bakery", subscriptionId=None), arrears(3)]
    house.runs += 1
    vendor_data = UsageData(items=[more], covers=COVERS, halo_invoices=house.shown)
    vendor_data.again(house.warehouse, house.rules, "run-9")
    rows = usage_plan(house.warehouse, house.rules, "run-9")
    assert texts(rows)[KEY] == CHANGED
    assert (rows[KEY + "-adj1"]["class"], rows[KEY + "-adj1"]["reason"]) == ("blocked", "usage_changed")


# Documents that the ledger does not know ---------------------------------------------------------------------


def test_a_document_that_an_earlier_run_saw_and_that_is_missing_is_not_billed_by_itself(tmp_path: Path) -> None:
    """Another installation made it; our ledger knows nothing of it; then the list is cut or the document deleted."""
    house = House(tmp_path, written=False)
    assert {v for v, _, _ in texts(house.night()).values()} == {"usage_present"}
    house.shown.remove(house.document())
    rows = house.night()
    assert texts(rows)[KEY] == MISSING
    assert "an earlier run saw it" in rows[KEY]["sentence"]


def test_a_seen_document_of_a_month_that_is_not_planned_is_told_and_not_made(tmp_path: Path) -> None:
    house = House(tmp_path, written=False)
    june = copy.deepcopy(house.document())
    june.update(id=1, reference=KEY.replace("2026-07", "2026-06"), invoice_date="2026-07-05T00:00:00")
    house.shown.append(june)
    house.night()
    house.shown.remove(june)
    row = house.night()[june["reference"]]
    assert (row["verdict"], row["class"], row["action"]) == ("usage_missing", "blocked", "none")


def test_a_seen_document_that_changes_is_held(tmp_path: Path) -> None:
    house = House(tmp_path, written=False)
    house.night()
    house.document()["lines"][0]["unit_price"] = Decimal(1)
    assert texts(house.night())[KEY] == CHANGED


def test_what_halo_said_it_took_and_nobody_ever_saw_waits_instead_of_being_sent_again(tmp_path: Path) -> None:
    house = House(tmp_path, written=False)
    house.note("claimed", "sent", "failed")
    house.shown = [house.document(OTHER_KEY)]
    assert texts(house.night())[KEY] == MISSING


# Halo restored, or the list hidden ----------------------------------------------------------------------------


def test_several_missing_at_once_hold_all_usage_and_say_so(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.night()
    house.shown = [{**house.document(), "id": 5, "reference": "Retainer", "lines": []}]
    rows = house.night()
    assert {(r["verdict"], r["class"], r["reason"]) for r in rows.values()} == {
        ("usage_missing", "blocked", "usage_documents")
    }
    found = house.check("usage_documents")
    assert found.blocks
    assert "Halo looks restored, or hides its invoices: 2 usage documents are missing at once" in found.sentence
    assert house.night().keys() == {KEY, OTHER_KEY}  # and the night after
    assert house.check("usage_documents").blocks
    # A person says that they really were deleted: each waits by itself, for that night and the nights after.
    for accept in (True, False):
        assert set(texts(house.night(accept=accept)).values()) == {MISSING}
        assert house.check("usage_documents").count == 0


def test_an_empty_list_holds_usage_even_for_one_document_and_for_another_installations_month(tmp_path: Path) -> None:
    """Today a month that an earlier installation billed is billed a second time when the list is hidden."""
    house = House(tmp_path, written=False)
    house.shown = [house.document()]
    house.night()
    house.shown = []
    rows = house.night()
    assert {r["class"] for r in rows.values()} == {"blocked"}
    assert {r["reason"] for r in rows.values()} == {"usage_documents"}
    assert "the list of invoices is empty" in house.check("usage_documents").sentence
    house.shown = [house.as_made(7, house.changes[KEY])]
    assert texts(house.night())[KEY][0] == "usage_present"
    assert house.check("usage_documents").count == 0


def test_two_that_go_missing_in_different_nights_each_wait_by_themselves(tmp_path: Path) -> None:
    house = House(tmp_path)
    keep = {**copy.deepcopy(house.document()), "id": 5, "reference": "Retainer", "lines": []}
    house.shown.append(keep)
    house.night()
    house.shown.remove(house.document())
    house.night()
    house.shown.remove(house.document(OTHER_KEY))
    assert set(texts(house.night()).values()) == {MISSING}


# Windows and memory --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "covers", [None, (TODAY + timedelta(days=1), COVERS[1]), (COVERS[0], TODAY - timedelta(days=1))]
)
def test_a_read_that_does_not_cover_its_date_says_nothing_of_a_document(
    covers: tuple[date, date] | None, tmp_path: Path
) -> None:
    house = House(tmp_path)
    house.shown = []
    vendor_data = two_companies()
    vendor_data.covers = covers
    vendor_data.again(house.warehouse, house.rules, "run-5")
    rows = usage_plan(house.warehouse, house.rules, "run-5")
    assert {r["verdict"] for r in rows.values()} == {"usage_billed"}


def test_documents_are_watched_for_so_many_days_and_the_read_goes_back_to_the_oldest(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.night()
    with house.warehouse.transaction() as connection:
        assert documents.watched_since(connection, TODAY, 190) == TODAY - timedelta(days=1)
        old = TODAY - timedelta(days=150)
        connection.execute("UPDATE billing.documents SET invoice_date = ? WHERE usage_key = lower(?)", [old, KEY])
        assert documents.watched_since(connection, TODAY, 190) == old - timedelta(days=1)
        assert documents.watched_since(connection, TODAY, 100) == TODAY - timedelta(days=1)


def test_a_document_older_than_the_days_of_watch_is_not_missing(tmp_path: Path) -> None:
    """Also when a read goes back further for another reason."""
    house = House(tmp_path)
    house.shown = []
    house.night()
    with house.warehouse.transaction() as connection:
        for age, state in ((190, "missing"), (191, "unread")):
            documents.compare(connection, f"run-{house.runs}", TODAY + timedelta(days=age), 190)
            assert set(connection.execute("SELECT state FROM billing.documents").fetchall()) == {(state,)}


def test_the_memory_of_documents_and_the_identity_survive_the_loss_of_the_warehouse(tmp_path: Path) -> None:
    house = House(tmp_path, written=False)
    house.night()
    house.note("drifted")
    with house.warehouse.connect() as connection:
        plan_id = latest_plan_id(connection) or ""
    backup(house.warehouse, plan_id, tmp_path / "backups")
    lost = Warehouse(tmp_path / "new.duckdb")
    lost.ensure_schema()
    assert restore(lost, tmp_path / "backups") is not None
    with lost.connect() as connection:
        assert writer.own(connection) == ME
        keys = connection.execute("SELECT usage_key, state FROM billing.documents ORDER BY ALL").fetchall()
    assert keys == sorted((key.lower(), "present") for key in (KEY, OTHER_KEY))


def test_a_backup_of_an_earlier_version_is_still_read(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.warehouse.connect() as connection:
        plan_id = latest_plan_id(connection) or ""
    home = backup(house.warehouse, plan_id, tmp_path / "backups")
    manifest = json.loads((home / "manifest.json").read_text())
    for table in ("billing.documents", "billing.writers"):
        del manifest["rows"][table]
        (home / f"{table}.parquet").unlink()
    (home / "manifest.json").write_text(json.dumps(manifest))
    lost = Warehouse(tmp_path / "new.duckdb")
    lost.ensure_schema()
    assert restore(lost, tmp_path / "backups") is not None


# Another writer ------------------------------------------------------------------------------------------------


def test_documents_of_another_data_folder_stop_usage_until_a_person_claims(tmp_path: Path) -> None:
    house = House(tmp_path, written=False)
    house.shown = [by_another(house.document())]
    rows = house.night()
    assert (rows[OTHER_KEY]["class"], rows[OTHER_KEY]["reason"]) == ("blocked", "usage_other_writer")
    found = house.check("usage_writer")
    assert found.blocks
    assert "written by another data folder (22222222-bbbb; " in found.sentence
    claimed = writer.claim(house.warehouse, datetime(2030, 1, 1), who="Ada", why="the old server is gone")
    assert claimed == writer.Claimed(ME, (ANOTHER,))
    assert texts(house.night())[OTHER_KEY] == ("usage_bill", "safe", "create_invoice")
    assert house.check("usage_writer").count == 0


def test_a_retired_folder_that_writes_again_stops_this_one_again(tmp_path: Path) -> None:
    house = House(tmp_path, written=False)
    house.shown, late = [by_another(house.document())], by_another(house.document(OTHER_KEY))
    house.night()
    writer.claim(house.warehouse, datetime.now(UTC).replace(tzinfo=None), who="Ada", why="moved")
    house.night()
    assert house.check("usage_writer").count == 0
    house.shown.append(late)
    house.night()
    assert house.check("usage_writer").blocks


def test_documents_without_an_identity_only_count_as_there(tmp_path: Path) -> None:
    house = House(tmp_path, written=False)
    for document in house.shown:
        for line in document["lines"]:
            line["item_longdescription"] = line["item_longdescription"].replace(f"Writer: {ME}\n", "")
    assert {v for v, _, _ in texts(house.night()).values()} == {"usage_present"}
    assert house.check("usage_writer").count == 0


def test_a_folder_without_an_identity_writes_nothing_where_another_has_written(tmp_path: Path) -> None:
    """The data folder was lost with its backups, or a second machine was set up: a person has to say who writes."""
    house = House(tmp_path, written=False)
    with house.warehouse.transaction() as connection:
        connection.execute("DELETE FROM billing.writers")
    house.shown = [house.document()]
    assert {r["reason"] for r in house.night().values() if r["action"] == "create_invoice"} == {"usage_other_writer"}
    assert writer.claim(house.warehouse, datetime(2030, 1, 1), who="Ada", why="new").retired == (ME,)
