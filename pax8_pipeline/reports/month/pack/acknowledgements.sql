-- What people know of and leave as it is, with their names; also what no longer covers its row. Parameter: month.
SELECT coalesce(client_name, company_name) AS client, product_name, kind, class, difference, currency, ack_who AS who,
       acknowledged_on, ack_reason AS why, ack_until AS until, ack_amount AS amount, acknowledged AS covers, finding_id
FROM billing.month_rows WHERE month = $month AND ack_who IS NOT NULL
ORDER BY covers, client, product_name, row_id
