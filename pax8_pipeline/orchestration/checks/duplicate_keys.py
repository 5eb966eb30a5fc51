"""One id with two contents in one read: it is unknown which of the two is right.

Ids are compared without case (docs/vendors/pax8.md#formats). The same content twice comes from paging and is no error.
"""

from __future__ import annotations

from functools import partial

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.warehouse.models import load_sql

_KEYED = ("pax8.companies", "pax8.subscriptions", "halo.clients", "halo.licences", "halo.recurring_invoices")

# Hardly any object came twice; the contents of the others need not be compared.
_OBJECTS = """
SELECT object_id AS id, count(*) AS objects, min(payload) AS one, max(payload) AS other
FROM newest.{view} WHERE object_id NOT LIKE '#%'
  AND object_id IN (SELECT object_id FROM newest.{view} GROUP BY object_id HAVING count(*) > 1)
GROUP BY object_id HAVING count(DISTINCT payload) > 1 ORDER BY object_id
"""
# A line belongs to one recurring invoice. An id on two of them, or twice on one, would be written to the wrong place.
_LINES = load_sql("orchestration/checks/duplicate_keys_lines.sql")


def evaluate(context: CheckContext, table: str) -> CheckOutcome:
    """Find ids with more than one content in the newest read of a table."""
    query = _OBJECTS.format(view=table.replace(".", "_"))
    if table == "halo.recurring_invoices":
        query = f"({query.strip()}) UNION ALL ({_LINES.strip()})"
    count, rows, _ = run_query(context, query)
    if not count:
        return CheckOutcome(f"every id of {table} stands for one thing")
    sentence = f"{count} ids of {table} came with more than one content, the first is {rows[0]['id']}"
    return CheckOutcome(sentence, count, rows, query=query, blocks=True)


def _check(table: str) -> Check:
    about = "No id stands for two different objects in one read. Stops what rests on it."
    return Check(
        "duplicate_keys",
        table,
        about,
        partial(evaluate, table=table),
        next_step="report the id to the vendor: two things must not share one",
        blocking=True,
    )


CHECKS = tuple(_check(table) for table in _KEYED)
