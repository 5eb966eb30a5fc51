"""Numbers go through text and back without losing a digit; raw tables keep more than a double holds."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pax8_pipeline.text import jsontext

decimals = st.decimals(allow_nan=False, allow_infinity=False)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | decimals | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def same(left: Any, right: Any) -> bool:
    """Equal with equal digits: 1.0 is not 1.00, but a Decimal without a fraction may come back as int."""
    if isinstance(left, dict):
        return isinstance(right, dict) and left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Decimal) and not isinstance(right, bool):
        return left == right and (str(left) == str(right) or left == 0)
    return type(left) is type(right) and bool(left == right)


@given(documents)
def test_what_is_written_reads_back_with_the_same_digits(document: Any) -> None:
    assert same(document, jsontext.loads(jsontext.dumps(document)))
    assert same(document, jsontext.loads(jsontext.dumps(document).encode("utf-8", "surrogatepass")))


@given(documents)
def test_written_text_is_json_for_others_too(document: Any) -> None:
    json.loads(jsontext.dumps(document))


def test_whole_numbers_stay_int_and_all_others_become_decimal() -> None:
    read = jsontext.loads('[150, -94, 22.00, 1e2, 0.1, "5"]')
    assert [type(value) for value in read] == [int, int, Decimal, Decimal, Decimal, str]
    assert [str(value) for value in read] == ["150", "-94", "22.00", "1E+2", "0.1", "5"]


def test_money_is_written_with_exactly_its_digits_and_no_spaces() -> None:
    assert jsontext.dumps({"a": Decimal("22.00"), "b": [Decimal("19.485"), 1]}) == '{"a":22.00,"b":[19.485,1]}'


def test_text_is_written_readable_not_escaped() -> None:
    assert jsontext.dumps("Zahnärzte 齒") == '"Zahnärzte 齒"'


@pytest.mark.parametrize(
    "bad", ["", "{", "[1,2", '{"a":1}x', "NaN", "[Infinity]", "<html>", b"\xff\xfe", "[" * 100_000]
)
def test_anything_but_one_whole_document_is_a_value_error(bad: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        jsontext.loads(bad)


@pytest.mark.parametrize("bad", [Decimal("NaN"), [Decimal("Infinity")], {"a": float("nan")}])
def test_not_a_number_is_never_written(bad: Any) -> None:
    for write in (jsontext.dumps, jsontext.dumps_for_raw):
        with pytest.raises(ValueError, match=r".+"):
            write(bad)


def test_a_byte_order_mark_is_no_content() -> None:
    assert jsontext.loads(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("123456789012.345"), "123456789012.345"),
        (Decimal("1234567890123.456"), '"1234567890123.456"'),
        (Decimal("-0.1000000000000000"), '"-0.1000000000000000"'),
        (Decimal("1E+400"), '"1E+400"'),
        (Decimal("1E-400"), '"1E-400"'),
        (123456789012345, "123456789012345"),
        (-1234567890123456, '"-1234567890123456"'),
        (True, "true"),
    ],
)
def test_stored_writes_more_than_fifteen_digits_as_a_string(number: Any, text: str) -> None:
    assert jsontext.dumps_for_raw({"n": [number]}) == f'{{"n":[{text}]}}'


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=6))
def test_duckdb_gives_back_the_exact_value_of_a_stored_number(number: Decimal) -> None:
    row = duckdb.execute(
        "SELECT CAST(CAST(? AS JSON) ->> 'n' AS DECIMAL(38, 6))", [jsontext.dumps_for_raw({"n": number})]
    ).fetchone()
    assert row is not None
    assert row[0] == number


def test_stored_text_can_always_be_encoded() -> None:
    assert jsontext.dumps_for_raw("a\ud800b\U0001f600").encode() == '"a\ufffdb\U0001f600"'.encode()
