"""The forecast of the next Pax8 bill, and how far that of the compared month was from the invoice."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.reports.month import forecast
from pax8_pipeline.reports.month.forecast import Forecast, read_forecasts
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.cli import quick
from pax8_pipeline_tests.support.month_data import MonthData, draft, seats
from pax8_pipeline_tests.support.usage_data import METER, OTHER, arrears, policy
from pax8_pipeline_tests.support.vendor_data import company, subscription
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, release

# The invoice of August: 20 seats, of which the partner pays 340, and usage, which no draft contains.
INVOICED = [seats(), arrears()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("forecast")
    MonthData(
        companies=[company(), company(id=OTHER, name="Other Bakery")],
        subscriptions=[subscription(), subscription(id=METER, price=0, quantity=1, productName="Backup")],
        items=[INVOICED],
        drafts={
            "2026-08": [seats(quantity=22)],
            "2026-09": [seats(quantity=21), seats(companyId=OTHER, quantity=2), seats(currencyCode="EUR", quantity=1)],
        },
    ).load(made, policy=policy())
    release()
    return made


def month(folder: Path, *arguments: str) -> str:
    environment = {"PAX8_PIPELINE_DATA": str(folder), "PAX8_PIPELINE_TODAY": "2026-08-20", "COLUMNS": "60"}
    return quick(folder, "month", "2026-08", *arguments, **environment).out


def test_the_next_bill_is_forecast_by_currency_and_by_client(folder: Path) -> None:
    found = json.loads(month(folder, "--json"))["forecast"]["next"]
    assert (found["month"], found["read_on"], found["missing"]) == ("2026-09", "2026-08-20", None)
    costs = {currency: figures["forecast_cost"] for currency, figures in found["money"].items()}
    assert costs == {"EUR": "17", "USD": "391"}
    clients = {(row["client"], row["currency"]): row["forecast_cost"] for row in found["clients"]}
    assert clients == {("Example", "EUR"): "17", ("Example", "USD"): "357", ("Other Bakery", "USD"): "34"}
    assert {row["invoiced_cost"] for row in found["clients"]} == {None}


def test_the_forecast_of_the_month_is_compared_with_its_invoice_without_usage(folder: Path) -> None:
    found = json.loads(month(folder, "--json"))["forecast"]["compared"]
    figures = found["money"]["USD"]
    assert (figures["forecast_cost"], figures["invoiced_cost"], figures["error_pct"]) == ("374", "340", "10")


def test_the_text_says_both_in_60_columns(folder: Path) -> None:
    shown = month(folder, "--details")
    text = " ".join(shown.split())
    assert (
        "Forecast of the Pax8 bill of September 2026: 17.00 EUR, 391.00 USD without usage (draft of 20 August 2026)"
        in text
    )
    assert "The forecast of August 2026 was 374.00 USD, invoiced were 340.00 USD: USD 10.0 % too high." in text
    assert "Other Bakery" in text
    assert max(map(len, month(folder).splitlines())) <= 60


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return empty_warehouse(tmp_path_factory.mktemp("drafts") / "warehouse.duckdb")


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (None, "no draft was read"),
        (draft("2026-02", [], problem="Pax8 GET /invoices/draftItems: 404"), "Pax8 gave no draft: Pax8 GET"),
        (draft("2026-04", []), "the draft has no items"),
        (draft("2026-06", [seats(total="much")]), "an item of the draft cannot be read"),
    ],
)
def test_without_a_draft_there_is_no_forecast_and_the_reason_is_said(
    read: snapshots.Read | None, says: str, warehouse: Warehouse
) -> None:
    if read is not None:
        snapshots.store(warehouse, [read], "run")
    with warehouse.connect() as connection:
        found = read_forecasts(connection, read.scope if read is not None else "2025-12")
    assert found.compared.clients == []
    assert found.compared.missing.startswith(says)
    assert says in forecast.lines(found)[1]
    assert found.next.missing == "no draft was read"


def test_one_item_that_cannot_be_read_leaves_its_bill_without_a_forecast(tmp_path: Path) -> None:
    drafts = {"2026-08": [seats()], "2026-09": [seats(), seats(costTotal="much")]}
    compared = MonthData(drafts=drafts).month(tmp_path)
    with compared.connect() as connection:
        found = read_forecasts(connection, "2026-08")
    assert (found.next.clients, found.next.missing) == ([], "an item of the draft cannot be read")
    assert forecast.lines(found)[1].endswith("USD exact")


@pytest.mark.parametrize(("figures", "says"), [(("0", "5"), "USD 100.0 % too low"), (("5", "0"), "without a figure")])
def test_a_forecast_is_judged_by_the_invoice(figures: tuple[str, str], says: str) -> None:
    forecast_cost, invoiced_cost = map(Decimal, figures)
    row: dict[str, Any] = {"currency": "USD", "forecast_cost": forecast_cost, "forecast_total": forecast_cost,
                           "invoiced_cost": invoiced_cost, "invoiced_total": invoiced_cost}  # fmt: skip
    both = forecast.Forecasts(Forecast("2026-09"), Forecast("2026-08", [row]))
    assert says in forecast.lines(both)[1]


def test_before_the_invoice_came_its_forecast_stands_alone(tmp_path: Path) -> None:
    compared = MonthData(invoices=[], items=[], drafts={"2026-08": [seats()]}).month(tmp_path)
    with compared.connect() as connection:
        found = read_forecasts(connection, "2026-08")
    assert forecast.lines(found)[1] == "The forecast of August 2026 was 340.00 USD; its invoice did not come yet"
    assert found.compared.money["USD"]["error_pct"] is None
