/* Every item of the Pax8 invoices that count and are dated in a month, with what kind of charge it is. An item that
nobody
can place is unexplained, with the reason (docs/vendors/pax8.md#invoice-items).

key: month, invoice_id, item_no
reads: staging.invoice_items, staging.invoices, staging.companies, reconciled.client_matches, staging.subscriptions,
  reconciled.usage
| month | VARCHAR not null | Month of the invoice date, yyyy-mm | staging.invoices.invoice_date |
| invoice_id | VARCHAR not null | Pax8 invoice | staging.invoice_items.invoice_id |
| item_no | VARCHAR not null | The item on it | staging.invoice_items.item_no |
| row_id | VARCHAR not null | The row of monthly.rows that explains it | staging.invoice_items.subscription_id,
  staging.invoice_items.type |
| kind | VARCHAR not null | seats, pro_rata, usage, trial, one_time, credit, rebate, payment, fee, late (seats
  of a month before) or unknown
  | staging.invoice_items.type, staging.invoice_items.term |
| unexplained | VARCHAR | Why it is not explained; empty when it is | staging.invoice_items.problem,
  staging.invoice_items.company_id, staging.invoice_items.subscription_id |
| period | VARCHAR not null | Month of the service, yyyy-mm | staging.invoice_items.start_period |
| subscription_id | VARCHAR | Pax8 subscription | staging.invoice_items.subscription_id |
| company_id | VARCHAR | Company as the item states it | staging.invoice_items.company_id |
| charged_company_id | VARCHAR | Company that it is for: that of the item, of its usage group or of its subscription
  | staging.invoice_items.company_id, reconciled.usage.company_id, staging.subscriptions.company_id |
| client_id | BIGINT | Halo client of the company on the item | reconciled.client_matches.client_id |
| product_id | VARCHAR | Product | staging.invoice_items.product_id |
| product_name | VARCHAR | Its name, else the text of the item | staging.invoice_items.product_name,
  staging.invoice_items.description |
| start_period | DATE | First day covered | staging.invoice_items.start_period |
| term_months | INTEGER | Months that its price covers, of seats | staging.invoice_items.term |
| quantity | DECIMAL(28,10) | Units | staging.invoice_items.quantity |
| price | DECIMAL(28,10) | Client price per unit | staging.invoice_items.price |
| total | DECIMAL(28,10) | Client total | staging.invoice_items.total |
| cost | DECIMAL(28,10) | What Pax8 invoices the partner | staging.invoice_items.cost_total |
| currency | VARCHAR | ISO 4217 | staging.invoice_items.currency |
| billed_by_pax8 | BOOLEAN not null | Pax8 bills the company itself | staging.invoice_items.billed_by_pax8,
  staging.companies.bill_on_behalf |
*/
WITH sent AS (
  SELECT i.*, v.invoice_date, v.problem AS invoice_problem, lower(coalesce(i.type, '')) AS sent_type,
         replace(lower(coalesce(i.term, '')), ' ', '-') AS sent_term
  FROM staging.invoice_items i JOIN staging.invoices v USING (invoice_id)
  WHERE v.is_live AND strftime(v.invoice_date, '%Y-%m') = getvariable('month')
), with_kind AS (
  SELECT *, CASE WHEN sent_type = 'rebate' OR sent_term = 'rebate' THEN 'rebate'
                 WHEN sent_type = 'payment-credit' THEN 'payment'
                 WHEN sent_type IN ('service-credit', 'invoice-credit') THEN 'credit'
                 WHEN sent_type = 'service-charge' THEN 'fee'
                 WHEN problem IS NOT NULL THEN 'unknown'
                 WHEN sent_term = 'arrears' THEN 'usage'
                 WHEN sent_type = 'prorate' THEN 'pro_rata'
                 WHEN sent_type = 'one-time' OR sent_term IN ('one-time', 'activation') THEN 'one_time'
                 WHEN sent_term = 'trial' THEN 'trial'
                 WHEN sent_type = 'subscription' AND sent_term = 'monthly'
                      AND strftime(start_period, '%Y-%m') < getvariable('month') THEN 'late'
                 WHEN sent_type = 'subscription' AND meta.term_months(sent_term) IS NOT NULL THEN 'seats'
                 ELSE 'unknown' END AS kind
  FROM sent
), placed AS (
  SELECT k.*, c.company_id IS NOT NULL AS company_listed, m.client_id, s.subscription_id IS NOT NULL AS is_listed,
         CASE WHEN k.kind = 'usage' THEN u.company_id
              ELSE coalesce(k.company_id, s.company_id) END AS charged_company_id, u.bucket,
         coalesce(k.billed_by_pax8, false) OR coalesce(c.bill_on_behalf, false) AS by_pax8
  FROM with_kind k
  LEFT JOIN staging.companies c ON c.company_id = k.company_id
  LEFT JOIN reconciled.client_matches m ON m.company_id = k.company_id
  LEFT JOIN staging.subscriptions s ON s.subscription_id = k.subscription_id
  LEFT JOIN reconciled.usage u ON u.charge_id = k.invoice_id || '/' || k.item_no
), with_reason AS (
  SELECT *, CASE WHEN invoice_problem IS NOT NULL THEN 'invoice_unreadable'
                 WHEN problem IS NOT NULL OR total IS NULL OR cost_total IS NULL THEN 'item_unreadable'
                 WHEN kind = 'unknown' THEN 'kind_unknown'
                 WHEN currency IS NULL THEN 'no_currency'
                 WHEN kind IN ('rebate', 'payment', 'fee', 'credit') THEN NULL
                 WHEN kind = 'usage' AND bucket = 'unassigned' THEN 'usage_without_company'
                 WHEN charged_company_id IS NULL THEN 'no_company'
                 WHEN company_id IS NOT NULL AND NOT company_listed THEN 'company_not_listed'
                 WHEN kind IN ('seats', 'pro_rata', 'trial', 'late') AND quantity IS NULL THEN 'item_unreadable'
                 WHEN kind IN ('seats', 'pro_rata', 'trial', 'late') AND subscription_id IS NULL THEN 'no_subscription'
            END AS unexplained
  FROM placed
)
SELECT getvariable('month')::VARCHAR AS month, invoice_id, item_no,
       CASE WHEN unexplained IS NOT NULL OR kind IN ('one_time', 'fee', 'rebate', 'payment', 'late')
                 OR (kind = 'credit' AND (subscription_id IS NULL
                     OR strftime(start_period, '%Y-%m') IS DISTINCT FROM getvariable('month')))
              THEN kind || ':' || invoice_id || '/' || item_no
            WHEN kind = 'usage' THEN 'usage:' || charged_company_id || ':' || coalesce(currency, '')
                                     || ':' || strftime(coalesce(start_period, invoice_date), '%Y-%m')
            WHEN kind = 'pro_rata' THEN 'pro_rata:' || subscription_id
            ELSE 'seats:' || subscription_id END AS row_id,
       kind, unexplained, strftime(coalesce(start_period, invoice_date), '%Y-%m') AS period, subscription_id,
       company_id, charged_company_id, client_id, product_id, coalesce(product_name, description) AS product_name,
       start_period, CASE WHEN kind = 'seats' THEN meta.term_months(sent_term) END AS term_months, quantity, price,
       total, cost_total AS cost, currency, by_pax8 AS billed_by_pax8
FROM with_reason
