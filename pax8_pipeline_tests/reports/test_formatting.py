"""Money, dates and counts are written in one way everywhere."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.reports import formatting
from pax8_pipeline.text.plurals import plural


@pytest.mark.parametrize(
    ("amount", "currency", "signed", "text"),
    [
        ("1204.5", "USD", False, "1,204.50 USD"),
        ("-1234567.891", None, False, "-1,234,567.89"),
        ("12", "EUR", True, "+12.00 EUR"),
        ("-12", "EUR", True, "-12.00 EUR"),
        ("0", "EUR", True, "0.00 EUR"),
        ("-0.001", "USD", False, "0.00 USD"),
        ("-0.001", "USD", True, "0.00 USD"),
        ("0.001", "USD", True, "0.00 USD"),
    ],
)
def test_money_has_two_decimals_separators_and_no_sign_on_zero(
    amount: str, currency: str | None, signed: bool, text: str
) -> None:
    assert formatting.money(Decimal(amount), currency, signed=signed) == text


def test_an_unknown_amount_never_looks_like_zero() -> None:
    assert (formatting.money(None), formatting.known_money(None, "USD")) == ("", "not known")


def test_amounts_of_two_currencies_stand_beside_each_other() -> None:
    sums = {"USD": Decimal("1204.5"), "EUR": Decimal(12), "GBP": Decimal(0)}
    assert formatting.amounts(sums) == "12.00 EUR, 1,204.50 USD"
    assert formatting.amounts({}) == "0.00"


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("20.0000"), "20"), (Decimal("0.50"), "0.5"), (Decimal(100), "100"), (True, "yes"), (None, ""), ([], ""),
     ([1, True], "1, yes"), (date(2026, 8, 20), "2026-08-20")],
)  # fmt: skip
def test_a_value_in_short(value: Any, text: str) -> None:
    assert formatting.plain(value) == text


def test_counts_months_and_times() -> None:
    assert (plural(0, "row"), plural(1, "row"), plural(1200, "row")) == ("0 rows", "1 row", "1,200 rows")
    assert (plural(2, "loss", "losses"), plural(1, "row waits", "rows wait")) == ("2 losses", "1 row waits")
    assert (formatting.month_name("2026-08"), formatting.day(date(2026, 8, 2))) == ("August 2026", "2 August 2026")
    assert formatting.moment(datetime(2026, 8, 20, 6, 5, tzinfo=UTC)) == "2026-08-20 06:05 UTC"
