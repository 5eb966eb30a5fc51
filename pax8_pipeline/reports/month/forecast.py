"""The forecast of a Pax8 invoice by its draft, and how far a forecast was from the invoice that came.

Usage in arrears is in no figure here: a draft does not contain it. What is added up is decided by SQL
(`warehouse/sql/monthly/forecasts.sql`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql

Row = Mapping[str, Any]

_FORECASTS = load_sql("reports/month/forecasts.sql")
_READS = load_sql("reports/month/draft_reads.sql")
_FIGURES = ("forecast_cost", "forecast_total", "invoiced_cost", "invoiced_total")
_CLIENTS = (
    Column("client", "Client"),
    Column("forecast_cost", "Pax8 will charge", "money"),
    Column("forecast_total", "Client total", "money"),
    Column("currency", "Currency", size="short"),
)


@dataclass(frozen=True)
class Forecast:
    """The forecast of one Pax8 invoice. `month`: yyyy-mm of that invoice.

    `clients` has a row for each client and currency; it is empty when there is no forecast, and `missing` says why.
    The invoiced figures are None before the invoice came.
    """

    month: str
    clients: Sequence[Row] = ()
    missing: str = ""

    @property
    def money(self) -> dict[str, dict[str, Decimal | None]]:
        """The figures of each currency; amounts of two currencies are never added."""
        found: dict[str, dict[str, Decimal | None]] = {}
        for currency in sorted({row["currency"] for row in self.clients}):
            rows = [row for row in self.clients if row["currency"] == currency]
            figures = {name: _sum([row[name] for row in rows]) for name in _FIGURES}
            found[currency] = {**figures, "error_pct": _error_pct(figures)}
        return found

    @property
    def was_invoiced(self) -> bool:
        """True when the invoice of the month came, so that the forecast can be judged."""
        return any(row["invoiced_cost"] is not None for row in self.clients)

    def as_data(self) -> dict[str, Any]:
        """Return the forecast for --json."""
        read_on = self.clients[0]["read_on"] if self.clients else None
        return {
            "month": self.month,
            "read_on": read_on,
            "missing": self.missing or None,
            "money": self.money,
            "clients": list(self.clients),
        }


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def _error_pct(figures: Mapping[str, Decimal | None]) -> Decimal | None:
    """Return by how many percent of the invoice the forecast was too high; below 0 too low, None when not known."""
    forecast, invoiced = figures["forecast_cost"], figures["invoiced_cost"]
    if forecast is None or not invoiced:
        return None
    return (forecast - invoiced) * 100 / abs(invoiced)


@dataclass(frozen=True)
class Forecasts:
    """The forecast of the next Pax8 invoice, and that of the compared month's invoice, which came or will come."""

    next: Forecast
    compared: Forecast

    def as_data(self) -> dict[str, Any]:
        """Return both for --json."""
        return {"next": self.next.as_data(), "compared": self.compared.as_data()}


def read_forecasts(connection: Connection, month: str) -> Forecasts:
    """Return the forecasts that belong to a compared month (yyyy-mm)."""
    following = month_after(month)
    rows = snapshots.dicts(connection.execute(_FORECASTS, {"month": month}))
    reads = {
        row["invoice_month"]: row for row in snapshots.dicts(connection.execute(_READS, {"months": [month, following]}))
    }
    found = {}
    for name in (month, following):
        clients = [row for row in rows if row["invoice_month"] == name]
        found[name] = Forecast(name, clients, "" if clients else _why_missing(reads.get(name)))
    return Forecasts(found[following], found[month])


def month_after(month: str) -> str:
    """Return the month after one, both yyyy-mm."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}"


def _why_missing(read: Row | None) -> str:
    if read is None:
        return "no draft was read"
    if read["items"] is None:
        return f"Pax8 gave no draft: {read['problem']}"
    return "an item of the draft cannot be read" if read["items"] else "the draft has no items"


def lines(forecasts: Forecasts) -> list[str]:
    """Return the forecast of the next bill and how good the one of the compared month was, as two sentences."""
    return [_next_sentence(forecasts.next), _compared_sentence(forecasts.compared)]


def _next_sentence(forecast: Forecast) -> str:
    name = formatting.month_name(forecast.month)
    if not forecast.clients:
        return f"Forecast of the Pax8 bill of {name}: none, {forecast.missing}"
    read_on = formatting.day(forecast.clients[0]["read_on"])
    return (
        f"Forecast of the Pax8 bill of {name}: {_amounts(forecast, 'forecast_cost')} without usage (draft of {read_on})"
    )


def _compared_sentence(forecast: Forecast) -> str:
    name = formatting.month_name(forecast.month)
    if not forecast.clients:
        return f"The bill of {name} cannot be compared with a forecast: {forecast.missing}"
    amounts = _amounts(forecast, "forecast_cost")
    if not forecast.was_invoiced:
        return f"The forecast of {name} was {amounts}; its invoice did not come yet"
    invoiced = _amounts(forecast, "invoiced_cost")
    errors = ", ".join(_error(currency, figures["error_pct"]) for currency, figures in forecast.money.items())
    return f"The forecast of {name} was {amounts}, invoiced were {invoiced}: {errors}"


def _amounts(forecast: Forecast, figure: str) -> str:
    found = ((figures[figure], currency) for currency, figures in forecast.money.items())
    return ", ".join(formatting.money(amount, currency) for amount, currency in found)


def _error(currency: str, error_pct: Decimal | None) -> str:
    if error_pct is None:
        return f"{currency} without a figure to compare"
    if not error_pct:
        return f"{currency} exact"
    return f"{currency} {formatting.percent(abs(error_pct))} too {'high' if error_pct > 0 else 'low'}"


def table(forecast: Forecast) -> Table:
    """Return the forecast of a bill by client."""
    title = f"Forecast of the Pax8 bill of {formatting.month_name(forecast.month)}, without usage"
    return Table(title, _CLIENTS, forecast.clients)
