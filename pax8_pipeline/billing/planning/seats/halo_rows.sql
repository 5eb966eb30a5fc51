/* Plan rows of what Halo bills and no subscription of the plan stands for: nothing is written, but it is looked at like
everything else.

key: row_id
reads: reconciled.discrepancies, verdict_classes
when: reconciled.discrepancies
fills: plan_rows
*/
SELECT d.subject AS row_id, v.class, d.kind AS verdict, 'none' AS action, d.kind AS reason,
       v.sentence || coalesce(' (' || d.detail || ')', '') AS sentence,
       d.client_id, d.client_name, d.company_id, d.company_name, d.subscription_id, d.product_name,
       d.recurring_invoice_id, d.line_id, d.licence_id, meta.plain(d.halo_bills) AS before,
       meta.plain(d.halo_bills) AS after, d.halo_bills AS quantity_before, d.halo_bills AS quantity_after,
       d.halo_bills AS billed_before, d.halo_bills AS billed_after, 0 AS delta, d.unit_price, d.currency,
         d.period_months,
       0 AS money_per_period, 0 AS money_per_month, 0 AS unbilled_per_month, '{}' AS expect,
       to_json({'halo_bills': meta.plain(d.halo_bills), 'halo_currency': d.currency,
                'detail': d.detail})::VARCHAR AS evidence
FROM reconciled.discrepancies d JOIN verdict_classes v ON v.verdict = d.kind
WHERE d.subject <> d.subscription_id
