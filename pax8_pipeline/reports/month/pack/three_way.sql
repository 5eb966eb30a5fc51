-- Every row of the month: Pax8's list, its invoice and Halo's bill beside each other. Parameter: month.
SELECT coalesce(client_name, company_name) AS client, product_name, kind, class, pax8_listed, pax8_invoiced,
       halo_billed, difference, pax8_cost, pax8_total, halo_money, margin, currency, reached_bill,
       array_to_string(halo_invoices, ', ') AS halo_invoices, halo_invoice_date, age_days, reason, next_step,
       CASE WHEN acknowledged THEN ack_who END AS acknowledged_by, subscription_id, company_id, client_id,
       array_to_string(pax8_items, ', ') AS pax8_items, array_to_string(line_ids, ', ') AS line_ids, finding_id
FROM billing.month_rows WHERE month = $month
ORDER BY class = 'equal', class = 'timing', client, product_name, kind, row_id
