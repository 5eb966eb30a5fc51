"""data/acknowledged.csv: read as strictly as the mapping files, written so that Git shows one line for one change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pax8_pipeline.billing.acknowledgements import COLUMNS, Acknowledgement, load, save
from pax8_pipeline.errors import ConfigError

HEAD = ",".join(COLUMNS)
ONE = Acknowledgement(
    "unbilled:b", "by hand, until March", "ada", date(2027, 3, 31), Decimal("24.60"), "USD", date(2026, 8, 20)
)
TWO = Acknowledgement(
    "orphaned_licence-overcharge:licence 4127, line 1", "known", "bo", None, None, None, date(2026, 8, 20)
)


def test_what_is_written_is_what_is_read_in_the_order_of_the_ids(tmp_path: Path) -> None:
    path = tmp_path / "data" / "acknowledged.csv"
    save(path, [ONE, TWO])
    assert load(path) == (TWO, ONE)
    assert path.read_text().splitlines() == [
        HEAD,
        '"orphaned_licence-overcharge:licence 4127, line 1",known,bo,,,,2026-08-20',
        'unbilled:b,"by hand, until March",ada,2027-03-31,24.60,USD,2026-08-20',
    ]
    assert [p.name for p in path.parent.iterdir()] == ["acknowledged.csv"]


def test_an_amount_of_which_halo_names_no_currency_can_be_read_again(tmp_path: Path) -> None:
    known = replace(ONE, currency=None)
    save(tmp_path / "acknowledged.csv", [known])
    assert load(tmp_path / "acknowledged.csv") == (known,)


def test_a_missing_file_is_an_empty_one_and_ids_are_case_blind(tmp_path: Path) -> None:
    path = tmp_path / "acknowledged.csv"
    assert load(path) == ()
    path.write_text(f"\ufeff{HEAD}\r\nUnbilled:ABC,why,ada,,1,usd,2026-08-20\r\n", newline="")
    assert [(a.finding_id, a.currency) for a in load(path)] == [("unbilled:abc", "USD")]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("unbilled:b,why,ada,31/12/2027,1,USD,2026-08-20", "column until: '31/12/2027' is not a date such as"),
        ("unbilled:b,why,ada,20271231,1,USD,2026-08-20", "column until: '20271231' is not a date"),
        ("unbilled:b,why,ada,2027-02-30,1,USD,2026-08-20", "column until: '2027-02-30' is not a date"),
        ("unbilled:b,why,ada,,1,USD,", "column date: is empty"),
        ("unbilled:b,why,ada,,\"1,50\",USD,2026-08-20", "column amount: '1,50' is not an amount"),
        ("unbilled:b,why,ada,,1e3,USD,2026-08-20", "column amount: '1e3' is not an amount"),
        ("unbilled:b,why,ada,,-4,USD,2026-08-20", "column amount: '-4' is not an amount"),
        ("unbilled:b,why,ada,,4,$,2026-08-20", r"column currency: '\$' is not a currency"),
        ("unbilled:b,,ada,,4,USD,2026-08-20", "column reason: is empty"),
        ("unbilled:b,why,,,4,USD,2026-08-20", "column who: is empty"),
        ("b,why,ada,,4,USD,2026-08-20", "column id: 'b' is not a finding"),
        ("unbilled:b,why,ada,,4,USD,2026-08-20,x", "8 cells under 7 headings"),
        ("unbilled:b,why,ada,,4,USD,2026-08-20\nUNBILLED:B,why,ada,,4,USD,2026-08-20", "column id: unbilled:b is on row 2"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_named_with_its_place(row: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "acknowledged.csv"
    path.write_text(f"{HEAD}\n{row}\n")
    with pytest.raises(ConfigError, match=rf"acknowledged\.csv, row \d.*{complaint}"):
        load(path)


@pytest.mark.parametrize("head", ["id,reason,who,until,amount,date", f"{HEAD},note"])
def test_other_headings_are_refused(head: str, tmp_path: Path) -> None:
    path = tmp_path / "acknowledged.csv"
    path.write_text(f"{head}\n")
    with pytest.raises(ConfigError, match="row 1"):
        load(path)
