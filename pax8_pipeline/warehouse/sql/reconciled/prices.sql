/* Price and cost of each subscription that a live Halo line bills: Pax8's, the line's and the item's beside each other,
the margin, and the price that the policy asks for (policy.yaml, prices). Amounts of a month are for one unit, the
margin is for all of them.

key: subscription_id
reads: reconciled.subscriptions, staging.recurring_invoice_lines, staging.items
| subscription_id | VARCHAR not null | Pax8 subscription | reconciled.subscriptions.subscription_id |
| company_id | VARCHAR | Pax8 company | reconciled.subscriptions.company_id |
| company_name | VARCHAR | Its name | reconciled.subscriptions.company_name |
| client_id | BIGINT | Halo client | reconciled.subscriptions.client_id |
| client_name | VARCHAR | Its name | reconciled.subscriptions.client_name |
| product_id | VARCHAR | Pax8 product | reconciled.subscriptions.product_id |
| product_name | VARCHAR | Its name | reconciled.subscriptions.product_name |
| recurring_invoice_id | BIGINT | Halo recurring invoice | reconciled.subscriptions.recurring_invoice_id |
| line_id | BIGINT | Halo line | reconciled.subscriptions.line_id |
| item_id | BIGINT | Halo item of the line | staging.recurring_invoice_lines.item_id |
| currency | VARCHAR | ISO 4217 | reconciled.subscriptions.currency, reconciled.subscriptions.halo_currency |
| verdict | VARCHAR not null | Its verdict | reconciled.subscriptions.verdict |
| units | DECIMAL(28,10) | Units that Halo bills for it | reconciled.subscriptions.billed_before,
  reconciled.subscriptions.halo_quantity |
| pax8_price | DECIMAL(28,10) | Pax8's client price a month | reconciled.subscriptions.price |
| pax8_cost | DECIMAL(28,10) | Pax8's cost a month | reconciled.subscriptions.partner_cost |
| halo_price | DECIMAL(28,10) | Price of the line a month | reconciled.subscriptions.unit_price |
| halo_cost | DECIMAL(28,10) | Cost of the line a month | staging.recurring_invoice_lines.unit_cost |
| item_price | DECIMAL(28,10) | Price of the item, as Halo states it | staging.items.price |
| item_cost | DECIMAL(28,10) | Cost of the item, as Halo states it | staging.items.cost |
| margin | DECIMAL(28,10) | What Halo bills less what Pax8 charges, a month; empty when one of them is not known
  | reconciled.subscriptions.unit_price, reconciled.subscriptions.partner_cost |
| period_months | DECIMAL(18,6) | Months that the line's price covers | reconciled.subscriptions.period_months |
| line_price | DECIMAL(28,10) | Price of the line for its period | reconciled.subscriptions.unit_price |
| wanted_price | DECIMAL(28,10) | Price for that period that the policy asks for, in cents; empty when it cannot be told
  | reconciled.subscriptions.price, reconciled.subscriptions.partner_cost |
| rule | VARCHAR not null | What asks for it: product, client or general | |
| is_own_price | BOOLEAN not null | The price stands on the line and is for this subscription alone
  | staging.recurring_invoice_lines.linked_price, reconciled.subscriptions.line_licences |
*/
WITH terms AS (
  SELECT kind, lower(key) AS id, value->>'price' AS price, try_cast(value->>'markup_pct' AS DECIMAL(9,4)) AS markup_pct
  FROM (SELECT 'client' AS kind, key, value FROM json_each(getvariable('price_policy'), '$.clients')
        UNION ALL SELECT 'product', key, value FROM json_each(getvariable('price_policy'), '$.products'))
), billed AS (
  SELECT s.*, l.item_id, l.unit_cost, i.price AS item_price, i.cost AS item_cost,
         meta.term_months(billing_term)::DECIMAL(18,6) AS term_months,
         NOT l.linked_price AND coalesce(s.line_licences, 1) <= 1 AS is_own_price,
         CASE WHEN coalesce(s.line_licences, 1) <= 1 THEN s.billed_before ELSE s.halo_quantity END AS units,
         CASE WHEN p.id IS NOT NULL THEN 'product' WHEN c.id IS NOT NULL THEN 'client' ELSE 'general' END AS rule,
         coalesce(p.price, c.price, getvariable('price_source')) AS price_source,
         coalesce(p.markup_pct, c.markup_pct, getvariable('price_markup_pct')::DECIMAL(9,4), 0) AS markup_pct
  FROM reconciled.subscriptions s
  JOIN staging.recurring_invoice_lines l ON l.line_id = s.line_id
  LEFT JOIN staging.items i ON i.item_id = l.item_id
  LEFT JOIN terms p ON p.kind = 'product' AND p.id = s.product_id
  LEFT JOIN terms c ON c.kind = 'client' AND c.id = s.client_id::VARCHAR
  WHERE s.line_live AND s.verdict IN ('in_step', 'increase', 'decrease', 'pending_cancel')
    AND (s.halo_currency IS NULL OR s.halo_currency = s.currency)
), monthly AS (
  SELECT *, meta.per_month(price, term_months)::DECIMAL(28,10) AS pax8_price,
         meta.per_month(partner_cost, term_months)::DECIMAL(28,10) AS pax8_cost,
         meta.per_month(unit_price, period_months)::DECIMAL(28,10) AS halo_price,
         meta.per_month(unit_cost, period_months)::DECIMAL(28,10) AS halo_cost,
         -- Multiplied before it is divided: a price for a year is met to the cent.
         meta.per_month((price::DECIMAL(18,6) * period_months)::DECIMAL(28,6), term_months) AS price_a_period,
         meta.per_month((partner_cost::DECIMAL(18,6) * period_months)::DECIMAL(28,6), term_months) AS cost_a_period
  FROM billed
)
SELECT subscription_id, company_id, company_name, client_id, client_name, product_id, product_name,
       recurring_invoice_id, line_id, item_id, coalesce(currency, halo_currency) AS currency, verdict, units,
       pax8_price, pax8_cost, halo_price, halo_cost, item_price, item_cost,
       round(units::DECIMAL(18,6) * halo_price::DECIMAL(18,6) - quantity::DECIMAL(18,6) * pax8_cost::DECIMAL(18,6),
             2)::DECIMAL(28,10) AS margin,
       period_months, unit_price AS line_price,
       CASE WHEN price_source = 'cost'
              THEN round(cost_a_period::DECIMAL(20,6) * (1 + markup_pct * 0.01)::DECIMAL(10,6), 2)
            ELSE round(price_a_period, 2) END::DECIMAL(28,10) AS wanted_price, rule, is_own_price
FROM monthly
