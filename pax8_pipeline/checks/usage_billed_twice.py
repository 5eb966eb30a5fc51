"""A month's usage on two Halo invoices: a customer would pay it twice.

Here belongs: a usage key (api/halo.md section 12.3) that stands on more than one invoice that was not voided. Not here:
what keeps us from making a second one (billing/apply.py).
"""

from __future__ import annotations

from pax8_pipeline.checks.rule import Finding, Rule, Sight, look

# A credit note may name the key of what it takes back: only invoices that charge something count.
_QUERY = """
SELECT key AS usage_key, count(*) AS invoices, string_agg(invoice_id, ', ' ORDER BY invoice_id) AS halo_invoices,
       string_agg(DISTINCT client_id, ', ') AS clients, string_agg(DISTINCT CASE WHEN posted THEN 'posted' ELSE 'not posted' END, ', ') AS posted,
       sum(lines_net) AS billed, max(lines_net) AS once
FROM (SELECT *, unnest(usage_keys) AS key FROM staging.halo_invoices WHERE NOT voided AND lines_net > 0)
GROUP BY key HAVING count(*) > 1 ORDER BY key
"""


def find(sight: Sight) -> Finding:
    """Find usage keys that stand on two invoices."""
    count, rows, _ = look(sight, _QUERY)
    if not count:
        return Finding("no usage stands on two Halo invoices")
    first = rows[0]
    sentence = (
        f"usage is on more than one Halo invoice ({count} keys; {first['usage_key']} on {first['halo_invoices']}). Void the "
        "ones too many in Halo; nothing is written until then"
    )
    return Finding(sentence, count, rows, query=_QUERY, blocks=True)


RULES = (
    Rule(
        "usage_billed_twice",
        "billing.plan",
        "The usage of a company and month stands on one Halo invoice. Stops the writes.",
        find,
        blocking=True,
        also=("staging.halo_invoices",),
    ),
)
