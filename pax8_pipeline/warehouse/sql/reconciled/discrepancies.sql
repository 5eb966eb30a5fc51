/* Everything a person should look at: what the two sides disagree on and this product does not mend by itself. The
kinds are verdicts (docs/reference/verdicts.md), each of which belongs to one check.

reads: reconciled.licence_keys, staging.licences, staging.line_licences, staging.recurring_invoice_lines,
  reconciled.subscriptions, staging.mapping_subscriptions, staging.subscriptions, staging.rejects,
  staging.recurring_invoices, staging.clients
| kind | VARCHAR not null | Verdict that stops a write, or of a thing in Halo alone: orphaned_licence, orphaned_line,
  charged_by_halo_only | reconciled.subscriptions.verdict |
| subject | VARCHAR not null | Subscription id, or licence and line in words | reconciled.subscriptions.subscription_id,
  staging.licences.licence_id |
| subscription_id | VARCHAR not null | Pax8 subscription, listed or not | reconciled.subscriptions.subscription_id,
  reconciled.licence_keys.subscription_id, staging.mapping_subscriptions.subscription_id |
| company_id | VARCHAR | Pax8 company | reconciled.subscriptions.company_id |
| company_name | VARCHAR | Its name | reconciled.subscriptions.company_name |
| client_id | BIGINT | Halo client | reconciled.subscriptions.client_id, staging.licences.client_id |
| client_name | VARCHAR | Its name | reconciled.subscriptions.client_name, staging.clients.name |
| product_name | VARCHAR | Product or licence | reconciled.subscriptions.product_name, staging.licences.name |
| recurring_invoice_id | BIGINT | Halo recurring invoice | reconciled.subscriptions.recurring_invoice_id,
  staging.recurring_invoice_lines.recurring_invoice_id |
| line_id | BIGINT | Halo line | reconciled.subscriptions.line_id, staging.recurring_invoice_lines.line_id |
| licence_id | BIGINT | Halo licence | reconciled.subscriptions.licence_id, staging.licences.licence_id |
| detail | VARCHAR | The finer reason | reconciled.subscriptions.reason |
| halo_bills | DECIMAL(28,10) | Quantity that Halo bills there | reconciled.subscriptions.billed_before,
  staging.licences.count |
| unit_price | DECIMAL(28,10) | Halo price per unit and period | reconciled.subscriptions.unit_price,
  staging.recurring_invoice_lines.unit_price |
| period_months | DECIMAL(18,6) | Months the Halo price covers | reconciled.subscriptions.period_months,
  staging.recurring_invoices.period |
| money_per_month | DECIMAL(28,10) not null | Money a month at stake, in currency; 0 also where nobody can say
  | reconciled.subscriptions.unbilled_money_per_month |
| stake | DECIMAL(28,10) | The same with its direction: above 0 not billed (or billed in the wrong currency), below 0
  billed too much, empty not known | reconciled.subscriptions.unbilled_money_per_month |
| currency | VARCHAR | ISO 4217 | reconciled.subscriptions.currency |
*/
WITH by_vendor_id AS (
  SELECT subscription_id, licence_id FROM reconciled.licence_keys
  WHERE matched_by = 'vendor_id' AND licence_id IS NOT NULL
), carriers AS (
  SELECT licence_id, subscription_id, count FROM staging.licences
  UNION ALL
  SELECT v.licence_id, v.subscription_id, c.count FROM by_vendor_id v JOIN staging.licences c USING (licence_id)
), pairs AS (
  -- What Halo bills by licence, once for every live line that follows it.
  SELECT c.licence_id, l.line_id, c.subscription_id, c.count FROM carriers c
  JOIN staging.line_licences k USING (licence_id) JOIN staging.recurring_invoice_lines l USING (line_id)
  WHERE l.is_live
), ambiguous AS (
  SELECT subscription_id, licence_id, CASE WHEN quantity_source = 'manual' THEN line_id END AS manual_line,
         CASE WHEN lifecycle = 'ended' THEN 0 ELSE quantity END AS seats
  FROM reconciled.subscriptions WHERE verdict = 'ambiguous'
), neighbours AS (
  SELECT subscription_id, subscription_id AS other FROM ambiguous
  UNION SELECT a.subscription_id, b.subscription_id FROM ambiguous a JOIN ambiguous b USING (licence_id)
  UNION SELECT a.subscription_id, b.subscription_id FROM ambiguous a JOIN ambiguous b USING (manual_line)
), claims AS (
  -- Subscriptions that nobody can tell apart: their seats are counted together, on the first of them.
  SELECT t.subscription_id, min(t.other) AS first_one, sum(a.seats) AS seats
  FROM neighbours t JOIN ambiguous a ON a.subscription_id = t.other GROUP BY t.subscription_id
), billed AS (
  SELECT a.subscription_id, p.licence_id, p.line_id, p.count FROM ambiguous a JOIN pairs p USING (licence_id)
  UNION SELECT a.subscription_id, p.licence_id, p.line_id, p.count FROM ambiguous a JOIN pairs p USING (subscription_id)
), by_licence AS (
  SELECT subscription_id, sum(count) AS seats FROM billed GROUP BY subscription_id
), counted AS (
  SELECT s.*, a.seats, a.first_one,
         coalesce(b.seats, 0) + CASE WHEN NOT coalesce(s.line_live, false) THEN 0 WHEN s.quantity_source = 'manual'
           THEN s.halo_quantity
                                     WHEN s.licence_id IS NULL THEN s.billed_before ELSE 0 END AS halo_seats,
         CASE WHEN s.line_live THEN coalesce(s.halo_quantity, s.billed_before) ELSE 0 END AS billed_now
  FROM reconciled.subscriptions s
  LEFT JOIN claims a USING (subscription_id)
  LEFT JOIN by_licence b USING (subscription_id)
  WHERE s.verdict NOT IN ('in_step', 'increase', 'decrease', 'cancel', 'ended', 'trial', 'not_started',
    'billed_by_pax8', 'metered', 'one_time')
), units AS (
  -- Units that nobody is billed for (above 0) or that are billed too much.
  SELECT *, CASE
      WHEN verdict = 'ambiguous' THEN CASE WHEN first_one = subscription_id THEN seats - halo_seats ELSE 0 END
      WHEN NOT coalesce(line_live, false) THEN 0
      -- Another client is billed for it: all of it is too much there.
      WHEN verdict = 'client_mismatch' THEN -billed_now
      WHEN lifecycle IN ('ended', 'ended_not_cancelled') OR reason = 'cancelled without an end date' THEN -billed_now
      WHEN billed_before IS NOT NULL AND billed_after IS NOT NULL THEN billed_after - billed_before
      ELSE quantity - halo_quantity END AS units
  FROM counted
), mapped AS (
  SELECT subscription_id, licence_id, line_id FROM staging.mapping_subscriptions WHERE line_id IS NOT NULL
  UNION
  SELECT m.subscription_id, m.licence_id, q.line_id FROM staging.mapping_subscriptions m
         JOIN staging.line_licences q USING (licence_id)
  WHERE m.line_id IS NULL
), listed AS (
  -- A row that could not be read exists all the same.
  SELECT subscription_id FROM staging.subscriptions
  UNION SELECT lower(object_id) FROM staging.rejects WHERE table_name = 'staging.subscriptions'
), found AS (
  SELECT verdict AS kind, subscription_id AS subject, subscription_id, company_id, company_name, client_id, client_name,
         product_name,
         recurring_invoice_id, line_id, licence_id, reason AS detail, billed_now AS halo_bills, unit_price,
           period_months,
         CASE WHEN unbilled_money_per_month <> 0 THEN unbilled_money_per_month
              WHEN verdict = 'currency_mismatch'
                THEN meta.per_month(quantity * price, coalesce(meta.term_months(billing_term), 1))
              WHEN NOT coalesce(line_live, false) AND verdict IN ('unknown_term', 'unknown_status') AND quantity > 0
                AND coalesce(price, 1) <> 0
                THEN meta.per_month(quantity * price, meta.term_months(billing_term))
              WHEN units = 0 THEN 0
              ELSE meta.per_month(units * unit_price, period_months) END AS stake,
         coalesce(currency, halo_currency) AS currency
  FROM units
  UNION ALL BY NAME
  -- Absence is never a cancellation: a licence whose subscription Pax8 does not list is shown, and left alone.
  SELECT 'orphaned_licence' AS kind, 'licence ' || licence_id || ', line ' || line_id AS subject, *,
         -meta.per_month(halo_bills * unit_price, period_months) AS stake
  FROM (
    SELECT c.subscription_id, c.client_id, k.name AS client_name, c.name AS product_name, r.recurring_invoice_id,
           l.line_id, c.licence_id,
           'Pax8 lists no subscription ' || c.subscription_id AS detail, c.count AS halo_bills,
           CASE WHEN l.linked_price THEN coalesce(c.price, l.unit_price) ELSE l.unit_price END AS unit_price,
           meta.period_months(r.period) AS period_months, coalesce(k.currency, r.currency) AS currency
    FROM staging.licences c
    JOIN staging.line_licences q USING (licence_id)
    JOIN staging.recurring_invoice_lines l USING (line_id)
    JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
    LEFT JOIN staging.clients k ON k.client_id = c.client_id
    WHERE l.is_live AND lower(coalesce(c.distributor, '')) = 'pax8' AND c.subscription_id IS NOT NULL
      AND c.subscription_id NOT IN (SELECT subscription_id FROM listed WHERE subscription_id IS NOT NULL)
      AND c.licence_id NOT IN (SELECT licence_id FROM by_vendor_id))
  UNION ALL BY NAME
  -- The same where the mapping file alone says which subscription a line bills.
  SELECT 'orphaned_line' AS kind, 'mapped line ' || line_id || ' of ' || subscription_id AS subject, *,
         -meta.per_month(halo_bills * unit_price, period_months) AS stake
  FROM (
    SELECT m.subscription_id, r.client_id, k.name AS client_name, l.description AS product_name, r.recurring_invoice_id,
           l.line_id, m.licence_id,
           'Pax8 lists no subscription ' || m.subscription_id AS detail, coalesce(c.count, l.qty_order) AS halo_bills,
             l.unit_price,
           meta.period_months(r.period) AS period_months, coalesce(k.currency, r.currency) AS currency
    FROM mapped m
    JOIN staging.recurring_invoice_lines l USING (line_id)
    JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
    LEFT JOIN staging.licences c ON c.licence_id = m.licence_id
    LEFT JOIN staging.clients k ON k.client_id = r.client_id
    WHERE l.is_live AND NOT (c.subscription_id IS NOT DISTINCT FROM m.subscription_id
      AND lower(coalesce(c.distributor, '')) = 'pax8')
      AND m.subscription_id NOT IN (SELECT subscription_id FROM listed WHERE subscription_id IS NOT NULL))
  UNION ALL BY NAME
  -- Looked at and fine on Pax8's side, which is no reason for Halo to bill it.
  SELECT 'charged_by_halo_only' AS kind, 'line ' || line_id || ' of ' || subscription_id AS subject, subscription_id,
         company_id, company_name,
         client_id, client_name, product_name, recurring_invoice_id, line_id, licence_id, verdict
           || coalesce(': ' || reason, '') AS detail,
         billed_before AS halo_bills, unit_price, period_months,
           -meta.per_month(billed_before * unit_price, period_months) AS stake,
         coalesce(currency, halo_currency) AS currency
  FROM reconciled.subscriptions
  WHERE verdict IN ('trial', 'not_started', 'billed_by_pax8', 'one_time') AND line_live
    AND coalesce(billed_before, 1) * coalesce(unit_price, 1) > 0
)
SELECT *, abs(coalesce(stake, 0)) AS money_per_month FROM found
