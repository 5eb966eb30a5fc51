-- Every item of usage on the month's Pax8 invoices, beside Halo's usage invoices. Parameter: month.
SELECT coalesce(r.client_name, r.company_name) AS client, i.product_name, i.period, i.quantity, i.cost, i.total,
       i.currency, r.class, i.unexplained IS NULL AS explained, array_to_string(r.halo_invoices, ', ') AS halo_invoices,
       i.subscription_id, i.charged_company_id AS company_id, r.client_id, i.invoice_id, i.item_no
FROM monthly.items i JOIN billing.month_rows r ON r.month = i.month AND r.row_id = i.row_id
WHERE i.month = $month AND i.kind = 'usage'
ORDER BY client, i.product_name, i.period, i.invoice_id, i.item_no
