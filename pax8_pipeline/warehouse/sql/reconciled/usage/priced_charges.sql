/* Every charge with its Halo client, the Halo item to bill it as, and what the client is to be charged by policy: by
the terms of its product, else of the product that was sold, else of the client, else by the general ones.

key: charge_id
reads: invoice_charges, usage_line_charges, special_terms, reconciled.usage_months, reconciled.client_matches,
  staging.subscriptions, staging.mapping_items
extends: invoice_charges
| quantity | DECIMAL(38,10) | Units | invoice_charges.quantity, usage_line_charges.quantity |
| charges | DECIMAL(38,10) | Client total | invoice_charges.charges, usage_line_charges.charges |
| cost | DECIMAL(38,10) | Partner total | invoice_charges.cost, usage_line_charges.cost |
| origin | VARCHAR | invoice or usage_lines | |
| client_id | BIGINT | Halo client | reconciled.client_matches.client_id |
| client_name | VARCHAR | Its name | reconciled.client_matches.client_name |
| halo_currency | VARCHAR | Its currency | reconciled.client_matches.client_currency |
| match_state | VARCHAR | How certain the client is | reconciled.client_matches.state |
| contradiction | VARCHAR | Who says otherwise | reconciled.client_matches.contradiction |
| state | VARCHAR | State of the month | reconciled.usage_months.state |
| amount | DECIMAL(28,10) | What the client is charged, not rounded | invoice_charges.charges, invoice_charges.cost,
  usage_line_charges.charges, usage_line_charges.cost |
| of_source | BOOLEAN | The policy bills from this origin | |
| wanted_item | BIGINT | Halo item to bill it as, whether it exists or not | staging.mapping_items.item_id |
*/
WITH charges AS (
  SELECT *, 'invoice' AS origin FROM invoice_charges
  UNION ALL BY NAME
  SELECT *, 'usage_lines' AS origin, true AS is_live FROM usage_line_charges
), with_terms AS (
  SELECT c.*, b.product_id AS sold_product_id, m.client_id, m.client_name, m.client_currency AS halo_currency,
         m.state AS match_state, m.contradiction, coalesce(n.state, 'closed') AS state,
         coalesce(pt.price, st.price, ct.price, getvariable('usage_price')) AS price,
         coalesce(pt.markup_pct, st.markup_pct, ct.markup_pct,
                  getvariable('usage_markup_pct')::DECIMAL(9,4), 0) AS markup_pct
  FROM charges c
  LEFT JOIN reconciled.usage_months n USING (month)
  LEFT JOIN reconciled.client_matches m ON m.company_id = c.company_id
  LEFT JOIN staging.subscriptions b ON b.subscription_id = c.subscription_id
  LEFT JOIN special_terms ct ON ct.kind = 'client' AND ct.id = m.client_id::VARCHAR
  LEFT JOIN special_terms pt ON pt.kind = 'product' AND pt.id = c.product_id
  LEFT JOIN special_terms st ON st.kind = 'product' AND st.id = b.product_id
)
SELECT t.* EXCLUDE (sold_product_id, price, markup_pct),
       CASE price WHEN 'cost' THEN (cost::DECIMAL(24,10) * (1 + markup_pct * 0.01))::DECIMAL(28,10)
                  ELSE charges::DECIMAL(28,10) END AS amount,
       origin = getvariable('usage_source') AS of_source,
       coalesce(a.item_id, b.item_id, getvariable('default_halo_item_id')::BIGINT) AS wanted_item
FROM with_terms t
LEFT JOIN staging.mapping_items a ON a.product_id = t.product_id
LEFT JOIN staging.mapping_items b ON b.product_id = t.sold_product_id
