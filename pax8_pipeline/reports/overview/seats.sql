-- Each subscription of one plan that Pax8 bills to the partner, with its cost and what its Halo line bills, a month.
-- The
-- cost is that of Pax8's list; where the list has none, that of the newest approved invoice. Empty: not known.
-- Parameter: plan_id.
WITH facts AS (
  SELECT p.row_id, p.subscription_id, p.company_id, p.client_id, coalesce(p.client_name, p.company_name) AS client,
         p.product_name AS product, p.verdict, p.line_id, p.unit_price, p.period_months, p.unbilled_per_month,
         CASE WHEN l.state = 'verified' THEN p.billed_after ELSE p.billed_before END AS line_units,
         CASE WHEN l.state = 'verified' THEN p.quantity_after ELSE p.quantity_before END AS own_units,
         from_json(p.evidence, '{"lifecycle":"VARCHAR","billing_term":"VARCHAR","quantity":"VARCHAR",
               "partner_cost":"VARCHAR",
           "pax8_currency":"VARCHAR","halo_currency":"VARCHAR","licences_on_line":"VARCHAR"}') AS e
  FROM billing.plan p LEFT JOIN billing.ledger_state l ON l.plan_id = p.plan_id AND l.row_id = p.row_id
  WHERE p.plan_id = $plan_id AND p.subscription_id <> '' AND p.verdict <> 'billed_by_pax8'
), billed AS (
  SELECT *, try_cast(e.quantity AS DECIMAL(18,6)) AS quantity, try_cast(e.partner_cost AS DECIMAL(18,6)) AS list_cost,
         meta.term_months(e.billing_term) AS term_months, e.pax8_currency AS cost_currency,
         coalesce(e.halo_currency, e.pax8_currency) AS billed_currency,
         -- A line that follows several licences is split by what each licence states.
         CASE WHEN coalesce(try_cast(e.licences_on_line AS BIGINT), 1) > 1 THEN own_units ELSE line_units END AS units
  FROM facts WHERE e.lifecycle IN ('billing', 'pending_cancel')
), invoiced AS (
  SELECT n.subscription_id, lower(n.term) AS term, arg_max(n.cost, i.invoice_date) AS cost,
         arg_max(n.currency, i.invoice_date) AS currency, max(i.invoice_date) AS invoice_date
  FROM staging.invoice_items n JOIN staging.invoices i USING (invoice_id)
  WHERE i.is_live AND NOT n.is_arrears AND lower(n.type) = 'subscription' AND n.cost IS NOT NULL
    AND i.invoice_date <= (SELECT today FROM billing.plans WHERE plan_id = $plan_id)
  GROUP BY ALL
), priced AS (
  SELECT b.*, coalesce(b.list_cost, try_cast(i.cost AS DECIMAL(18,6))) AS unit_cost,
         CASE WHEN b.list_cost IS NOT NULL THEN 'list' WHEN i.cost IS NOT NULL THEN 'invoice' END AS cost_source
  FROM billed b
  LEFT JOIN invoiced i ON i.subscription_id = b.subscription_id AND i.term = lower(b.e.billing_term)
                      AND i.currency IS NOT DISTINCT FROM b.cost_currency
)
SELECT row_id, subscription_id, company_id, client_id, client, product, verdict, quantity, cost_source,
       coalesce(cost_currency, '?') AS cost_currency, coalesce(billed_currency, '?') AS billed_currency,
       meta.per_month((quantity * unit_cost)::DECIMAL(28,10), term_months) AS cost,
       CASE WHEN line_id IS NULL AND unbilled_per_month > 0 THEN 0
            WHEN line_id IS NULL THEN NULL
            WHEN units = 0 THEN 0
            ELSE meta.per_month((try_cast(units AS DECIMAL(18,6))
                                 * try_cast(unit_price AS DECIMAL(18,6)))::DECIMAL(28,10), period_months)
       END AS billed,
       unbilled_per_month AS not_billed
FROM priced ORDER BY client, product, row_id
