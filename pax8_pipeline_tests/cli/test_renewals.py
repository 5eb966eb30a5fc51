"""`pax8-pipeline renewals`: the calendar as text, CSV, iCalendar and data, and accepting a move."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline_tests.support.cli import quick
from pax8_pipeline_tests.support.operator import Ran
from pax8_pipeline_tests.support.vendor_data import SUB, VendorData, company, subscription
from pax8_pipeline_tests.support.warehouse_files import release

NEW = "aaaaaaaa-0000-4000-8000-000000000002"
TERM, TRIAL, LATER = (f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n in (3, 4, 5))
NAME = "Käsemann; Söhne, Große & Überlange Bäckereigesellschaft mit beschränkter Haftung"


def held_until(day: str) -> dict[str, str]:
    return {"term": "1-Year", "endDate": day}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("renewals")
    VendorData(
        companies=[company(name=NAME)],
        clients=[{"id": 231, "name": NAME, "inactive": False}],
        subscriptions=[
            subscription(status="PendingCancel", endDate="2026-08-31"),
            subscription(id=NEW, startDate="2026-09-01", billingStart="2026-09-01"),
            # The last day of the 90 is in, the next one is not.
            subscription(id=TERM, productId="x1", productName="Vault", commitment=held_until("2026-11-18"), quantity=7),
            subscription(id=LATER, productId="x2", productName="Later", commitment=held_until("2026-11-19")),
            subscription(id=TRIAL, productId="x3", productName="Sign", status="Trial", endDate="2026-08-20"),
        ],
    ).load(made)
    release()
    return made


def renewals(folder: Path, *arguments: str, columns: int = 60) -> Ran:
    return quick(
        folder, "renewals", *arguments, PAX8_PIPELINE_DATA=str(folder), PAX8_PIPELINE_TODAY="2026-08-20",
        COLUMNS=str(columns),
    )  # fmt: skip


def test_text_fits_60_columns_and_names_the_next_step(folder: Path) -> None:
    ran = renewals(folder)
    assert ran.code == 0, ran.err
    assert "Commitments and renewals, 90 days ahead" in ran.out
    assert "Proposed moves of a line" in ran.out
    assert "pax8-pipeline renewals --accept" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 60
    assert f"--accept {NEW}" in ran.out
    assert "Vault" in ran.out
    assert "Later" not in ran.out


def test_csv_has_the_seats_that_may_be_reduced_and_until_when(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(renewals(folder, "--csv").out)))
    found = {
        row["subscription"]: (row["day"], row["what"], row["seats that may be reduced"], row["until"]) for row in rows
    }
    assert found == {
        TRIAL: ("2026-08-20", "trial ends", "", ""),
        SUB: ("2026-08-31", "ends", "", ""),
        TERM: ("2026-11-18", "renews", "7", "2026-11-18"),
    }


def test_icalendar_is_whole_folded_and_escaped(folder: Path) -> None:
    text = renewals(folder, "--ics").out
    lines = text.splitlines()
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    assert max(len(line.encode()) for line in lines) <= 75
    whole: list[str] = []
    for line in lines:
        if line.startswith(" "):
            whole[-1] += line[1:]
        else:
            whole.append(line)
    assert whole.count("BEGIN:VEVENT") == whole.count("END:VEVENT") == 3
    assert "DTSTART;VALUE=DATE:20261118" in whole
    assert "DTEND;VALUE=DATE:20261119" in whole
    escaped = NAME.replace(";", "\\;").replace(",", "\\,")
    assert f"SUMMARY:{escaped}: Vault\\, 7 seats\\, renews" in whole
    assert len({line for line in whole if line.startswith("UID:")}) == 3
    file = folder / "renewals.ics"
    assert renewals(folder, "--ics", "--out", str(file)).out == ""
    assert file.read_bytes().decode().count("\r\n") == len(lines)
    assert file.read_text(encoding="utf-8").splitlines() == lines


def test_days_and_json_say_how_far_ahead(folder: Path) -> None:
    data = renewals(folder, "--json", "--days", "11").data
    assert (data["schema"], data["today"], data["days"]) == ("pax8-pipeline/renewals/1", "2026-08-20", 11)
    assert [event["subscription_id"] for event in data["events"]] == [TRIAL, SUB]
    assert data["events"][1]["moves_to"] == NEW
    (move,) = data["moves"]
    assert (move["old_subscription_id"], move["new_subscription_id"], move["score"]) == (SUB, NEW, 100)


def test_two_outputs_at_once_are_refused(folder: Path) -> None:
    assert renewals(folder, "--csv", "--ics").code == 1


def test_accepting_a_move_adds_a_row_and_keeps_the_others(folder: Path) -> None:
    path = folder / "mappings" / "subscriptions.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"pax8_subscription_id,halo_recurring_invoice_id,halo_line_id,halo_licence_id,note\n{TERM},-7,8,,by hand\n",
        encoding="utf-8",
    )
    before = path.read_text(encoding="utf-8")
    wrong = renewals(folder, "--accept", LATER)
    assert (wrong.code, path.read_text(encoding="utf-8")) == (1, before)
    assert f"no move to {LATER} is proposed" in wrong.err

    ran = renewals(folder, "--accept", NEW.upper())
    assert ran.code == 0, ran.err
    assert "goes over from" in ran.out
    rows = {row.pax8_subscription_id: row for row in load_mappings(folder / "mappings").subscriptions}
    assert (rows[TERM].halo_line_id, rows[TERM].note) == (8, "by hand")
    new = rows[NEW]
    assert (new.halo_recurring_invoice_id, new.halo_line_id, new.halo_licence_id) == (-94, 24967, 4127)
    assert new.note == f"moved from {SUB}"

    text = path.read_text(encoding="utf-8")
    assert renewals(folder, "--accept", NEW).code == 0
    assert path.read_text(encoding="utf-8") == text
