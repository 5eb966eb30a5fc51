-- The rows of a compared month that do not agree or were not checked, with the columns of billing.findings_state that
-- the command `acknowledge` shows. Money above 0 is not billed. Parameter: month.
SELECT r.finding_id, r.row_id, coalesce(r.subscription_id, '') AS subscription_id, r.class AS kind,
       'month_' || r.class AS check_name, r.client_id, r.client_name, r.company_name, r.product_name,
       -r.difference AS money, 'month' AS per, r.currency, m.today AS first_seen, m.today AS last_seen,
       false AS is_new, false AS waits, r.ack_reason, r.ack_who, r.ack_until, r.acknowledged,
       NOT r.acknowledged AND coalesce(r.difference, 1) <> 0 AS counts
FROM billing.month_rows r JOIN monthly.months m USING (month)
WHERE r.month = $month AND r.class NOT IN ('equal', 'timing')
ORDER BY r.is_open DESC, r.currency, abs(r.difference) DESC NULLS LAST, r.finding_id
