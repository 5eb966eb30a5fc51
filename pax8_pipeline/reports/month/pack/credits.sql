-- Every credit, rebate, payment and fee on the month's Pax8 invoices. Parameter: month.
SELECT coalesce(r.client_name, r.company_name) AS client, i.product_name, i.kind, i.period, i.cost, i.total, i.currency,
       r.class, r.reason, r.next_step, CASE WHEN r.acknowledged THEN r.ack_who END AS acknowledged_by,
       i.subscription_id, i.charged_company_id AS company_id, r.client_id, i.invoice_id, i.item_no
FROM monthly.items i JOIN billing.month_rows r ON r.month = i.month AND r.row_id = i.row_id
WHERE i.month = $month AND i.kind IN ('credit', 'rebate', 'payment', 'fee')
ORDER BY i.kind, client, i.product_name, i.invoice_id, i.item_no
