-- The rows of one month, those with the most money first; what was not checked before what agrees. Parameter: month.
SELECT subscription_id, company_id, client_id, kind, class, pax8_listed, pax8_invoiced, halo_billed, difference,
       currency, reached_bill, reason, next_step, margin, pax8_total, pax8_cost, halo_money,
       company_name, client_name, product_name, age_days, halo_invoices, halo_invoice_date, line_ids,
       pax8_items, history, changed_on, changed_from, changed_to,
       reason_code, row_id, finding_id, acknowledged, is_open, ack_who, ack_reason, ack_until
FROM billing.month_rows WHERE month = $month
ORDER BY class = 'equal', class = 'timing', acknowledged, coalesce(abs(difference), pax8_total) DESC, client_name,
         product_name, row_id
