"""Mapping files: every complaint names file, row, column and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.matching.mappings import load_mappings


def test_missing_files_are_empty_ones(tmp_path: Path) -> None:
    mappings = load_mappings(tmp_path)
    assert (mappings.clients, mappings.subscriptions, mappings.items) == ((), (), ())


def test_rows_as_a_spreadsheet_writes_them(tmp_path: Path) -> None:
    text = '\ufeffpax8_company_id,halo_client_id,note\r\nABC-1, 231 ,"two\nlines, one note"\r\n\r\nDEF,232,\r\n'
    (tmp_path / "clients.csv").write_text(text, encoding="utf-8", newline="")
    mappings = load_mappings(tmp_path)
    assert [(m.pax8_company_id, m.halo_client_id) for m in mappings.clients] == [("abc-1", 231), ("def", 232)]


def test_the_note_column_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("pax8_product_id,halo_item_id\nP,7\n")
    assert load_mappings(tmp_path).items[0].halo_item_id == 7


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        (
            "clients.csv",
            "pax8_company_id,halo_client_id,note\na,x,\n",
            r"clients.csv, row 2, column halo_client_id: 'x' is not",
        ),
        ("clients.csv", "pax8_company_id,halo_client_id,note\n,5,\n", r"row 2, column pax8_company_id: is empty"),
        ("clients.csv", "pax8_company_id,halo_client_id,note\na,,\n", r"row 2, column halo_client_id: is empty"),
        (
            "clients.csv",
            "pax8_company_id,halo_client_id,note\na,1,\nA,2,\n",
            r"row 3, column pax8_company_id: a stands on row 2",
        ),
        ("clients.csv", "pax8_company_id,note\na,1\n", r"column halo_client_id is missing"),
        ("clients.csv", "pax8_company_id;halo_client_id;note\na;1;\n", r"column pax8_company_id is missing"),
        ("clients.csv", "pax8_company_id,halo_client_id,remark\na,1,\n", r"column remark: not known"),
        ("clients.csv", "pax8_company_id,halo_client_id,note\na,1,b,c\n", r"row 2: 4 cells under 3 headings"),
        ("clients.csv", 'pax8_company_id,halo_client_id,note\n"a,1,b\n', r"row 2: not readable as CSV"),
        (
            "subscriptions.csv",
            "pax8_subscription_id,halo_recurring_invoice_id,halo_line_id,halo_licence_id,note\ns,-94,,,\n",
            r"subscriptions.csv, row 2, column halo_line_id: give a line id, a licence id or both",
        ),
    ],
)
def test_a_malformed_file_is_named_with_its_place(name: str, text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load_mappings(tmp_path)


def test_the_fingerprint_follows_the_contents_not_the_order(tmp_path: Path) -> None:
    prints = []
    for n, rows in enumerate(("a,1,\nb,2,\n", "b,2,\na,1,\n", "a,1,\nb,3,\n")):
        folder = tmp_path / str(n)
        folder.mkdir()
        (folder / "clients.csv").write_text(f"pax8_company_id,halo_client_id,note\n{rows}")
        prints.append(load_mappings(folder).fingerprint)
    assert prints[0] == prints[1] != prints[2]
