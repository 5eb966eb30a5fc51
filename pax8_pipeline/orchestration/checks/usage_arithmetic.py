"""Usage whose total is not quantity times price: billed as Pax8 states it, shown so that a person can ask Pax8.

Here belongs: docs/vendors/pax8.md#invoice-items, "check per line, report, do not fix": tiers, mark-ups and flat fees
break the product with good reason.
"""

from __future__ import annotations

from datetime import timedelta

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query

_WINDOW = timedelta(days=62)
_QUERY = """
WITH items AS (
  SELECT i.*, v.invoice_date, try_cast(quantity AS DECIMAL(18,6)) * try_cast(price AS DECIMAL(18,6)) AS product,
         try_cast(quantity AS DECIMAL(18,6)) * try_cast(i.cost AS DECIMAL(18,6)) AS cost_product
  FROM staging.invoice_items i JOIN staging.invoices v USING (invoice_id)
  WHERE i.is_arrears AND v.is_live AND v.invoice_date >= $since
)
SELECT invoice_date, coalesce(company_name, company_id) AS company, product_name, details AS resource_group, quantity,
       price, total, round(product, 4) AS quantity_times_price, cost, cost_total, round(cost_product, 4) AS quantity_times_cost, currency,
       total - product AS money, subscription_id, invoice_id, item_no
FROM items WHERE abs(total - product) > 0.01 OR abs(cost_total - cost_product) > 0.01
ORDER BY abs(total - product) DESC, invoice_id, item_no
"""


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find Arrears items of the last two months whose totals are not what quantity and price come to."""
    count, rows, sums = run_query(context, _QUERY, {"since": context.settings.today - _WINDOW}, amount="money")
    if not count:
        return CheckOutcome("quantity times price is the total of every usage item, and quantity times cost its cost")
    sentence = (
        f"{count} usage items have totals that quantity and price do not come to (tiers, mark-ups and flat fees may be why). "
        "They are billed as Pax8 states them"
    )
    return CheckOutcome(sentence, count, rows, sums, _QUERY)


CHECKS = (
    Check(
        "usage_arithmetic",
        "staging.invoice_items",
        "Quantity times price is a usage item's total, to the cent. Where not, the total counts.",
        evaluate,
        depends_on=("staging.invoices",),
    ),
)
