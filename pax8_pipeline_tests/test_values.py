"""Ids, numbers and dates: what is one, what is none, and Python and SQL agree about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline import values
from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline_tests.mapping.test_mappings import NO_HALO_ID, NO_PAX8_ID, A

NO_NUMBER = ("NaN", "Infinity", "-inf", "1e400", "1_000", "1,5", "1.000,50", "0x10", "0b11", "١٢", "１２", "+5", ".5", "5.", "007",
             "1 000", "12\u00a0", "5%", "$5", "true", "1e", "--5", "", " ", "1e18", "99999999999999999999")  # fmt: skip
NUMBERS = {"0": "0", "-0.00": "0", "12.50": "12.5", "1E+2": "100", "1e-7": "0.0000001", " 7\t": "7"}  # fmt: skip
NO_DAY = ("31/12/2027", "2026-02-30", "2026-1-5", "20261231", "2026/12/31", "2026 12 31", "12026-12-31", "-2026-12-3", "epoch",
          "infinity", "2026-W01-1", "٢٠٢٦-01-01", "46387", "2026-12-31x")  # fmt: skip


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, Any], Any]]:
    warehouse = Warehouse(Path(tmp_path_factory.mktemp("values")) / "w.duckdb")
    warehouse.ensure_schema()
    with warehouse.connect() as connection:
        yield lambda macro, value: _ask(connection, macro, value)


def _ask(connection: Connection, macro: str, value: Any) -> Any:
    return connection.execute(f"SELECT meta.{macro}(?::VARCHAR)", [value]).fetchall()[0][0]


def _or_none(read: Callable[[Any], Any], value: Any) -> Any:
    with suppress(ValueError):
        return read(value)
    return None


@pytest.mark.parametrize("text", [*NO_HALO_ID, "", " "])
def test_what_is_no_halo_id_matches_nothing(text: str, sql: Callable[[str, Any], Any]) -> None:
    assert _or_none(values.halo_id, text) is None
    assert sql("halo_id", text) is None


@pytest.mark.parametrize(("text", "id_"), [("231", 231), (" 231\r\n", 231), ("1", 1), (str(2**63 - 1), 2**63 - 1)])
def test_a_halo_id_is_its_digits(text: str, id_: int, sql: Callable[[str, Any], Any]) -> None:
    assert values.halo_id(text) == sql("halo_id", text) == id_


@pytest.mark.parametrize("value", [True, 231.0, Decimal("231"), Decimal("231.6"), None, [231], -231, 0, 2**63])
def test_only_a_whole_json_number_is_an_id(value: Any) -> None:
    assert _or_none(values.halo_id, value) is None
    assert values.halo_id(231) == 231


@pytest.mark.parametrize(
    ("text", "id_"), [("-94", -94), ("94", 94), ("--94", None), ("-094", None), ("- 94", None), ("-94.0", None)]
)
def test_a_recurring_invoice_may_be_negative(text: str, id_: int | None, sql: Callable[[str, Any], Any]) -> None:
    assert _or_none(values.recurring_invoice_id, text) == sql("recurring_id", text) == id_


@pytest.mark.parametrize("text", [*NO_PAX8_ID, "", " "])
def test_what_is_no_pax8_id_matches_nothing(text: str, sql: Callable[[str, Any], Any]) -> None:
    assert _or_none(values.pax8_id, text) is None
    assert sql("pax8_id", text) is None


def test_a_pax8_id_is_compared_in_lower_case(sql: Callable[[str, Any], Any]) -> None:
    assert values.pax8_id(f" {A.upper()}\n") == sql("pax8_id", f" {A.upper()}\n") == A


@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_is_no_number_is_not_repaired(text: str, sql: Callable[[str, Any], Any]) -> None:
    assert _or_none(values.decimal, text) is None
    assert sql("num", text) is None
    assert sql("exact", text) is None
    assert sql("whole", text) is None


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_a_number_keeps_its_digits(text: str, number: str, sql: Callable[[str, Any], Any]) -> None:
    assert values.decimal(text) == sql("num", text) == sql("exact", text) == Decimal(number)


def test_prices_are_rounded_after_the_tenth_place_and_seats_are_not(sql: Callable[[str, Any], Any]) -> None:
    assert sql("num", "8.333333333333334") == Decimal("8.3333333333")
    assert sql("exact", "3.00000000001") is None
    assert sql("exact", "3.0000000000000004") == 3  # the noise of a double
    assert (sql("whole", "3.0"), sql("whole", "3.00000000001"), sql("whole", "2.5")) == (3, None, None)


@pytest.mark.parametrize("text", NO_DAY)
def test_what_is_no_date_is_not_guessed(text: str, sql: Callable[[str, Any], Any]) -> None:
    assert _or_none(values.day, text) is None
    assert sql("day", text) is None
    assert sql("halo_day", text) is None


def test_a_date_is_cut_from_the_front_and_halos_none_is_none(sql: Callable[[str, Any], Any]) -> None:
    assert str(sql("day", "2026-12-31T23:30:00-08:00")) == str(sql("halo_day", "2026-12-31 00:00:00")) == "2026-12-31"
    assert (sql("halo_day", "1900-01-01T00:00:00"), sql("halo_day", "0001-01-01"), sql("day", "2024-02-29").day) == (
        None,
        None,
        29,
    )


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-1", "202601", "2026/01", "01-2026", "2026-01-01", "٢٠٢٦-01", "Jan 2026", ""]
)
def test_a_month_is_written_one_way(text: str) -> None:
    assert _or_none(values.month, text) is None
    assert values.month("2026-01") == "2026-01"


def test_a_kind_that_cannot_be_read_is_never_the_harmless_one(sql: Callable[[str, Any], Any]) -> None:
    assert [sql("kind", x) for x in (None, "", "0", "4", "four", "1e400")] == [0, 0, 0, 4, -99, -99]


@pytest.mark.parametrize(
    "text", ['{"id": 1, "id": 2}', '{"a": [{"count": 5, "x": 0, "count": 50}]}', '{"id": 1, "\\u0069d": 2}']
)
def test_an_object_with_a_key_twice_is_not_json_to_us(text: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        jsontext.loads(text)


@pytest.mark.parametrize(
    "text", ['{"price": NaN}', '{"price": Infinity}', '{"price": -Infinity}', '{"id": 0201}', '{"id": 1_000}']
)
def test_what_is_no_json_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"column|not valid|Illegal|Out of range|Expecting"):
        jsontext.loads(text)


@pytest.mark.parametrize("text", ["1e400", "201.0", "2.01e2", "200.6", '"0201"', '"２０１"', "true", '"201 "', "-201"])
def test_what_a_vendor_writes_as_id_reaches_staging_as_it_was_sent(text: str, sql: Callable[[str, Any], Any]) -> None:
    stored = jsontext.dumps_for_raw(jsontext.loads(f'{{"id": {text}}}'))
    with_id = text.strip('"').strip()
    assert (sql("halo_id", _member(stored, sql)) is None) is (with_id != "201")


def _member(stored: str, sql: Callable[[str, Any], Any]) -> Any:
    return (
        jsontext.loads(stored)["id"]
        if stored.startswith('{"id":"')
        else stored.removeprefix('{"id":').removesuffix("}")
    )
