/* Everything a person should look at: what the two sides disagree on and this product does not mend by itself. The
kinds are verdicts (docs/reference/verdicts.md), each of which belongs to one check.

reads: held_subscriptions, orphans, reconciled.subscriptions
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
WITH found AS (
  SELECT verdict AS kind, subscription_id, company_id, company_name, client_id, client_name, product_name,
         recurring_invoice_id, line_id, licence_id, reason AS detail, billed_now AS halo_bills, unit_price,
         period_months, stake, coalesce(currency, halo_currency) AS currency
  FROM held_subscriptions
  UNION ALL BY NAME
  SELECT *, -meta.per_month(halo_bills * unit_price, period_months) AS stake FROM orphans
  UNION ALL BY NAME
  -- Looked at and fine on Pax8's side, which is no reason for Halo to bill it.
  SELECT 'charged_by_halo_only' AS kind, subscription_id, company_id, company_name, client_id, client_name,
         product_name, recurring_invoice_id, line_id, licence_id, verdict || coalesce(': ' || reason, '') AS detail,
         billed_before AS halo_bills, unit_price, period_months,
         -meta.per_month(billed_before * unit_price, period_months) AS stake,
         coalesce(currency, halo_currency) AS currency
  FROM reconciled.subscriptions s
  WHERE verdict IN ('trial', 'not_started', 'billed_by_pax8', 'one_time') AND line_live
    AND coalesce(billed_before, 1) * coalesce(unit_price, 1) > 0
    -- Until it starts, a line that moves to it is billed for the one that it carries on.
    AND NOT (verdict = 'not_started' AND EXISTS (SELECT 1 FROM reconciled.subscriptions o
      WHERE o.line_id = s.line_id AND o.company_id = s.company_id AND o.verdict IN ('moved', 'pending_cancel')))
)
SELECT *, coalesce(wording('discrepancy_subjects', kind), subscription_id) AS subject,
       abs(coalesce(stake, 0)) AS money_per_month
FROM found
