-- The rows of one month, those with the most money first; what was not checked before what agrees. Parameter: month.
SELECT subscription_id, company_id, client_id, kind, class, pax8_listed, pax8_invoiced, halo_billed, difference,
       currency, reached_bill, reason, next_step, margin, pax8_total, pax8_cost, halo_money,
       company_name, client_name, product_name, age_days, halo_invoices, halo_invoice_date, line_ids,
       pax8_items, reason_code, row_id
FROM monthly.rows WHERE month = $month
ORDER BY class = 'equal', class = 'timing', coalesce(abs(difference), pax8_total) DESC, client_name,
         product_name, row_id
