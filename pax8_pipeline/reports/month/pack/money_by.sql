-- The money of the month by client or by product, and currency, with the margin of the month before. Parameters: month,
-- by (client or product).
WITH named AS (
  SELECT *, coalesce(currency, '?') AS money_in,
         CASE $by WHEN 'client' THEN coalesce(client_name, company_name, 'no company')
                  ELSE coalesce(product_name, kind) END AS name,
         CASE $by WHEN 'client' THEN coalesce(client_id::VARCHAR, company_id, '')
                  ELSE coalesce(product_name, kind) END AS id
  FROM billing.month_rows
), of_month AS (
  SELECT id, any_value(name) AS name, CASE WHEN $by = 'client' THEN any_value(client_id) END AS client_id,
         money_in AS currency, count(*) AS number, count(*) FILTER (is_open) AS open_rows, sum(pax8_cost) AS pax8_cost,
         sum(pax8_total) AS pax8_total, sum(halo_money) AS halo_money, sum(margin) AS margin,
         count(*) FILTER (margin IS NULL) AS margin_not_known,
         coalesce(sum(difference) FILTER (is_open AND difference > 0), 0) AS too_much,
         coalesce(-sum(difference) FILTER (is_open AND difference < 0), 0) AS too_little,
         coalesce(sum(pax8_total) FILTER (is_open AND class = 'not_checked'), 0) AS not_checked
  FROM named WHERE month = $month GROUP BY id, money_in
), month_before AS (
  SELECT id, money_in AS currency, sum(margin) AS margin FROM named
  WHERE month = strftime(($month || '-01')::DATE - INTERVAL 1 MONTH, '%Y-%m') GROUP BY id, money_in
)
SELECT o.name, o.number, o.open_rows, o.pax8_cost, o.pax8_total, o.halo_money, o.margin, o.margin_not_known,
       b.margin AS margin_before, o.margin - b.margin AS margin_change, o.too_much, o.too_little, o.not_checked,
       o.currency, o.client_id
FROM of_month o LEFT JOIN month_before b USING (id, currency)
ORDER BY o.currency, o.name, o.id
