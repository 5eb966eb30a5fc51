"""Estimates how many calls a backfill of usage takes. It chooses the queries in the same way as the backfill.

Nothing is asked here (see `pax8_lists`, `usage_lines`). Sentences for people are in the command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pax8_pipeline.extract import pax8_lists, usage_lines
from pax8_pipeline.extract.usage_lines import Lines
from pax8_pipeline.extract.usage_summaries import month_of
from pax8_pipeline.warehouse.connection import Connection


@dataclass(frozen=True)
class Forecast:
    """The calls that a backfill still has to make. `pages_per_invoice` is an estimate from the invoices read so far
    (else from the number of subscriptions). `line_calls` is a maximum.
    """

    months: int
    invoices: int
    pages_per_invoice: int
    line_calls: int

    @property
    def invoice_calls(self) -> int:
        """Calls for the items of invoices."""
        return self.invoices * self.pages_per_invoice

    @property
    def calls(self) -> int:
        """All calls together."""
        return self.invoice_calls + self.line_calls

    def minutes(self, calls_per_minute: int) -> int:
        """The minutes that the calls take at a rate limit, rounded up."""
        return -(-self.calls // calls_per_minute)


def forecast(connection: Connection, today: date, months: Sequence[str], lines: Lines) -> Forecast:
    """Estimate the backfill of some usage months (yyyy-mm). The list of invoices must be stored already."""
    invoices = pax8_lists.invoices_to_read(connection, today, months)
    line_calls = 0
    if lines != "none":
        for month in months:
            if month == month_of(today):
                queries = [
                    *usage_lines.month_before(connection, today)[1],
                    *usage_lines.running_month(connection, today),
                ]
            else:
                queries = usage_lines.past_month(connection, month, lines)
            line_calls += usage_lines.max_calls(queries)
    return Forecast(len(months), len(invoices), pax8_lists.pages_per_invoice(connection), line_calls)
