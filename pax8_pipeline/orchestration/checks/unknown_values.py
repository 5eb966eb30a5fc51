"""A value of a closed list that is not known here: vendors add values (docs/vendors/pax8.md#formats), and none is
guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.closed_lists import BILLING_TERMS, INVOICE_STATUSES, ITEM_TERMS, SUBSCRIPTION_STATUSES


@dataclass(frozen=True)
class _Closed:
    """One column whose values are known. `required`: a missing value counts as unknown."""

    table: str
    column: str
    known: tuple[str, ...]
    required: bool = False


_CLOSED = (
    _Closed("staging.companies", "status", ("active", "inactive", "deleted")),
    _Closed("staging.subscriptions", "status", SUBSCRIPTION_STATUSES, required=True),
    _Closed("staging.subscriptions", "billing_term", BILLING_TERMS, required=True),
    _Closed("staging.invoices", "status", INVOICE_STATUSES),
    _Closed(
        "staging.invoice_items",
        "type",
        ("subscription", "prorate", "one-time", "rebate", "payment-credit", "service-charge", "service-credit",
         "invoice-credit"),
    ),
    _Closed("staging.invoice_items", "term", ITEM_TERMS),
    _Closed("staging.recurring_invoice_lines", "quantity_type", ("0", "1", "2", "3", "4")),
    _Closed("staging.recurring_invoices", "period", ("1", "2", "3", "4", "5", "7"), required=True),
)  # fmt: skip


def evaluate(context: CheckContext, table: str) -> CheckOutcome:
    """Find unknown values in a table's closed columns."""
    query = " UNION ALL ".join(_query(closed) for closed in _CLOSED if closed.table == table)
    count, rows, _ = run_query(context, f"{query} ORDER BY rows DESC, field, value")
    if not count:
        return CheckOutcome("every value is known")
    values_text = ", ".join(f"{row['field']} {row['value']!r} on {plural(row['rows'], 'row')}" for row in rows[:5])
    return CheckOutcome(f"values not known here: {values_text}", count, rows, query=query)


def _query(closed: _Closed) -> str:
    known = ", ".join(f"'{value}'" for value in closed.known)
    missing = "" if closed.required else f" AND {closed.column} IS NOT NULL"
    return (
        f"SELECT '{closed.column}' AS field, coalesce({closed.column}::VARCHAR, '(none)') AS value, count(*) AS rows "
        f"FROM {closed.table} WHERE coalesce(lower({closed.column}::VARCHAR), '(none)') NOT IN ({known}){missing} "
        f"GROUP BY {closed.column}"
    )


def _check(table: str) -> Check:
    about = "Statuses, terms and types are all known ones; an unknown one is reported and nothing is guessed from it."
    return Check(
        "unknown_values",
        table,
        about,
        partial(evaluate, table=table),
        next_step="look the value up in the vendor's portal, and report it to the maintainers of this product",
    )


CHECKS = tuple(_check(table) for table in dict.fromkeys(closed.table for closed in _CLOSED))
