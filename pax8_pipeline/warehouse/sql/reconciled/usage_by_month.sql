/* Usage by client, product and month, beside the month before. A month on an approved invoice shows what is billed, a
month before that the estimate so far; a product that stopped has one more row, with nothing in it.

key: month, company_id, product, currency
reads: reconciled.usage_months, reconciled.usage
| month | VARCHAR not null | Usage month, yyyy-mm | reconciled.usage.month |
| state | VARCHAR not null | open, closing, closed or reopened | reconciled.usage_months.state |
| is_estimate | BOOLEAN not null | So far, from usage lines; nothing of it is billed yet | reconciled.usage.bucket |
| company_id | VARCHAR not null | Pax8 company | reconciled.usage.company_id |
| client_id | BIGINT | Halo client | reconciled.usage.client_id |
| client_name | VARCHAR | Its name, the company's where there is no client | reconciled.usage.client_name,
  reconciled.usage.company_name |
| product | VARCHAR not null | Metered product: its id, or its name where it has none | reconciled.usage.product_id,
  reconciled.usage.product_name |
| product_name | VARCHAR | Its name | reconciled.usage.product_name |
| unit_of_measure | VARCHAR | Unit, where all charges have the same | reconciled.usage.unit_of_measure |
| currency | VARCHAR not null | ISO 4217 | reconciled.usage.currency |
| quantity | DECIMAL(38,10) | Units | reconciled.usage.quantity |
| amount | DECIMAL(38,10) not null | What the client is charged by policy | reconciled.usage.amount |
| cost | DECIMAL(38,10) not null | What Pax8 charges the partner | reconciled.usage.cost |
| margin | DECIMAL(38,10) not null | amount less cost | reconciled.usage.amount, reconciled.usage.cost |
| amount_before | DECIMAL(38,10) | Amount of the month before, empty where that month is not known
  | reconciled.usage.amount |
| change | DECIMAL(38,10) | amount less amount_before, empty while the month is running | reconciled.usage.amount |
| change_pct | DECIMAL(18,1) | The same in percent, empty where there was nothing before | reconciled.usage.amount |
*/
WITH months AS (
  SELECT month, state, state IN ('closed', 'reopened') AS is_final,
         strftime((month || '-01')::DATE - INTERVAL 1 MONTH, '%Y-%m') AS before
  FROM reconciled.usage_months
), charges AS (
  SELECT u.*, n.is_final, coalesce(u.product_id, u.product_name, '-') AS product
  FROM reconciled.usage u JOIN months n USING (month)
  WHERE u.company_id IS NOT NULL AND u.currency IS NOT NULL
    AND CASE WHEN n.is_final THEN u.counts AND u.bucket = 'billable'
             ELSE u.origin = 'usage_lines' AND u.verdict IN ('estimate', 'bill') END
), summed AS (
  SELECT month, company_id, product, currency, NOT bool_and(is_final) AS is_estimate, any_value(client_id) AS client_id,
         coalesce(any_value(client_name), any_value(company_name)) AS client_name,
           any_value(product_name) AS product_name,
         CASE WHEN count(DISTINCT unit_of_measure) = 1 THEN any_value(unit_of_measure) END AS unit_of_measure,
         sum(quantity) AS quantity, sum(amount) AS amount, sum(cost) AS cost
  FROM charges GROUP BY month, company_id, product, currency
), stopped AS (
  -- The month after the last one in which a client used a product.
  SELECT n.month, s.company_id, s.product, s.currency, false AS is_estimate, s.client_id, s.client_name, s.product_name,
         s.unit_of_measure,
         0 AS quantity, 0 AS amount, 0 AS cost
  FROM summed s JOIN months n ON n.before = s.month AND n.is_final
  WHERE s.amount <> 0 AND NOT EXISTS (
    SELECT 1 FROM summed x WHERE x.month = n.month AND x.company_id = s.company_id AND x.product = s.product
           AND x.currency = s.currency)
), all_rows AS (
  SELECT * FROM summed UNION ALL BY NAME SELECT * FROM stopped
), compared AS (
  SELECT a.*, n.state, CASE WHEN b.month IS NOT NULL THEN coalesce(p.amount, 0) END AS amount_before
  FROM all_rows a
  JOIN months n USING (month)
  LEFT JOIN months b ON b.month = n.before
  LEFT JOIN summed p ON p.month = n.before AND p.company_id = a.company_id AND p.product = a.product
    AND p.currency = a.currency
)
SELECT month, state, is_estimate, company_id, client_id, client_name, product, product_name, unit_of_measure, currency,
       quantity, amount, cost,
       amount - cost AS margin, amount_before, CASE WHEN state <> 'open' THEN amount - amount_before END AS change,
       CASE WHEN state <> 'open' AND amount_before <> 0
            THEN try_cast(round((amount - amount_before) * 100 / abs(amount_before),
              1) AS DECIMAL(18,1)) END AS change_pct
FROM compared
