/* Each active subscription that nobody is billed for, with what a licence and a line for it need, and why one cannot be
made. The reasons are codes of plan_reasons (billing/planning/wording.py).

key: subscription_id
extends: reconciled.subscriptions
reads: reconciled.subscriptions, reconciled.client_matches, staging.mapping_subscriptions, staging.mapping_items,
  staging.items, staging.clients, staging.recurring_invoices, reconciled.moves
| item_id | BIGINT | Halo item of the product, where Halo lists it | staging.mapping_items.item_id,
  staging.items.item_id |
| wanted_invoice | BIGINT | Recurring invoice that gets the line | staging.mapping_subscriptions.recurring_invoice_id,
  staging.clients.pax8_monthly_invoice_id, staging.clients.pax8_annual_invoice_id,
  staging.recurring_invoices.recurring_invoice_id |
| term_months | INTEGER | Months of its billing term | reconciled.subscriptions.billing_term |
| new_price | DECIMAL(28,10) | Price of the line | reconciled.subscriptions.price, staging.items.price |
| new_cost | DECIMAL(28,10) | Cost of the line | reconciled.subscriptions.partner_cost, staging.items.cost |
| new_currency | VARCHAR | Currency of the line | reconciled.subscriptions.currency |
| moved_from | VARCHAR | Subscription whose line may be moved to it instead | reconciled.moves.old_subscription_id |
| licence_stop | VARCHAR | Why no licence can be made | reconciled.subscriptions.quantity |
| line_stop | VARCHAR | Why no line can be made | reconciled.subscriptions.quantity, staging.mapping_items.item_id,
  staging.recurring_invoices.client_id, staging.recurring_invoices.period, staging.recurring_invoices.disabled |
*/
WITH unbilled AS (
  SELECT s.*, meta.term_months(s.billing_term)::INTEGER AS term_months, t.item_id, m.billed_client_id,
         x.recurring_invoice_id AS mapped_invoice, t.price AS item_price, t.cost AS item_cost,
         c.pax8_monthly_invoice_id, c.pax8_annual_invoice_id,
         (SELECT min(v.old_subscription_id) FROM reconciled.moves v
          WHERE v.new_subscription_id = s.subscription_id) AS moved_from
  FROM reconciled.subscriptions s
  JOIN reconciled.client_matches m USING (company_id)
  LEFT JOIN staging.clients c ON c.client_id = s.client_id
  LEFT JOIN staging.mapping_subscriptions x ON x.subscription_id = s.subscription_id
  LEFT JOIN staging.mapping_items i ON i.product_id = s.product_id
  LEFT JOIN staging.items t ON t.item_id = i.item_id
  WHERE s.verdict = 'unbilled' AND s.lifecycle = 'billing' AND s.client_id IS NOT NULL
), invoices AS (
  SELECT *, meta.period_months(period) AS months FROM staging.recurring_invoices
  WHERE problem IS NULL AND disabled IS NOT DISTINCT FROM false
), only_ones AS (
  SELECT client_id, months, min(recurring_invoice_id) AS only_invoice FROM invoices
  GROUP BY client_id, months HAVING count(*) = 1
), of_contracts AS (
  SELECT contract_id, client_id, months, min(recurring_invoice_id) AS contract_invoice FROM invoices
  WHERE contract_id IS NOT NULL GROUP BY ALL HAVING count(*) = 1
), with_invoice AS (
  SELECT u.*, coalesce(u.mapped_invoice, CASE getvariable('new_recurring_invoice')
           WHEN 'client_field' THEN CASE u.term_months WHEN 1 THEN u.pax8_monthly_invoice_id
                                                       WHEN 12 THEN u.pax8_annual_invoice_id END
           WHEN 'only_one' THEN o.only_invoice
           WHEN 'contract' THEN k.contract_invoice END) AS wanted_invoice,
         CASE getvariable('new_price') WHEN 'item' THEN u.item_price ELSE u.price END AS new_price,
         CASE getvariable('new_price') WHEN 'item' THEN u.item_cost ELSE u.partner_cost END AS new_cost
  FROM unbilled u
  LEFT JOIN only_ones o ON o.client_id = coalesce(u.billed_client_id, u.client_id) AND o.months = u.term_months
  LEFT JOIN new_contracts n ON n.client_id = u.client_id
  LEFT JOIN of_contracts k ON k.contract_id = n.contract_id AND k.months = u.term_months
    AND k.client_id IN (u.client_id, u.billed_client_id)
), with_quantity AS (
  SELECT w.*, coalesce(w.halo_currency, h.currency) AS new_currency, h.client_id AS invoice_client_id,
         h.recurring_invoice_id AS invoice_found, h.months AS invoice_months,
         CASE WHEN w.quantity IS NULL OR w.quantity <= 0 OR w.quantity <> floor(w.quantity)
              THEN 'new_quantity' END AS quantity_stop
  FROM with_invoice w LEFT JOIN invoices h ON h.recurring_invoice_id = w.wanted_invoice
)
SELECT * EXCLUDE (billed_client_id, mapped_invoice, item_price, item_cost, pax8_monthly_invoice_id,
                  pax8_annual_invoice_id, invoice_client_id, invoice_found, invoice_months, quantity_stop),
       quantity_stop AS licence_stop,
       CASE WHEN quantity_stop IS NOT NULL THEN quantity_stop
            WHEN item_id IS NULL THEN 'new_no_item'
            WHEN coalesce(new_price, 0) <= 0 THEN 'new_no_price'
            WHEN currency IS DISTINCT FROM new_currency OR currency IS NULL THEN 'new_currency'
            WHEN wanted_invoice IS NULL THEN 'new_no_invoice'
            WHEN invoice_found IS NULL OR invoice_client_id NOT IN (client_id, coalesce(billed_client_id, client_id))
              THEN 'new_invoice'
            WHEN invoice_months IS DISTINCT FROM term_months THEN 'new_period'
            WHEN licence_id IS NOT NULL AND NOT (licence_active AND licence_count = quantity)
              THEN 'new_licence_differs' END AS line_stop
FROM with_quantity
