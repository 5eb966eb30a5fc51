"""Says beforehand how many calls a backfill of usage takes, by the same choice of questions that it will ask.

Here belongs: counting. Not here: asking (`pax8`, `usage_lines`), words for people (commands).
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
    """What is not here yet. Calls are estimates: `invoice_calls` by the size of the invoices read so far (else by the
    number of subscriptions), `line_calls` the most there can be.
    """

    months: int
    invoices: int
    pages_per_invoice: int
    line_questions: int

    @property
    def invoice_calls(self) -> int:
        """Calls for the items of invoices."""
        return self.invoices * self.pages_per_invoice

    @property
    def line_calls(self) -> int:
        """Calls for usage lines."""
        return self.line_questions

    @property
    def calls(self) -> int:
        """All of them."""
        return self.invoice_calls + self.line_calls

    def minutes(self, calls_per_minute: int) -> int:
        """Whole minutes that they take at a rate limit, at least."""
        return -(-self.calls // calls_per_minute)


def forecast(connection: Connection, today: date, months: Sequence[str], lines: Lines) -> Forecast:
    """Count what a backfill of usage months (yyyy-mm) would ask. The list of invoices has to be here already."""
    wanted = pax8_lists.invoices_to_read(connection, today, months)
    questions = 0
    if lines != "none":
        for month in months:
            if month == month_of(today):
                asks = [*usage_lines.month_before(connection, today)[1], *usage_lines.running_month(connection, today)]
            else:
                asks = usage_lines.past_month(connection, month, lines)
            questions += usage_lines.questions(asks)
    return Forecast(len(months), len(wanted), pax8_lists.pages_per_invoice(connection), questions)
