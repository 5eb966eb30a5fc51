-- Stores the rows of a compared month with its closing. Parameters: closing, month.
INSERT INTO billing.closed_month_rows BY NAME
SELECT $closing AS closing, row_id, kind, class, subscription_id, company_id, company_name, client_id, client_name,
       product_name, pax8_invoiced, pax8_total, pax8_cost, halo_billed, halo_money, difference, margin, currency,
       reached_bill, CASE WHEN acknowledged THEN ack_who END AS ack_who,
       CASE WHEN acknowledged THEN ack_reason END AS ack_reason
FROM billing.month_rows WHERE month = $month
