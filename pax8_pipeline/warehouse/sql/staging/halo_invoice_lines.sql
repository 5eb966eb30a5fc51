/* One row per line of an ordinary Halo invoice that Halo made from a recurring invoice's line, of the last weeks.

key: line_id
reads: newest.halo_invoices
| line_id | BIGINT not null | Line of the invoice | halo.invoices.payload |
| invoice_id | BIGINT not null | The invoice | halo.invoices.payload |
| invoice_number | VARCHAR | Number that people know it by; its id where Halo sends none | halo.invoices.payload |
| client_id | BIGINT | Client billed | halo.invoices.payload |
| invoice_date | DATE | Its date | halo.invoices.payload |
| period_start | DATE | First day of the period that it bills, empty where Halo does not say | halo.invoices.payload |
| posted | BOOLEAN not null | Sent to accounts | halo.invoices.payload |
| voided | BOOLEAN not null | Cancelled by a person | halo.invoices.payload |
| recurring_invoice_id | BIGINT | Recurring invoice it was made from | halo.invoices.payload |
| recurring_invoice_line_id | BIGINT not null | Line of it | halo.invoices.payload |
| quantity | DECIMAL(28,10) | Quantity billed | halo.invoices.payload |
| unit_price | DECIMAL(28,10) | Price per unit | halo.invoices.payload |
| unit_cost | DECIMAL(28,10) | Cost per unit | halo.invoices.payload |
| net | DECIMAL(28,10) | Quantity times price, in cents | halo.invoices.payload |
*/
WITH headers AS (
  SELECT object_id, from_json(payload,
         '{"id":"VARCHAR","invoicenumber":"VARCHAR","client_id":"VARCHAR","invoice_date":"VARCHAR",
    "period_start_date":"VARCHAR","posted":"VARCHAR","voided":"VARCHAR","recurring_invoice_id":"VARCHAR",
    "lines":[{"id":"VARCHAR","recurring_invoice_id":"VARCHAR","recurring_invoice_line_id":"VARCHAR",
          "qty_order":"VARCHAR",
    "unit_price":"VARCHAR","unit_cost":"VARCHAR"}]}') AS j
  FROM newest.halo_invoices
), lines AS (
  SELECT object_id, j, unnest(j.lines) AS l FROM headers
)
SELECT meta.halo_id(l.id) AS line_id, meta.halo_id(j.id) AS invoice_id,
       coalesce(meta.txt(j.invoicenumber), meta.halo_id(j.id)::VARCHAR) AS invoice_number,
       meta.halo_id(j.client_id) AS client_id, meta.halo_day(j.invoice_date) AS invoice_date,
       meta.halo_day(j.period_start_date) AS period_start, meta.flag(j.posted) AS posted,
       meta.flag(j.voided) AS voided, coalesce(meta.recurring_id(l.recurring_invoice_id),
         meta.recurring_id(j.recurring_invoice_id)) AS recurring_invoice_id,
       meta.halo_id(l.recurring_invoice_line_id) AS recurring_invoice_line_id, meta.num(l.qty_order) AS quantity,
         meta.num(l.unit_price) AS unit_price, meta.num(l.unit_cost) AS unit_cost,
       round(try_cast(meta.num(l.qty_order) AS DECIMAL(18,6)) * try_cast(meta.num(l.unit_price) AS DECIMAL(18,6)),
         2) AS net,
       CASE WHEN meta.txt(l.id) IS NULL THEN 'line without id' WHEN meta.halo_id(l.id) IS NULL
         THEN 'id is not a Halo id: ' || l.id
            WHEN meta.halo_id(j.id) IS NULL THEN 'no id' END AS reject,
       object_id, to_json(l)::VARCHAR AS payload
FROM lines WHERE meta.halo_id(l.recurring_invoice_line_id) IS NOT NULL
