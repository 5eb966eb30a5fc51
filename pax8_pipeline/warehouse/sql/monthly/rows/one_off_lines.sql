/* The lines of Halo's ordinary invoices of the month and of the one after it that no recurring invoice made: by
their item
they may bill a one-time charge.

reads: newest.halo_invoices
| client_id | BIGINT | Client billed | halo.invoices.payload |
| item_id | BIGINT | Halo item | halo.invoices.payload |
| invoice_number | VARCHAR | Number of the invoice | halo.invoices.payload |
| invoice_date | DATE | Its date | halo.invoices.payload |
| posted | BOOLEAN | Sent to accounts | halo.invoices.payload |
| net | DECIMAL(28,10) | Quantity times price | halo.invoices.payload |
*/
WITH headers AS (
  SELECT from_json(payload, '{"id":"VARCHAR","invoicenumber":"VARCHAR","client_id":"VARCHAR","invoice_date":"VARCHAR",
    "posted":"VARCHAR","voided":"VARCHAR","lines":[{"_itemid":"VARCHAR","recurring_invoice_line_id":"VARCHAR",
    "qty_order":"VARCHAR","unit_price":"VARCHAR"}]}') AS j
  FROM newest.halo_invoices
), dated AS (
  SELECT *, meta.halo_day(j.invoice_date) AS invoice_date FROM headers WHERE NOT meta.flag(j.voided)
), lines AS (
  SELECT j, invoice_date, unnest(j.lines) AS l FROM dated
  WHERE invoice_date BETWEEN (getvariable('month') || '-01')::DATE
                         AND last_day((getvariable('month') || '-01')::DATE) + 31
)
SELECT meta.halo_id(j.client_id) AS client_id, meta.halo_id(l._itemid) AS item_id,
       coalesce(meta.txt(j.invoicenumber), j.id) AS invoice_number, invoice_date, meta.flag(j.posted) AS posted,
       round(try_cast(meta.num(l.qty_order) AS DECIMAL(18,6)) * try_cast(meta.num(l.unit_price) AS DECIMAL(18,6)),
         2)::DECIMAL(28,10) AS net
FROM lines WHERE meta.halo_id(l.recurring_invoice_line_id) IS NULL AND meta.halo_id(l._itemid) IS NOT NULL
