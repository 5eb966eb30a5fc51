"""Usage that no company is known for, one row for each group and month: the query that findings and the check share.

What a person does about such a group, and where it is shown, is not here.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from pax8_pipeline.settings import UsagePolicy
from pax8_pipeline.warehouse.models import load_sql

QUERY = load_sql("billing/unassigned_usage.sql").replace(
    "{unassigned_summaries}", load_sql("billing/unassigned_summaries.sql")
)


def parameters(usage: UsagePolicy, today: date) -> dict[str, Any]:
    """Return the parameters of QUERY for a policy and a day."""
    terms = {product: terms.model_dump(mode="json") for product, terms in usage.products.items()}
    return {
        "today": today,
        "first_month": usage.first_month,
        "internal": list(usage.internal_companies),
        "confirmed": list(usage.confirmed_groups),
        "price": usage.price,
        "markup_pct": usage.markup_pct,
        "products": json.dumps(terms, default=str),
    }
