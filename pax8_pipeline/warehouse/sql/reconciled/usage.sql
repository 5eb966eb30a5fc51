/* Metered usage by month: one row per charge. From invoices: every Arrears item, and trial items of metered
subscriptions. From usage lines: the last total of each metered product of a group (docs/vendors/pax8.md#invoice-items,
#usage-timing, #no-company).

key: charge_id
reads: priced_charges, staging.items, staging.clients
| month | VARCHAR not null | Usage month, yyyy-mm | staging.invoice_items.start_period, staging.invoices.invoice_date,
  staging.usage_lines.month |
| state | VARCHAR not null | open, closing, closed or reopened | reconciled.usage_months.state |
| charge_id | VARCHAR not null | invoice/item, or month/summary/product | staging.invoice_items.invoice_id,
  staging.invoice_items.item_no, staging.usage_lines.summary_id |
| origin | VARCHAR not null | invoice or usage_lines | |
| counts | BOOLEAN not null | It may be billed: of the origin the policy bills from, on an invoice that counts
  | staging.invoices.is_live |
| invoice_id | VARCHAR | Pax8 invoice | staging.invoice_items.invoice_id |
| invoice_date | DATE | Its date | staging.invoices.invoice_date |
| invoice_status | VARCHAR | Its status | staging.invoices.status |
| item_no | VARCHAR | The item on it | staging.invoice_items.item_no |
| subscription_id | VARCHAR | Pax8 subscription, empty for charges without one | staging.invoice_items.subscription_id,
  staging.usage_summaries.subscription_id |
| summary_id | VARCHAR | Usage summary | staging.usage_lines.summary_id, staging.usage_summaries.summary_id |
| resource_group | VARCHAR | The vendor's name for the group | staging.invoice_items.details,
  staging.usage_summaries.resource_group |
| azure_subscription_id | VARCHAR | Azure subscription the charge is of | staging.invoice_items.azure_subscription_id |
| vendor_name | VARCHAR | Vendor | staging.usage_summaries.vendor_name |
| company_id | VARCHAR | Pax8 company that is charged; empty while unassigned | staging.invoice_items.company_id,
  staging.usage_summaries.company_id |
| company_name | VARCHAR | Its name | staging.companies.name |
| assigned_later | BOOLEAN not null | The invoice shows no company, the group has one by now
  | staging.usage_summaries.company_id |
| client_id | BIGINT | Halo client | reconciled.client_matches.client_id |
| client_name | VARCHAR | Its name | reconciled.client_matches.client_name |
| product_id | VARCHAR | Metered product | staging.invoice_items.product_id, staging.usage_lines.product_id |
| product_name | VARCHAR | Its name | staging.invoice_items.product_name, staging.usage_lines.product_name |
| unit_of_measure | VARCHAR | Unit | staging.invoice_items.unit_of_measure, staging.usage_lines.unit_of_measure |
| quantity | DECIMAL(28,10) | Units, may be fractional | staging.invoice_items.quantity, staging.usage_lines.quantity |
| charges | DECIMAL(28,10) not null | Client total as Pax8 states it | staging.invoice_items.total,
  staging.usage_lines.charges |
| cost | DECIMAL(28,10) not null | Partner total as Pax8 states it | staging.invoice_items.cost_total,
  staging.usage_lines.cost |
| amount | DECIMAL(28,10) not null | What the client is to be charged by policy, not rounded
  | staging.invoice_items.total, staging.invoice_items.cost_total |
| currency | VARCHAR | ISO 4217 | staging.invoice_items.currency, staging.usage_lines.currency |
| halo_currency | VARCHAR | The client's currency where known | reconciled.client_matches.client_currency |
| halo_item_id | BIGINT | Halo item to bill it as | staging.mapping_items.item_id, staging.items.item_id |
| bucket | VARCHAR not null | billable, unassigned, skipped or estimate | staging.invoice_items.company_id |
| shape | VARCHAR | How the company is missing: missing, null, empty, no company, dangling, internal, owner
  | staging.invoice_items.company_id, staging.usage_summaries.company_sent |
| verdict | VARCHAR not null | bill, or why not | staging.invoice_items.company_id |
| sentence | VARCHAR not null | The verdict in words | staging.invoice_items.company_id |
*/
WITH currencies AS (
  SELECT count(currency) > 0 AS clients_have_currencies FROM staging.clients
), with_fault AS (
  SELECT c.*, t.item_id AS halo_item_id,
         -- One invoice holds one currency: where Halo does not name the client's, all charges of the month must agree.
         count(DISTINCT c.currency) FILTER (c.of_source AND c.is_live AND c.company_id IS NOT NULL)
           OVER (PARTITION BY c.month, c.company_id) AS currencies,
         CASE
           WHEN NOT is_live THEN 'credited'
           WHEN trouble IS NOT NULL THEN 'unreadable'
           WHEN is_trial THEN 'trial'
           WHEN c.charges = 0 AND c.cost = 0 THEN 'zero'
           WHEN shape IS NOT NULL AND NOT assigned_later THEN 'unassigned'
           WHEN by_pax8 THEN 'billed_by_pax8'
           WHEN client_id IS NULL THEN 'unmatched_company'
           WHEN amount = 0 THEN 'no_price'
           WHEN currency IS NULL OR currency <> halo_currency THEN 'currency_mismatch'
           -- Halo names the currency of other clients: that it names none here does not mean it is the same.
           WHEN halo_currency IS NULL AND clients_have_currencies THEN 'currency_mismatch'
           WHEN t.item_id IS NULL THEN 'no_item'
         END AS fault
  FROM priced_charges c CROSS JOIN currencies LEFT JOIN staging.items t ON t.item_id = c.wanted_item
), with_verdict AS (
  SELECT *, CASE WHEN fault IS NOT NULL THEN fault
                 WHEN halo_currency IS NULL AND currencies > 1 THEN 'currency_mismatch'
                 WHEN NOT of_source AND origin = 'usage_lines' THEN 'estimate'
                 WHEN NOT of_source THEN 'not_the_source'
                 ELSE 'bill' END AS verdict
  FROM with_fault
)
SELECT month, state, charge_id, origin, of_source AND is_live AS counts, invoice_id, invoice_date, invoice_status,
       item_no,
       subscription_id, summary_id, resource_group, azure_subscription_id, vendor_name, company_id, company_name,
       assigned_later, client_id, client_name, product_id, product_name, unit_of_measure, quantity, charges, cost,
         amount,
       currency, halo_currency, halo_item_id,
       CASE WHEN verdict = 'bill' THEN 'billable' WHEN verdict = 'unassigned' AND of_source THEN 'unassigned'
            WHEN NOT of_source AND origin = 'usage_lines' THEN 'estimate' ELSE 'skipped' END AS bucket,
       shape, verdict, wording('usage_details', detail) AS sentence
FROM (SELECT *, CASE WHEN verdict = 'bill' AND assigned_later THEN 'bill_assigned_later'
                     WHEN verdict = 'unmatched_company' AND match_state = 'contradicted' THEN 'contradicted_company'
                     WHEN verdict = 'no_item' AND wanted_item IS NOT NULL THEN 'item_missing'
                     ELSE verdict END AS detail FROM with_verdict)
