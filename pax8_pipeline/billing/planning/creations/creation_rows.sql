/* Plan rows of what would be made. The money is what a line bills; what nobody is billed for stays with the row of the
subscription, so that no loss counts twice.

key: row_id
reads: new_things, decisions
when: new_things
fills: plan_rows
*/
SELECT n.row_id, class, n.verdict, n.action, decided_by AS reason,
       CASE WHEN decided_by = n.verdict THEN verdict_sentence ELSE coalesce(wording('plan_reasons', decided_by),
         verdict_sentence) END
       || CASE WHEN n.moved_from IS NOT NULL THEN wording('new_notes', 'move') ELSE '' END AS sentence,
       n.client_id, n.client_name, n.company_id, n.company_name, n.subscription_id, n.product_name,
       wording('new_targets', n.verdict) AS target, n.recurring_invoice_id, NULL AS line_id, NULL AS licence_id,
       wording('new_states', 'before') AS before, wording('new_states', n.verdict) AS after,
       NULL AS quantity_before, n.quantity AS quantity_after, 0 AS billed_before,
       CASE WHEN n.verdict = 'new_line' THEN n.quantity ELSE 0 END AS billed_after,
       CASE WHEN n.verdict = 'new_line' THEN n.quantity ELSE 0 END AS delta, n.price AS unit_price, n.currency,
       n.months AS period_months,
       CASE WHEN n.verdict = 'new_line' THEN coalesce(n.quantity * n.price, 0) ELSE 0 END AS money_per_period,
       CASE WHEN n.verdict = 'new_line' THEN coalesce(meta.per_month(n.quantity * n.price, n.months), 0) ELSE 0
       END AS money_per_month, 0 AS unbilled_per_month, n.expect, n.evidence
FROM new_things n JOIN decisions d ON d.row_id = n.row_id
