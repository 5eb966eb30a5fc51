/* Each Pax8 subscription beside its Halo licence and recurring invoice line, with a verdict. The verdicts and what
each leads to are in docs/reference/verdicts.md.

key: subscription_id
reads: with_verdict, rebuys
| subscription_id | VARCHAR not null | Pax8 subscription | staging.subscriptions.subscription_id |
| company_id | VARCHAR | Pax8 company | staging.subscriptions.company_id |
| company_name | VARCHAR | Its name | reconciled.client_matches.company_name |
| client_id | BIGINT | Halo client | reconciled.client_matches.client_id |
| client_name | VARCHAR | Its name | reconciled.client_matches.client_name |
| product_id | VARCHAR | Pax8 product | staging.subscriptions.product_id |
| product_name | VARCHAR | Its name | staging.subscriptions.product_name, staging.products.name |
| status | VARCHAR | Pax8 status as sent | staging.subscriptions.status |
| lifecycle | VARCHAR not null | unreadable, billing, pending_cancel, ended, ended_not_cancelled, trial, not_started or
  unknown_status: what dates and status say today | staging.subscriptions.status, staging.subscriptions.end_date,
  staging.subscriptions.billing_start |
| billing_term | VARCHAR | Pax8 billing term | staging.subscriptions.billing_term |
| commitment_term | VARCHAR | Lock-in | staging.subscriptions.commitment_term |
| commitment_end_date | DATE | End of the lock-in | staging.subscriptions.commitment_end_date |
| start_date | DATE | First day | staging.subscriptions.start_date |
| end_date | DATE | Last day | staging.subscriptions.end_date |
| quantity | DECIMAL(28,10) | Seats Pax8 states | staging.subscriptions.quantity |
| price | DECIMAL(28,10) | Pax8 client price per unit and billing term | staging.subscriptions.price |
| partner_cost | DECIMAL(28,10) | Pax8 partner cost per unit and billing term | staging.subscriptions.partner_cost |
| currency | VARCHAR | Pax8 currency | staging.subscriptions.currency |
| halo_currency | VARCHAR | Currency of the Halo client or recurring invoice where known
  | reconciled.client_matches.client_currency, staging.recurring_invoices.currency |
| licence_id | BIGINT | Halo licence that stands for the subscription | reconciled.licence_keys.licence_id,
  staging.mapping_subscriptions.licence_id |
| licence_count | BIGINT | Its count | staging.licences.count |
| matched_by | VARCHAR | How the licence or line is known: mapping (a row of the mapping file), licence_id (the licence
  carries the Pax8 id) or vendor_id (the Microsoft subscription id) | staging.mapping_subscriptions.subscription_id,
  reconciled.licence_keys.matched_by |
| licence_active | BOOLEAN | Its flag | staging.licences.is_active |
| licence_requested | VARCHAR | Quantity of a change ordered from Halo that is still under way on it
  | staging.licences.requested_quantity |
| recurring_invoice_id | BIGINT | Halo recurring invoice | staging.recurring_invoice_lines.recurring_invoice_id |
| line_id | BIGINT | Halo line that bills it | staging.recurring_invoice_lines.line_id |
| line_live | BOOLEAN | The line bills today | staging.recurring_invoice_lines.is_live |
| line_inactive | BOOLEAN | The line's own switch is off | staging.recurring_invoice_lines.is_inactive |
| off_because | VARCHAR | Why the line does not bill | staging.recurring_invoice_lines.off_because |
| quantity_source | VARCHAR | manual or licence, or why the line is not ours
  | staging.recurring_invoice_lines.quantity_source |
| line_licences | BIGINT | Licences the line follows | staging.line_licences.licence_id |
| halo_quantity | DECIMAL(28,10) | Quantity in Halo that this subscription sets: licence count, or the manual quantity
  | staging.licences.count, staging.recurring_invoice_lines.qty_order |
| billed_before | DECIMAL(28,10) | Quantity the line bills now (all licences, free and minimum quantity counted in)
  | staging.licences.count, staging.line_licences.qty_free, staging.line_licences.minimum_qty |
| billed_after | DECIMAL(28,10) | Quantity the line would bill when in step | staging.subscriptions.quantity,
  staging.line_licences.qty_free, staging.line_licences.minimum_qty |
| qty_free | DECIMAL(28,10) | Units of the line not billed | staging.line_licences.qty_free |
| minimum_qty | DECIMAL(28,10) | Least quantity the line bills | staging.line_licences.minimum_qty |
| unit_price | DECIMAL(28,10) | Halo price per unit and period | staging.recurring_invoice_lines.unit_price,
  staging.licences.price |
| period_months | DECIMAL(18,6) | Months the Halo price covers, empty where the period is not known for certain
  | staging.recurring_invoices.period |
| pending_pro_rata | BIGINT | Part-period entries on the line not invoiced yet
  | staging.recurring_invoice_lines.pending_pro_rata |
| rebuy_of | VARCHAR | A cancelled subscription of the same company and product that this one seems to follow
  | staging.subscriptions.subscription_id |
| has_usage | BOOLEAN not null | Pax8 shows usage for it | staging.usage_summaries.subscription_id,
  staging.invoice_items.subscription_id |
| unbilled_money_per_month | DECIMAL(28,10) not null | Pax8 client price a month for which no live Halo line exists
  | staging.subscriptions.price, staging.subscriptions.quantity |
| verdict | VARCHAR not null | What is true of it, see docs/reference/verdicts.md | staging.subscriptions.quantity,
  staging.licences.count |
| reason | VARCHAR | The finer reason behind the verdict | staging.recurring_invoice_lines.quantity_source |
*/
SELECT v.subscription_id, company_id, company_name, client_id, client_name, product_id, product AS product_name, status,
       lifecycle, billing_term, commitment_term, commitment_end_date, start_date, end_date, quantity, price,
         partner_cost,
       currency, halo_currency, licence_id, licence_count, licence_active, licence_requested,
       CASE WHEN mapped THEN 'mapping' WHEN licence_id IS NOT NULL THEN key_used END AS matched_by,
       recurring_invoice_id, line_id, is_live AS line_live, line_inactive, off_because, quantity_source, line_licences,
       halo_quantity, billed_before, billed_after, qty_free, minimum_qty, line_price AS unit_price, period_months,
       pending_pro_rata, r.rebuy_of, has_usage,
       CASE WHEN lifecycle IN ('billing', 'pending_cancel', 'unreadable') AND known_recurring_term
              AND NOT coalesce(bill_on_behalf, false) AND NOT coalesce(is_live, false)
              AND found.verdict NOT IN ('metered', 'moved')
              AND live_lines = 0
            THEN coalesce(meta.per_month(quantity * coalesce(price, 0), meta.term_months(billing_term)), 0) ELSE 0
       END AS unbilled_money_per_month,
       found.verdict AS verdict, wording('subscription_details', found.detail) AS reason
FROM with_verdict v LEFT JOIN rebuys r USING (subscription_id) WHERE is_listed
