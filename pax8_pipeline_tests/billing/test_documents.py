"""Every usage document that was made or seen is compared with Halo each night: missing, changed, moved, voided, hidden."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
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
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.billing import WAIT, as_halo_keeps
from pax8_pipeline_tests.support.checks import settings_of
from pax8_pipeline_tests.support.many_cases import combine
from pax8_pipeline_tests.support.usage_data import KEY, OTHER, UsageData, arrears, policy, usage_plan
from pax8_pipeline_tests.support.vendor_data import COMPANY, TODAY, plan_context
from pax8_pipeline_tests.support.warehouse_files import copy_of, empty_warehouse

COVERS = (TODAY - timedelta(days=62), TODAY + timedelta(days=40))
OTHER_KEY = KEY.replace(COMPANY, OTHER)
WRITTEN: tuple[State, ...] = ("claimed", "sent", "verified")
ME, ANOTHER = "11111111-aaaa", "22222222-bbbb"
Row = dict[str, Any]


def two_companies(**changes: Any) -> UsageData:
    return UsageData(items=[[arrears(), arrears(2, companyId=OTHER, details="Other Bakery", subscriptionId=None)]],
                      covers=COVERS, **changes)  # fmt: skip


class UsageNights:
    """Usage of two companies, planned in run-1 and written or not, then read on some quiet nights; what Halo shows."""

    def __init__(self, folder: Path, *, written: bool = True, quiet_nights: int = 0) -> None:
        self.warehouse = copy_of(prepared, folder, written, quiet_nights)
        self.folder, self.rules, self.runs = folder, policy(), 1 + quiet_nights
        with self.warehouse.connect() as connection:
            first = connection.execute("SELECT plan_id FROM billing.plans ORDER BY made_at LIMIT 1").fetchall()[0][0]
            self.changes = {c.row_id: c for c in all_changes(connection, first)}
        self.shown = [self.as_made(n, c) for n, c in enumerate(self.changes.values(), start=51877)]

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


def prepared(folder: Path, written: bool, quiet_nights: int) -> Warehouse:
    """Make the warehouse that UsageNights starts from, from the one with a night less."""
    if quiet_nights:
        nights = UsageNights(folder, written=written, quiet_nights=quiet_nights - 1)
        nights.night()
        return nights.warehouse
    if written:
        nights = UsageNights(folder, written=False)
        nights.note(*WRITTEN)
        return nights.warehouse
    warehouse = two_companies().load(folder, policy=policy())
    usage_plan(warehouse, policy())
    with warehouse.transaction() as connection:
        connection.execute(f"INSERT INTO billing.writers VALUES ('2026-08-01', '{ME}', 'own', '', 'first apply')")
    return warehouse


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
    nights = UsageNights(tmp_path)
    assert texts(nights.night()) == {KEY + "-adj1": BILLED, OTHER_KEY + "-adj1": BILLED}
    for name in ("usage_documents", "usage_compared"):
        assert nights.check(name).count == 0


def test_a_deleted_document_waits_and_is_made_again_just_as_it_was(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, quiet_nights=1)
    nights.shown.remove(nights.document())
    rows = nights.night()
    assert texts(rows) == {KEY: MISSING, OTHER_KEY + "-adj1": BILLED}
    assert rows[KEY]["unbilled_per_month"] == Decimal("25.64")
    expect = json.loads(rows[KEY]["expect"])
    before = nights.changes[KEY].expect["usage"]
    assert expect["usage"] == {**before, "invoice_date": TODAY.isoformat()}
    assert len(expect["again"]) == 1
    assert nights.check("usage_compared").count == 1
    assert nights.check("usage_documents").count == 0
    # Made again by agreement: one document, counted once, and the next night is quiet.
    (again,) = nights.planned()
    nights.note(*WRITTEN)
    nights.shown.append(nights.as_made(60000, again))
    assert texts(nights.night()) == {KEY + "-adj1": BILLED, OTHER_KEY + "-adj1": BILLED}
    with nights.warehouse.connect() as connection:
        assert connection.execute(
            "SELECT sum(amount) FROM billing.usage_billed WHERE usage_key = ?", [KEY]
        ).fetchall() == [(Decimal("25.64"),)]
        stories = explain(connection, KEY)
    assert "usage_missing" in "\n".join(event.text for story in stories for event in story.events)


def priced(price: str) -> Callable[[Row], None]:
    return lambda document: document["lines"][0].update(unit_price=Decimal(price))


# what a person does to a document in Halo, the verdict, and what the sentence says
EDITS: dict[str, tuple[Callable[[Row], None], str, str]] = {
    "moved": (lambda d: d.update(client_id=d["client_id"] + 1), "usage_changed", "its client is 232, not 231"),
    "emptied": (lambda d: d.update(lines=[]), "usage_changed", "its lines come to 0, not 25.64"),
    "1.00": (priced("1.00"), "usage_changed", ""),
    "25.63": (priced("25.63"), "usage_changed", ""),
    "30.00": (priced("30.00"), "usage_changed", ""),
    "another item": (lambda d: d["lines"][0].update(_itemid=121), "usage_changed", ""),
    "voided": (lambda d: d.update(voided=True), "usage_voided", ""),
    "number, date, note and posting": (
        lambda d: d.update(id=99, invoice_date="2026-08-22T00:00:00", notes_1="for Ada", posted=True),
        "usage_billed", "",
    ),
}  # fmt: skip
CHANGED_BY_PERSON = sum(verdict != "usage_billed" for _, verdict, _ in EDITS.values())


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Row]]]:
    """The rows about usage of each edit, in two nights. Each document belongs to a company of its own."""
    folder, rules = tmp_path_factory.mktemp("edited"), policy()
    combined = combine({name: UsageData(covers=COVERS) for name in EDITS})
    assert isinstance(combined.data, UsageData)
    warehouse = combined.load(folder, rules)
    usage_plan(warehouse, rules)
    with warehouse.connect() as connection:
        plan_id = latest_plan_id(connection) or ""
        changes = all_changes(connection, plan_id)
    for state in WRITTEN:
        Ledger(warehouse, "run").record(plan_id, [Entry(change, state) for change in changes])
    for number, change in enumerate(changes, start=51877):
        document = as_halo_keeps(number, UsageInvoice.from_json(change.expect).body(ME))
        EDITS[combined.case_of(document)][0](document)
        combined.data.halo_invoices.append(document)
    nights = []
    for run_id in ("run-2", "run-3"):
        combined.data.again(warehouse, rules, run_id)
        Ledger(warehouse, run_id).settle(WAIT)
        found = combined.split(usage_plan(warehouse, rules, run_id).values())
        nights.append({name: {row["row_id"]: row for row in rows} for name, rows in found.items()})
    (rule,) = [r for r in CHECKS if r.name == "usage_compared"]
    with warehouse.connect() as connection:
        outcome = rule.evaluate(CheckContext(connection, settings_of(folder, rules), datetime(2026, 8, 20)))
    assert outcome.count == CHANGED_BY_PERSON
    return nights


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_document_is_held_with_what_differs_every_night_until_it_is_put_right(
    name: str, edited: list[dict[str, dict[str, Row]]]
) -> None:
    _, verdict, message = EDITS[name]
    key = KEY if verdict != "usage_billed" else KEY + "-adj1"
    for night in edited:
        assert {row_id: row["verdict"] for row_id, row in night[name].items()} == {key: verdict}
        row = night[name][key]
        assert (row["class"], row["action"]) == ("no_op" if verdict == "usage_billed" else "blocked", "none")
        assert message in row["sentence"]


@pytest.mark.parametrize("price", ["1.00", "25.63", "30.00"])
def test_an_edited_amount_shows_what_is_lost(price: str, edited: list[dict[str, dict[str, Row]]]) -> None:
    assert edited[0][price][KEY]["unbilled_per_month"] == max(Decimal("25.64") - Decimal(price), Decimal(0))


def test_the_sentence_names_the_invoice(edited: list[dict[str, dict[str, Row]]]) -> None:
    assert re.search(r"invoice 518\d\d", edited[0]["moved"][KEY]["sentence"])


def test_what_pax8_adds_to_a_month_in_trouble_is_not_billed_before_the_trouble_is_over(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path)
    nights.document()["client_id"] = 232
    more = [arrears(), arrears(2, companyId=OTHER, details="Other Bakery", subscriptionId=None), arrears(3)]
    nights.runs += 1
    vendor_data = UsageData(items=[more], covers=COVERS, halo_invoices=nights.shown)
    vendor_data.again(nights.warehouse, nights.rules, "run-9")
    rows = usage_plan(nights.warehouse, nights.rules, "run-9")
    assert texts(rows)[KEY] == CHANGED
    assert (rows[KEY + "-adj1"]["class"], rows[KEY + "-adj1"]["reason"]) == ("blocked", "usage_changed")


# Documents that the ledger does not know ---------------------------------------------------------------------


def test_a_document_that_an_earlier_run_saw_and_that_is_missing_is_not_billed_by_itself(tmp_path: Path) -> None:
    """Another installation made it; our ledger knows nothing of it; then the list is cut or the document deleted."""
    nights = UsageNights(tmp_path, written=False)
    assert {v for v, _, _ in texts(nights.night()).values()} == {"usage_present"}
    nights.shown.remove(nights.document())
    rows = nights.night()
    assert texts(rows)[KEY] == MISSING
    assert "an earlier run saw it" in rows[KEY]["sentence"]


def test_a_seen_document_of_a_month_that_is_not_planned_is_told_and_not_made(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, written=False)
    june = copy.deepcopy(nights.document())
    june.update(id=1, reference=KEY.replace("2026-07", "2026-06"), invoice_date="2026-07-05T00:00:00")
    nights.shown.append(june)
    nights.night()
    nights.shown.remove(june)
    row = nights.night()[june["reference"]]
    assert (row["verdict"], row["class"], row["action"]) == ("usage_missing", "blocked", "none")


def test_a_seen_document_that_changes_is_held(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, written=False, quiet_nights=1)
    nights.document()["lines"][0]["unit_price"] = Decimal(1)
    assert texts(nights.night())[KEY] == CHANGED


def test_what_halo_said_it_took_and_nobody_ever_saw_waits_instead_of_being_sent_again(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, written=False)
    nights.note("claimed", "sent", "failed")
    nights.shown = [nights.document(OTHER_KEY)]
    assert texts(nights.night())[KEY] == MISSING


# Halo restored, or the list hidden ----------------------------------------------------------------------------


def test_several_missing_at_once_hold_all_usage_and_say_so(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, quiet_nights=1)
    nights.shown = [{**nights.document(), "id": 5, "reference": "Retainer", "lines": []}]
    rows = nights.night()
    assert {(r["verdict"], r["class"], r["reason"]) for r in rows.values()} == {
        ("usage_missing", "blocked", "usage_documents")
    }
    found = nights.check("usage_documents")
    assert found.blocks
    assert "Halo looks restored, or hides its invoices: 2 usage documents are missing at once" in found.sentence
    assert nights.night().keys() == {KEY, OTHER_KEY}  # and the night after
    assert nights.check("usage_documents").blocks
    # A person says that they really were deleted: each waits by itself, for that night and the nights after.
    for accept in (True, False):
        assert set(texts(nights.night(accept=accept)).values()) == {MISSING}
        assert nights.check("usage_documents").count == 0


def test_an_empty_list_holds_usage_even_for_one_document_and_for_another_installations_month(tmp_path: Path) -> None:
    """Today a month that an earlier installation billed is billed a second time when the list is hidden."""
    nights = UsageNights(tmp_path, written=False)
    nights.shown = [nights.document()]
    nights.night()
    nights.shown = []
    rows = nights.night()
    assert {r["class"] for r in rows.values()} == {"blocked"}
    assert {r["reason"] for r in rows.values()} == {"usage_documents"}
    assert "the list of invoices is empty" in nights.check("usage_documents").sentence
    nights.shown = [nights.as_made(7, nights.changes[KEY])]
    assert texts(nights.night())[KEY][0] == "usage_present"
    assert nights.check("usage_documents").count == 0


def test_two_that_go_missing_in_different_nights_each_wait_by_themselves(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path)
    keep = {**copy.deepcopy(nights.document()), "id": 5, "reference": "Retainer", "lines": []}
    nights.shown.append(keep)
    nights.night()
    nights.shown.remove(nights.document())
    nights.night()
    nights.shown.remove(nights.document(OTHER_KEY))
    assert set(texts(nights.night()).values()) == {MISSING}


# Windows and memory --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "covers", [None, (TODAY + timedelta(days=1), COVERS[1]), (COVERS[0], TODAY - timedelta(days=1))]
)
def test_a_read_that_does_not_cover_its_date_says_nothing_of_a_document(
    covers: tuple[date, date] | None, tmp_path: Path
) -> None:
    nights = UsageNights(tmp_path)
    nights.shown = []
    vendor_data = two_companies()
    vendor_data.covers = covers
    vendor_data.again(nights.warehouse, nights.rules, "run-5")
    rows = usage_plan(nights.warehouse, nights.rules, "run-5")
    assert {r["verdict"] for r in rows.values()} == {"usage_billed"}


def test_documents_are_watched_for_so_many_days_and_the_read_goes_back_to_the_oldest(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, quiet_nights=1)
    with nights.warehouse.transaction() as connection:
        assert documents.watched_since(connection, TODAY, 190) == TODAY - timedelta(days=1)
        old = TODAY - timedelta(days=150)
        connection.execute("UPDATE billing.documents SET invoice_date = ? WHERE usage_key = lower(?)", [old, KEY])
        assert documents.watched_since(connection, TODAY, 190) == old - timedelta(days=1)
        assert documents.watched_since(connection, TODAY, 100) == TODAY - timedelta(days=1)


def test_a_document_older_than_the_days_of_watch_is_not_missing(tmp_path: Path) -> None:
    """Also when a read goes back further for another reason."""
    nights = UsageNights(tmp_path)
    nights.shown = []
    nights.night()
    with nights.warehouse.transaction() as connection:
        for age, state in ((190, "missing"), (191, "unread")):
            documents.compare(connection, f"run-{nights.runs}", TODAY + timedelta(days=age), 190)
            assert set(connection.execute("SELECT state FROM billing.documents").fetchall()) == {(state,)}


def test_the_memory_of_documents_and_the_identity_survive_the_loss_of_the_warehouse(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, written=False, quiet_nights=1)
    nights.note("drifted")
    with nights.warehouse.connect() as connection:
        plan_id = latest_plan_id(connection) or ""
    backup(nights.warehouse, plan_id, tmp_path / "backups")
    lost = empty_warehouse(tmp_path / "new.duckdb")
    assert restore(lost, tmp_path / "backups") is not None
    with lost.connect() as connection:
        assert writer.own(connection) == ME
        keys = connection.execute("SELECT usage_key, state FROM billing.documents ORDER BY ALL").fetchall()
    assert keys == sorted((key.lower(), "present") for key in (KEY, OTHER_KEY))


def test_a_backup_of_an_earlier_version_is_still_read(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path)
    with nights.warehouse.connect() as connection:
        plan_id = latest_plan_id(connection) or ""
    home = backup(nights.warehouse, plan_id, tmp_path / "backups")
    manifest = json.loads((home / "manifest.json").read_text())
    for table in ("billing.documents", "billing.writers"):
        del manifest["rows"][table]
        (home / f"{table}.parquet").unlink()
    (home / "manifest.json").write_text(json.dumps(manifest))
    lost = empty_warehouse(tmp_path / "new.duckdb")
    assert restore(lost, tmp_path / "backups") is not None


# Another writer ------------------------------------------------------------------------------------------------


def test_documents_of_another_data_folder_stop_usage_until_a_person_claims(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, written=False)
    nights.shown = [by_another(nights.document())]
    rows = nights.night()
    assert (rows[OTHER_KEY]["class"], rows[OTHER_KEY]["reason"]) == ("blocked", "usage_other_writer")
    found = nights.check("usage_writer")
    assert found.blocks
    assert "written by another data folder (22222222-bbbb; " in found.sentence
    claimed = writer.claim(nights.warehouse, datetime(2030, 1, 1), who="Ada", why="the old server is gone")
    assert claimed == writer.Claimed(ME, (ANOTHER,))
    assert texts(nights.night())[OTHER_KEY] == ("usage_bill", "safe", "create_invoice")
    assert nights.check("usage_writer").count == 0


def test_a_retired_folder_that_writes_again_stops_this_one_again(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, written=False)
    nights.shown, late = [by_another(nights.document())], by_another(nights.document(OTHER_KEY))
    nights.night()
    writer.claim(nights.warehouse, datetime.now(UTC).replace(tzinfo=None), who="Ada", why="moved")
    nights.night()
    assert nights.check("usage_writer").count == 0
    nights.shown.append(late)
    nights.night()
    assert nights.check("usage_writer").blocks


def test_documents_without_an_identity_only_count_as_there(tmp_path: Path) -> None:
    nights = UsageNights(tmp_path, written=False)
    for document in nights.shown:
        for line in document["lines"]:
            line["item_longdescription"] = line["item_longdescription"].replace(f"Writer: {ME}\n", "")
    assert {v for v, _, _ in texts(nights.night()).values()} == {"usage_present"}
    assert nights.check("usage_writer").count == 0


def test_a_folder_without_an_identity_writes_nothing_where_another_has_written(tmp_path: Path) -> None:
    """The data folder was lost with its backups, or a second machine was set up: a person has to say who writes."""
    nights = UsageNights(tmp_path, written=False)
    with nights.warehouse.transaction() as connection:
        connection.execute("DELETE FROM billing.writers")
    nights.shown = [nights.document()]
    assert {r["reason"] for r in nights.night().values() if r["action"] == "create_invoice"} == {"usage_other_writer"}
    assert writer.claim(nights.warehouse, datetime(2030, 1, 1), who="Ada", why="new").retired == (ME,)
