-- One sum over the rows of a closing; nothing in it depends on when or where the month was closed. Parameter: closing.
SELECT sha256(coalesce(string_agg(line, chr(10) ORDER BY line), '')) FROM (
  SELECT concat_ws('|', row_id, kind, class, coalesce(subscription_id, ''), coalesce(company_id, ''),
                   coalesce(client_id::VARCHAR, ''), coalesce(pax8_invoiced::VARCHAR, ''), pax8_total::VARCHAR,
                   pax8_cost::VARCHAR, coalesce(halo_billed::VARCHAR, ''), halo_money::VARCHAR,
                   coalesce(difference::VARCHAR, ''), coalesce(margin::VARCHAR, ''), coalesce(currency, ''),
                   reached_bill, coalesce(ack_who, ''), coalesce(ack_reason, '')) AS line
  FROM billing.closed_month_rows WHERE closing = $closing
)
