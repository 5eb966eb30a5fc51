/* Metered usage by month: one row per charge. From invoices: every Arrears item, and trial items of metered
subscriptions. From usage lines: the last total of each metered product of a group (docs/vendors/pax8.md#invoice-items,
#usage-timing, #no-company).

key: charge_id
| month | VARCHAR not null | Usage month, yyyy-mm | staging.invoice_items.start_period, staging.invoices.invoice_date, staging.usage_lines.month |
| state | VARCHAR not null | open, closing, closed or reopened | reconciled.usage_months.state |
| charge_id | VARCHAR not null | invoice/item, or month/summary/product | staging.invoice_items.invoice_id, staging.invoice_items.item_no, staging.usage_lines.summary_id |
| origin | VARCHAR not null | invoice or usage_lines | |
| counts | BOOLEAN not null | It may be billed: of the origin the policy bills from, on an invoice that counts | staging.invoices.is_live |
| invoice_id | VARCHAR | Pax8 invoice | staging.invoice_items.invoice_id |
| invoice_date | DATE | Its date | staging.invoices.invoice_date |
| invoice_status | VARCHAR | Its status | staging.invoices.status |
| item_no | VARCHAR | The item on it | staging.invoice_items.item_no |
| subscription_id | VARCHAR | Pax8 subscription, empty for charges without one | staging.invoice_items.subscription_id, staging.usage_summaries.subscription_id |
| summary_id | VARCHAR | Usage summary | staging.usage_lines.summary_id, staging.usage_summaries.summary_id |
| resource_group | VARCHAR | The vendor's name for the group | staging.invoice_items.details, staging.usage_summaries.resource_group |
| azure_subscription_id | VARCHAR | Azure subscription the charge is of | staging.invoice_items.azure_subscription_id |
| vendor_name | VARCHAR | Vendor | staging.usage_summaries.vendor_name |
| company_id | VARCHAR | Pax8 company that is charged; empty while unassigned | staging.invoice_items.company_id, staging.usage_summaries.company_id |
| company_name | VARCHAR | Its name | staging.companies.name |
| assigned_later | BOOLEAN not null | The invoice shows no company, the group has one by now | staging.usage_summaries.company_id |
| client_id | BIGINT | Halo client | reconciled.client_matches.client_id |
| client_name | VARCHAR | Its name | reconciled.client_matches.client_name |
| product_id | VARCHAR | Metered product | staging.invoice_items.product_id, staging.usage_lines.product_id |
| product_name | VARCHAR | Its name | staging.invoice_items.product_name, staging.usage_lines.product_name |
| unit_of_measure | VARCHAR | Unit | staging.invoice_items.unit_of_measure, staging.usage_lines.unit_of_measure |
| quantity | DECIMAL(28,10) | Units, may be fractional | staging.invoice_items.quantity, staging.usage_lines.quantity |
| charges | DECIMAL(28,10) not null | Client total as Pax8 states it | staging.invoice_items.total, staging.usage_lines.charges |
| cost | DECIMAL(28,10) not null | Partner total as Pax8 states it | staging.invoice_items.cost_total, staging.usage_lines.cost |
| amount | DECIMAL(28,10) not null | What the client is to be charged by policy, not rounded | staging.invoice_items.total, staging.invoice_items.cost_total |
| currency | VARCHAR | ISO 4217 | staging.invoice_items.currency, staging.usage_lines.currency |
| halo_currency | VARCHAR | The client's currency where known | reconciled.client_matches.client_currency |
| halo_item_id | BIGINT | Halo item to bill it as | staging.mapping_items.item_id, staging.items.item_id |
| bucket | VARCHAR not null | billable, unassigned, skipped or estimate | staging.invoice_items.company_id |
| shape | VARCHAR | How the company is missing: missing, null, empty, no company, dangling, internal, owner | staging.invoice_items.company_id, staging.usage_summaries.company_sent |
| verdict | VARCHAR not null | bill, or why not | staging.invoice_items.company_id |
| sentence | VARCHAR not null | The verdict in words | staging.invoice_items.company_id |
*/
WITH terms AS (
  SELECT getvariable('usage_policy') AS p
), client_terms AS (
  SELECT meta.halo_id(key) AS client_id, value->>'price' AS price, try_cast(value->>'markup_pct' AS DECIMAL(9,4)) AS markup
  FROM json_each(getvariable('usage_policy'), '$.clients')
), product_terms AS (
  SELECT key AS product_id, value->>'price' AS price, try_cast(value->>'markup_pct' AS DECIMAL(9,4)) AS markup
  FROM json_each(getvariable('usage_policy'), '$.products')
), internal AS (
  SELECT value->>'$' AS name FROM json_each(getvariable('usage_policy'), '$.internal_companies')
), confirmed AS (
  SELECT value->>'$' AS pair FROM json_each(getvariable('usage_policy'), '$.confirmed_groups')
), nameless AS (
  SELECT count(*) > 0 AS any_ FROM staging.subscriptions WHERE meta.pax8_id(subscription_id) IS NULL
), groups AS (
  -- Every summary Pax8 shows or showed, as last read, with the company its group is assigned to.
  SELECT u.*, lower(trim(u.resource_group)) AS grp, c.name AS company_name, s.company_id AS owner_id, c.company_id IS NOT NULL AS known,
         s.company_id IS NULL AND (s.problem IS NOT NULL OR (SELECT any_ FROM nameless)) AS owner_unread,
         count(DISTINCT coalesce(lower(trim(u.resource_group)), '')) OVER (PARTITION BY u.subscription_id) AS groups_listed,
         u.month = max(u.month) OVER (PARTITION BY u.subscription_id, lower(trim(u.resource_group))) AS is_newest
  FROM (SELECT * FROM staging.usage_summaries QUALIFY row_number() OVER (PARTITION BY summary_id ORDER BY month DESC) = 1) u
  LEFT JOIN staging.subscriptions s USING (subscription_id)
  LEFT JOIN staging.companies c ON c.company_id = u.company_id
), groups_shaped AS (
  SELECT *, CASE
      WHEN company_sent <> 'sent' THEN company_sent
      WHEN NOT known THEN 'dangling'
      WHEN EXISTS (SELECT 1 FROM internal i WHERE i.name IN (company_id, lower(company_name))) THEN 'internal'
      WHEN groups_listed > 1 AND (company_id = owner_id OR owner_unread) AND grp IS DISTINCT FROM lower(trim(company_name))
           AND NOT EXISTS (SELECT 1 FROM confirmed f WHERE f.pair = subscription_id || '/' || coalesce(grp, '')) THEN 'owner'
    END AS shape
  FROM groups
), assigned AS (
  -- One company for a group, or none: two summaries that disagree are no answer.
  SELECT subscription_id, grp, any_value(company_id) AS company_id, any_value(company_name) AS company_name
  FROM groups_shaped WHERE is_newest AND grp IS NOT NULL
  GROUP BY subscription_id, grp HAVING bool_and(shape IS NULL) AND count(DISTINCT company_id) = 1
), named AS (
  SELECT subscription_id, grp, min(summary_id) AS summary_id, any_value(vendor_name) AS vendor_name
  FROM groups_shaped WHERE is_newest GROUP BY subscription_id, grp
), held_subscriptions AS (
  SELECT subscription_id, max(groups_listed) AS groups_listed, bool_or(shape IS NOT NULL) AS any_unassigned
  FROM groups_shaped GROUP BY subscription_id
), items AS (
  -- The texts of Azure usage name a charge, not a customer: they are no groups, and many of them are no sign of several customers.
  SELECT i.*, v.invoice_date, v.status AS invoice_status, v.is_live,
         CASE WHEN i.azure_subscription_id IS NULL THEN lower(trim(i.details)) END AS grp,
         strftime(coalesce(i.start_period, (date_trunc('month', coalesce(v.invoice_date, getvariable('today'))) - INTERVAL 1 DAY)::DATE), '%Y-%m') AS month,
         coalesce(i.problem, 'invoice ' || v.invoice_id || ': ' || v.problem) AS trouble,
         s.company_id IS NULL AND (s.problem IS NOT NULL OR (SELECT any_ FROM nameless)) AS owner_unread,
         s.company_id AS owner_id, c.company_id IS NOT NULL AS known, coalesce(c.name, i.company_name) AS shown_name,
         coalesce(c.bill_on_behalf, false) AS on_behalf, lower(coalesce(i.term, '')) = 'trial' AS is_trial,
         coalesce(h.any_unassigned, false) AS any_unassigned,
         greatest(coalesce(h.groups_listed, 0), count(DISTINCT CASE WHEN i.azure_subscription_id IS NULL THEN lower(trim(i.details)) END)
           OVER (PARTITION BY i.invoice_id, i.subscription_id)) AS groups_seen
  FROM staging.invoice_items i
  JOIN staging.invoices v USING (invoice_id)
  LEFT JOIN staging.subscriptions s USING (subscription_id)
  LEFT JOIN staging.companies c ON c.company_id = i.company_id
  LEFT JOIN held_subscriptions h USING (subscription_id)
  WHERE i.is_arrears OR (lower(coalesce(i.term, '')) = 'trial' AND h.subscription_id IS NOT NULL)
), items_shaped AS (
  SELECT *, CASE
      WHEN company_id IS NULL THEN 'no company'
      WHEN NOT known THEN 'dangling'
      WHEN EXISTS (SELECT 1 FROM internal n WHERE n.name IN (company_id, lower(shown_name))) THEN 'internal'
      WHEN groups_seen > 1 AND (company_id = owner_id OR owner_unread)
           AND CASE WHEN grp IS NULL THEN any_unassigned ELSE grp <> lower(trim(shown_name)) END
           AND NOT EXISTS (SELECT 1 FROM confirmed f WHERE f.pair = subscription_id || '/' || coalesce(grp, '')) THEN 'owner'
    END AS shape
  FROM items
), from_invoices AS (
  SELECT i.month, i.invoice_id || '/' || i.item_no AS charge_id, 'invoice' AS origin, i.is_live, i.invoice_id, i.invoice_date,
         i.invoice_status, i.item_no, i.subscription_id, g.summary_id, i.details AS resource_group, i.azure_subscription_id, g.vendor_name,
         CASE WHEN i.shape IS NULL THEN i.company_id ELSE a.company_id END AS company_id,
         CASE WHEN i.shape IS NULL THEN i.shown_name ELSE a.company_name END AS company_name,
         i.shape IS NOT NULL AND a.company_id IS NOT NULL AS assigned_later,
         i.product_id, coalesce(i.product_name, i.description) AS product_name, i.unit_of_measure, i.quantity,
         coalesce(i.total, 0) AS charges, coalesce(i.cost_total, 0) AS cost, i.currency, i.shape, i.is_trial,
         coalesce(i.billed_by_pax8, false) OR i.on_behalf AS by_pax8, i.trouble
  FROM items_shaped i
  LEFT JOIN assigned a ON a.subscription_id = i.subscription_id AND a.grp = i.grp
  LEFT JOIN named g ON g.subscription_id = i.subscription_id AND g.grp = i.grp
), from_lines AS (
  SELECT l.month, l.month || '/' || coalesce(l.summary_id, '?') || '/' || coalesce(l.product_id, l.product_name, '') AS charge_id, 'usage_lines' AS origin,
         true AS is_live, NULL AS invoice_id, NULL AS invoice_date, NULL AS invoice_status, NULL AS item_no, any_value(g.subscription_id) AS subscription_id,
         l.summary_id, any_value(g.resource_group) AS resource_group, NULL AS azure_subscription_id, any_value(g.vendor_name) AS vendor_name,
         CASE WHEN any_value(g.shape) IS NULL THEN any_value(g.company_id) ELSE any_value(a.company_id) END AS company_id,
         CASE WHEN any_value(g.shape) IS NULL THEN any_value(g.company_name) ELSE any_value(a.company_name) END AS company_name,
         any_value(g.shape) IS NOT NULL AND any_value(a.company_id) IS NOT NULL AS assigned_later,
         any_value(l.product_id) AS product_id, any_value(l.product_name) AS product_name, any_value(l.unit_of_measure) AS unit_of_measure,
         sum(l.quantity) AS quantity, coalesce(sum(l.charges), 0) AS charges, coalesce(sum(l.cost), 0) AS cost, any_value(l.currency) AS currency,
         CASE WHEN any_value(g.summary_id) IS NULL THEN 'no summary' ELSE any_value(g.shape) END AS shape,
         coalesce(bool_or(l.is_trial), false) AS is_trial, bool_or(coalesce(c.bill_on_behalf, false)) AS by_pax8,
         coalesce(max(l.problem), max('usage summary ' || g.summary_id || ': ' || g.problem)) AS trouble
  FROM staging.usage_lines l
  LEFT JOIN groups_shaped g USING (summary_id)
  LEFT JOIN assigned a ON a.subscription_id = g.subscription_id AND a.grp = g.grp
  LEFT JOIN staging.companies c ON c.company_id = g.company_id
  GROUP BY l.month, l.summary_id, coalesce(l.product_id, l.product_name, '')
), charges AS (
  SELECT * FROM from_invoices UNION ALL BY NAME SELECT * FROM from_lines
), priced AS (
  SELECT c.*, m.client_id, m.client_name, m.client_currency AS halo_currency, m.state AS match_state, m.contradiction,
         coalesce(n.state, 'closed') AS state, sub.product_id AS sold_product_id,
         (CASE coalesce(pt.price, ps.price, ct.price, (SELECT p->>'price' FROM terms))
            WHEN 'cost' THEN c.cost::DECIMAL(24,10) * (1 + coalesce(pt.markup, ps.markup, ct.markup,
                               try_cast((SELECT p->>'markup_pct' FROM terms) AS DECIMAL(9,4)), 0) * 0.01)
            ELSE c.charges END)::DECIMAL(28,10) AS amount,
         c.origin = CASE (SELECT p->>'source' FROM terms) WHEN 'usage_lines' THEN 'usage_lines' ELSE 'invoice' END AS of_source
  FROM charges c
  LEFT JOIN reconciled.usage_months n USING (month)
  LEFT JOIN reconciled.client_matches m ON m.company_id = c.company_id
  LEFT JOIN staging.subscriptions sub ON sub.subscription_id = c.subscription_id
  LEFT JOIN client_terms ct ON ct.client_id = m.client_id
  LEFT JOIN product_terms pt ON pt.product_id = c.product_id
  LEFT JOIN product_terms ps ON ps.product_id = sub.product_id
), itemised AS (
  SELECT p.*, coalesce(a.item_id, b.item_id, meta.halo_id((SELECT p->>'default_halo_item_id' FROM terms))) AS wanted_item
  FROM priced p
  LEFT JOIN staging.mapping_items a ON a.product_id = p.product_id
  LEFT JOIN staging.mapping_items b ON b.product_id = p.sold_product_id
), judged AS (
  SELECT i.*, t.item_id AS halo_item_id,
         -- One invoice holds one currency: where Halo does not name the client's, all charges of the month must agree.
         count(DISTINCT i.currency) FILTER (i.of_source AND i.is_live AND i.company_id IS NOT NULL) OVER (PARTITION BY i.month, i.company_id) AS currencies,
         CASE
           WHEN NOT is_live THEN 'credited'
           WHEN trouble IS NOT NULL THEN 'unreadable'
           WHEN is_trial THEN 'trial'
           WHEN i.charges = 0 AND i.cost = 0 THEN 'zero'
           WHEN shape IS NOT NULL AND NOT assigned_later THEN 'unassigned'
           WHEN by_pax8 THEN 'billed_by_pax8'
           WHEN client_id IS NULL THEN 'unmatched_company'
           WHEN amount = 0 THEN 'no_price'
           WHEN currency IS NULL OR currency <> halo_currency THEN 'currency_mismatch'
           -- Halo names the currency of other clients: that it names none here does not mean it is the same.
           WHEN halo_currency IS NULL AND (SELECT count(currency) FROM staging.clients) > 0 THEN 'currency_mismatch'
           WHEN t.item_id IS NULL THEN 'no_item'
         END AS fault
  FROM itemised i LEFT JOIN staging.items t ON t.item_id = i.wanted_item
), verdicts AS (
  SELECT *, CASE WHEN fault IS NOT NULL THEN fault
                 WHEN halo_currency IS NULL AND currencies > 1 THEN 'currency_mismatch'
                 WHEN NOT of_source AND origin = 'usage_lines' THEN 'estimate'
                 WHEN NOT of_source THEN 'not_the_source'
                 ELSE 'bill' END AS verdict
  FROM judged
)
SELECT month, state, charge_id, origin, of_source AND is_live AS counts, invoice_id, invoice_date, invoice_status, item_no, subscription_id,
       summary_id, resource_group, azure_subscription_id, vendor_name, company_id, company_name, assigned_later, client_id, client_name, product_id, product_name,
       unit_of_measure, quantity, charges, cost, amount, currency, halo_currency, halo_item_id,
       CASE WHEN verdict = 'bill' THEN 'billable' WHEN verdict = 'unassigned' AND of_source THEN 'unassigned'
            WHEN NOT of_source AND origin = 'usage_lines' THEN 'estimate' ELSE 'skipped' END AS bucket,
       shape, verdict,
       CASE verdict
         WHEN 'bill' THEN 'billed to the client' || CASE WHEN assigned_later THEN '; its group was assigned after Pax8 made the invoice' ELSE '' END
         WHEN 'credited' THEN 'Pax8 took this invoice back (' || coalesce(invoice_status, '?') || ')'
         WHEN 'unreadable' THEN 'it cannot be read, so the month of its company waits: ' || trouble
         WHEN 'trial' THEN 'a trial is not billed'
         WHEN 'zero' THEN 'nothing is charged'
         WHEN 'unassigned' THEN 'no company assigned (' || shape || '): nobody is billed until it is assigned in the Pax8 portal'
         WHEN 'billed_by_pax8' THEN 'Pax8 bills this company itself'
         WHEN 'unmatched_company' THEN 'the Pax8 company is not mapped to one active Halo client (' || coalesce(match_state, 'unknown') || coalesce(': ' || CASE WHEN match_state = 'contradicted' THEN contradiction END, '') || ')'
         WHEN 'no_price' THEN 'Pax8 charges you for it and states no total for the client'
         WHEN 'currency_mismatch' THEN 'charged in ' || coalesce(currency, 'no currency') || ', the client is billed in '
                                       || coalesce(halo_currency, 'no currency that Halo names, or the month has several')
         WHEN 'no_item' THEN CASE WHEN wanted_item IS NULL THEN 'no Halo item: add the product to mappings/items.csv or set usage.default_halo_item_id'
                                  ELSE 'Halo item ' || wanted_item || ' does not exist' END
         WHEN 'estimate' THEN 'so far, from usage lines; billed from the approved invoice'
         ELSE 'policy usage.source bills from usage lines' END AS sentence
FROM verdicts
