-- The rows of the month that wait for a person, those with the most money first. Parameter: month.
SELECT coalesce(client_name, company_name) AS client, product_name, kind, class, difference, pax8_cost, currency,
       reached_bill, array_to_string(halo_invoices, ', ') AS halo_invoices, age_days, reason, next_step,
       subscription_id, client_id, finding_id
FROM billing.month_rows WHERE month = $month AND is_open
ORDER BY currency, coalesce(abs(difference), pax8_total) DESC, client, product_name, row_id
