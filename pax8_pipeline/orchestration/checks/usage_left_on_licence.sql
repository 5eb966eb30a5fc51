-- `last_set`: the newest price written to each licence, `ever`: all prices written to it. Once the newest is 0, any
-- other
-- price is a person's own.
WITH writes AS (
  SELECT l.licence_id, l.line_id, l.client_id, l.row_id, l.currency, l.entry, h.today AS day,
         try_cast(p.expect->>'$.price' AS DECIMAL(28,10)) AS price
  FROM billing.ledger_state l
  JOIN billing.plan p ON p.plan_id = l.plan_id AND p.row_id = l.row_id
  JOIN billing.plans h ON h.plan_id = l.plan_id
  WHERE l.action = 'set_usage_licence' AND l.state IN ('claimed', 'sent', 'unknown', 'verified')
), last_set AS (
  SELECT licence_id, arg_max(line_id, entry) AS line_id, arg_max(client_id, entry) AS client_id,
         arg_max(currency, entry) AS currency, arg_max(price, entry) AS price, list(price) AS ever,
         arg_max(row_id, entry) FILTER (price <> 0) AS usage_key, arg_max(day, entry) FILTER (price <> 0) AS set_on
  FROM writes GROUP BY licence_id
), seen AS (
  SELECT w.*, c.licence_id IS NOT NULL AS listed, c.count, c.price AS price_now, k.name AS client_name,
         (SELECT bool_or(n.is_live) FROM staging.recurring_invoice_lines n WHERE n.line_id = w.line_id) AS line_live,
         (SELECT string_agg(DISTINCT g.invoice_id, ', ' ORDER BY g.invoice_id) FROM staging.halo_invoice_lines g
          WHERE g.recurring_invoice_line_id = w.line_id AND g.invoice_date > w.set_on AND NOT g.voided
            AND g.net <> 0) AS billed_on
  FROM last_set w
  LEFT JOIN staging.licences c ON c.licence_id = w.licence_id
  LEFT JOIN staging.clients k ON k.client_id = w.client_id
)
SELECT licence_id, client_id, client_name, usage_key, set_on, round(price, 2) AS price_set,
       round(price_now, 2) AS price_now,
       billed_on, round(CASE WHEN listed THEN count * price_now ELSE price END, 2) AS money_a_month, currency,
       CASE WHEN NOT listed THEN 'Halo lists no licence ' || licence_id || ': look whether line ' || line_id
         || ' still bills it'
            WHEN billed_on IS NULL THEN 'bill ' || usage_key || ' if no invoice has, then set price of licence '
              || licence_id || ' to 0 in Halo'
            ELSE 'set price of licence ' || licence_id || ' to 0 in Halo' END AS next_step
FROM seen
WHERE CASE WHEN listed THEN coalesce(price_now, 0) <> 0
                            AND (price <> 0 OR
                              list_bool_or(list_transform(ever, lambda p: meta.same_money(price_now, p))))
           ELSE price <> 0 AND coalesce(line_live, false) END
ORDER BY licence_id
