"""Mapping files: every complaint names file, row, column and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.mapping.files import load_mappings

A = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11"
B = "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02"
CLIENTS = "pax8_company_id,halo_client_id,note"
SUBSCRIPTIONS = "pax8_subscription_id,halo_recurring_invoice_id,halo_line_id,halo_licence_id,note"


def test_missing_files_are_empty_ones(tmp_path: Path) -> None:
    mappings = load_mappings(tmp_path)
    assert (mappings.clients, mappings.subscriptions, mappings.items) == ((), (), ())


def test_rows_as_a_spreadsheet_writes_them(tmp_path: Path) -> None:
    text = f'\ufeffpax8_company_id,halo_client_id,note\r\n{A.upper()}, 231 ,"two\nlines, one note"\r\n\r\n{B},232,\r\n'
    (tmp_path / "clients.csv").write_text(text, encoding="utf-8", newline="")
    mappings = load_mappings(tmp_path)
    assert [(m.pax8_company_id, m.halo_client_id) for m in mappings.clients] == [(A, 231), (B, 232)]


def test_the_note_column_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(f"pax8_product_id,halo_item_id\n{A},7\n")
    assert load_mappings(tmp_path).items[0].halo_item_id == 7


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        (
            "clients.csv",
            f"{CLIENTS}\n{A},x,\n",
            r"clients.csv, row 2, column halo_client_id: 'x' is not",
        ),
        ("clients.csv", "pax8_company_id,halo_client_id,note\n,5,\n", r"row 2, column pax8_company_id: is empty"),
        ("clients.csv", f"{CLIENTS}\n{A},,\n", r"row 2, column halo_client_id: is empty"),
        (
            "clients.csv",
            f"{CLIENTS}\n{A},1,\n{A.upper()},2,\n",
            r"row 3, column pax8_company_id: 5b1f7a3e.* is on row 2",
        ),
        ("clients.csv", "pax8_company_id,note\na,1\n", r"column halo_client_id is missing"),
        ("clients.csv", "pax8_company_id,halo_client_id,remark\na,1,\n", r"column remark: not known"),
        ("clients.csv", "pax8_company_id,halo_client_id,note\na,1,b,c\n", r"row 2: 4 cells under 3 headings"),
        ("clients.csv", 'pax8_company_id,halo_client_id,note\n"a,1,b\n', r"row 2: not readable as CSV"),
        (
            "subscriptions.csv",
            f"{SUBSCRIPTIONS}\n{A},,,,\n",
            r"subscriptions.csv, row 2, column halo_line_id: give a line id or a licence id, or the recurring",
        ),
    ],
)
def test_a_malformed_file_is_named_with_its_place(name: str, text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load_mappings(tmp_path)


def test_the_fingerprint_follows_the_contents_not_the_order(tmp_path: Path) -> None:
    prints = []
    for n, rows in enumerate((f"{A},1,\n{B},2,\n", f"{B},2,\n{A},1,\n", f"{A},1,\n{B},3,\n")):
        folder = tmp_path / str(n)
        folder.mkdir()
        (folder / "clients.csv").write_text(f"pax8_company_id,halo_client_id,note\n{rows}")
        prints.append(load_mappings(folder).fingerprint)
    assert prints[0] == prints[1] != prints[2]


# What a spreadsheet, a programming language or a person turns 231 into.
NO_HALO_ID = (
    "231.0", "231.6", "2.31E+02", "2.31e2", "0231", "00231", "+231", "-231", "1_000", "1,231", "1.231", "1 231", "0x10", "#231",
    "231\u00a0", "\u200b231", "٢٣١", "２３１", "²", "'231", "“231”", "231;", "0", "-0", "NaN", "Infinity", "1e400", "true",
    "23/01/2026", "#REF!", "99999999999999999999", "9223372036854775808",
)  # fmt: skip
NO_PAX8_ID = (
    "{" + A + "}", f"urn:uuid:{A}", A.replace("-", ""), A[:-1], A + "0", A.replace("-", "\u2010"), A.replace("a", "а", 1),
    f"{A}\u00a0", A.replace("5", "５", 1), f"'{A}", "abc", "5.0E+10", f"{A} {A}", f"https://app.pax8.com/companies/{A}",
)  # fmt: skip


@pytest.mark.parametrize("written", NO_HALO_ID)
def test_what_is_no_halo_id_is_named_with_row_and_column(written: str, tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text(f'{CLIENTS}\n{A},"{written}",\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"clients.csv, row 2, column halo_client_id: .* is not a Halo id: write"):
        load_mappings(tmp_path)


@pytest.mark.parametrize("written", NO_PAX8_ID)
def test_what_is_no_pax8_id_is_named_with_row_and_column(written: str, tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text(f'{CLIENTS}\n"{written}",231,\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"clients.csv, row 2, column pax8_company_id: .* is not a Pax8 id: write"):
        load_mappings(tmp_path)


def test_only_a_recurring_invoice_has_a_negative_id(tmp_path: Path) -> None:
    (tmp_path / "subscriptions.csv").write_text(f"{SUBSCRIPTIONS}\n{A},-94,7,,\n")
    assert load_mappings(tmp_path).subscriptions[0].halo_recurring_invoice_id == -94
    (tmp_path / "subscriptions.csv").write_text(f"{SUBSCRIPTIONS}\n{A},-94,-7,,\n")
    with pytest.raises(ConfigError, match="column halo_line_id: '-7' is not a Halo id"):
        load_mappings(tmp_path)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n", '"sep={}"\r\n', "\ufeff", "\ufeffsep={}\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_is_read_as_excel_writes_it_anywhere(separator: str, first: str, encoding: str, tmp_path: Path) -> None:
    rows = f"{CLIENTS}\r\n{A},231,Müller & Söhne\r\n".replace(",", separator)
    (tmp_path / "clients.csv").write_text(first.format(separator) + rows, encoding=encoding, newline="")
    (found,) = load_mappings(tmp_path).clients
    assert (found.pax8_company_id, found.halo_client_id, found.note) == (A, 231, "Müller & Söhne")


def test_the_row_named_counts_the_line_that_names_the_separator(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text(f"sep=;\n{CLIENTS}\n{A},x,\n".replace(",", ";"))
    with pytest.raises(ConfigError, match="row 3, column halo_client_id"):
        load_mappings(tmp_path)


def test_another_encoding_says_how_to_save_the_file(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text(f"{CLIENTS}\n{A},231,Müller\n", encoding="cp1252")
    with pytest.raises(ConfigError, match=r"clients\.csv, line 2: not UTF-8 text; save it as CSV UTF-8"):
        load_mappings(tmp_path)


def test_a_link_to_nothing_is_not_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(ConfigError, match="is a link to a file that does not exist"):
        load_mappings(tmp_path)
