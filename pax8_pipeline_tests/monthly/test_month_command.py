"""`pax8-pipeline month`: its text, its data, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline_tests.support.cli import quick
from pax8_pipeline_tests.support.month_data import MonthData, billed_line, halo_invoice, seats, snapshot
from pax8_pipeline_tests.support.operator import Ran
from pax8_pipeline_tests.support.scripted_http import TokenServer, json_response, serving
from pax8_pipeline_tests.support.usage_data import policy
from pax8_pipeline_tests.support.vendor_data import SUB, licence, subscription
from pax8_pipeline_tests.support.warehouse_files import release

DIFFERS: dict[str, Any] = {
    "subscriptions": [subscription(quantity=14)], "items": [[seats(quantity=19)]], "licences": [licence(count=14)],
    "halo_invoices": [halo_invoice([billed_line(qty_order=14)])],
}  # fmt: skip


CREDENTIALS = {"PAX8_CLIENT_ID": "x", "PAX8_CLIENT_SECRET": "x", "HALO_API_URL": "https://halo.invalid/api",
               "HALO_AUTH_URL": "https://halo.invalid/auth", "HALO_TENANT": "x", "HALO_CLIENT_ID": "x",
               "HALO_CLIENT_SECRET": "x"}  # fmt: skip


def month(folder: Path, *arguments: str, **books: Any) -> Ran:
    MonthData(**books).load(folder, policy=policy())
    release()
    return ask(folder, *arguments)


def ask(folder: Path, *arguments: str) -> Ran:
    return quick(
        folder, "month", *arguments, PAX8_PIPELINE_DATA=str(folder), PAX8_PIPELINE_TODAY="2026-08-20", COLUMNS="80"
    )


def test_a_month_that_agrees_ends_with_0(tmp_path: Path) -> None:
    ran = month(tmp_path, "2026-08")
    assert ran.code == 0, ran.out
    assert "August 2026: 1 row, and it agrees." in ran.out
    assert "yes, to the cent" in ran.out


def test_a_difference_ends_with_2_and_fits_80_columns(tmp_path: Path) -> None:
    ran = month(tmp_path, **DIFFERS)
    assert ran.code == 2
    assert "1 row of 1 does not agree" in ran.out
    assert "under billed" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "Listed" in ask(tmp_path, "--details").out


def test_data_has_the_sums_and_the_rows(tmp_path: Path) -> None:
    ran = month(tmp_path, "2026-08", "--json", **DIFFERS)
    data = json.loads(ran.out)
    assert (ran.code, data["exit_code"], data["ties"], data["classes"]) == (2, 2, True, {"under_billed": 1})
    assert data["sums"][0]["invoiced_cost"] == data["sums"][0]["explained_cost"] == "323"
    (row,) = data["rows"]
    wanted = ("subscription_id", "company_id", "client_id", "kind", "class", "pax8_listed", "pax8_invoiced", "halo_billed",
              "difference", "currency", "reached_bill", "reason", "next_step")  # fmt: skip
    assert set(wanted) <= set(row)
    assert (row["pax8_listed"], row["pax8_invoiced"], row["halo_billed"], row["difference"]) == (
        "14",
        "19",
        "14",
        "-110",
    )


def test_a_history_that_was_not_read_is_named_with_the_reason(tmp_path: Path) -> None:
    ran = month(tmp_path, **DIFFERS)
    assert "Pax8's history of 1 subscription could explain a difference" in ran.out
    data = json.loads(ask(tmp_path, "--json").out)
    assert data["histories"] == {"read": 0, "not_read": 1, "problem": None}
    assert data["rows"][0]["history"] == "not_read"


def test_histories_are_read_with_the_credentials_that_are_set(tmp_path: Path) -> None:
    """The seats changed after Pax8's invoice was shown, which only its history knows."""
    differs = {**DIFFERS, "items": [[seats(quantity=10)]]}
    past = [snapshot(14, "2026-08-09T10:00:00.000Z"), snapshot(10)]
    MonthData(**differs).load(tmp_path, policy=policy())
    release()
    with serving(TokenServer(86400).guards(lambda asked: json_response({"content": past}))) as pax8:
        ran = quick(tmp_path, "month", "--json", PAX8_PIPELINE_DATA=str(tmp_path), PAX8_PIPELINE_TODAY="2026-08-20",
                    PAX8_API_URL=f"{pax8.url}/v1", **CREDENTIALS)  # fmt: skip
        asked = [one.path for one in pax8.sent("GET")]
    data = json.loads(ran.out)
    assert (ran.code, data["classes"], data["histories"]) == (
        0,
        {"timing": 1},
        {"read": 1, "not_read": 0, "problem": None},
    )
    assert data["rows"][0]["changed_on"] == "2026-08-09"
    assert asked == [f"/v1/subscriptions/{SUB}/history"]


def test_a_month_without_an_invoice_is_not_clean(tmp_path: Path) -> None:
    ran = month(tmp_path, "2026-08", invoices=[], items=[])
    assert ran.code == 2
    assert "nothing could be checked" in ran.out


@pytest.mark.parametrize("wrong", ["2026-13", "August", "2026-8"])
def test_what_is_no_month_is_refused(wrong: str, tmp_path: Path) -> None:
    ran = month(tmp_path, wrong)
    assert (ran.code, "is not a month" in ran.err) == (1, True)


def test_without_a_warehouse_the_command_says_what_to_run(tmp_path: Path) -> None:
    ran = ask(tmp_path, "2026-08")
    assert (ran.code, "pax8-pipeline run" in ran.err) == (1, True)
