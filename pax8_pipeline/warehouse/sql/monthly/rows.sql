/* The result of a month: one row for each subscription and kind of charge, and for each item that stands alone, with
its
class. Units of seats and part periods are seats, of everything else money.

key: month, row_id
reads: seat_rows, part_rows, usage_rows, item_rows, orphan_rows, monthly.items, staging.invoices
| month | VARCHAR not null | Month of the invoice date, yyyy-mm | |
| row_id | VARCHAR not null | Name of the row | |
| kind | VARCHAR not null | seats, pro_rata, usage, one_time, credit, rebate, payment, fee, late, trial or unknown | |
| class | VARCHAR not null | equal, over_billed, under_billed, unbilled, orphaned, timing, price_drift or not_checked
  | |
| reason_code | VARCHAR not null | Name of the reason | |
| reason | VARCHAR | Why it has this class | |
| next_step | VARCHAR | What a person does about it; empty when there is nothing to do | |
| subscription_id | VARCHAR | Pax8 subscription; empty for charges without one, or of several | |
| company_id | VARCHAR | Pax8 company | |
| company_name | VARCHAR | Its name | |
| client_id | BIGINT | Halo client | |
| client_name | VARCHAR | Its name | |
| product_name | VARCHAR | Product | |
| pax8_listed | DECIMAL(28,10) | Units in Pax8's list | |
| pax8_invoiced | DECIMAL(28,10) | Units on Pax8's invoices; empty when there are none | |
| halo_billed | DECIMAL(28,10) | Units that Halo bills; empty when that cannot be told | |
| difference | DECIMAL(28,10) | Money that the client is billed too much, below 0 too little, a month; empty when it
  is
  not known | |
| currency | VARCHAR | ISO 4217 | |
| pax8_total | DECIMAL(28,10) not null | Client total of its items, as invoiced | monthly.items.total |
| pax8_cost | DECIMAL(28,10) not null | What Pax8 invoices the partner for them | monthly.items.cost |
| halo_money | DECIMAL(28,10) not null | What Halo bills, a month | |
| margin | DECIMAL(28,10) | What Halo bills less what Pax8 charges, a month | |
| reached_bill | VARCHAR not null | Whether it is on the client's bill: no_invoice_yet, draft, posted, corrected or
  not_checked | |
| halo_invoices | VARCHAR[] not null | Numbers of Halo's invoices | |
| halo_invoice_date | DATE | Date of the first | |
| line_ids | BIGINT[] not null | Halo's lines | |
| pax8_items | VARCHAR[] not null | Pax8's items, invoice/item | monthly.items.invoice_id, monthly.items.item_no |
| history | VARCHAR | read, or not_read where Pax8's history of the subscription could explain the difference; empty
  where it is not asked for | |
| changed_on | DATE | Day of the change of seats, or of the price, that history shows; empty when it shows none | |
| changed_from | DECIMAL(28,10) | Seats, or price, before it | |
| changed_to | DECIMAL(28,10) | Seats, or price, after it | |
| age_days | BIGINT | Days since the Pax8 invoice, of what does not agree | staging.invoices.invoice_date |
*/
WITH found AS (
  SELECT * FROM seat_rows
  UNION ALL BY NAME SELECT * FROM part_rows
  UNION ALL BY NAME SELECT * FROM usage_rows
  UNION ALL BY NAME SELECT * FROM item_rows
  UNION ALL BY NAME SELECT * FROM orphan_rows
), items AS (
  SELECT i.row_id, sum(i.total) AS total, sum(i.cost) AS cost,
         list(i.invoice_id || '/' || i.item_no ORDER BY i.invoice_id, i.item_no) AS items
  FROM monthly.items i WHERE i.month = getvariable('month') GROUP BY i.row_id
), first_invoice AS (
  SELECT min(invoice_date) AS invoice_date FROM staging.invoices
  WHERE is_live AND strftime(invoice_date, '%Y-%m') = getvariable('month')
)
SELECT getvariable('month')::VARCHAR AS month, f.row_id, f.kind, f.class, f.reason_code,
       wording('month_reasons', reason_code) || coalesce(wording('month_history', f.shown), '') AS reason,
       CASE WHEN f.class NOT IN ('equal', 'timing') THEN wording('month_steps', reason_code) END AS next_step,
       f.subscription_id, f.company_id, f.company_name, f.client_id, f.client_name, f.product_name, f.pax8_listed,
       f.pax8_invoiced, f.halo_billed, round(f.difference, 2) AS difference, f.currency,
       coalesce(i.total, 0) AS pax8_total, coalesce(i.cost, 0) AS pax8_cost, coalesce(f.halo_money, 0) AS halo_money,
       round(f.margin, 2) AS margin,
       f.reached_bill, coalesce(f.halo_invoices, []) AS halo_invoices, f.halo_invoice_date,
       coalesce(f.line_ids, []) AS line_ids, coalesce(i.items, []) AS pax8_items,
       f.history, f.changed_on, f.changed_from, f.changed_to,
       CASE WHEN f.class <> 'equal' THEN date_diff('day', n.invoice_date, getvariable('today')) END AS age_days
FROM (SELECT *, meta.plain(pax8_listed) AS listed, meta.plain(pax8_invoiced) AS invoiced,
             meta.plain(halo_billed) AS billed, array_to_string(line_ids, ', ') AS lines,
             array_to_string(halo_invoices, ', ') AS invoices, facts.a AS a, facts.b AS b, facts.c AS c,
             CASE WHEN history IS DISTINCT FROM 'read' THEN NULL WHEN changed_on IS NULL THEN 'no_change'
                  WHEN class = 'price_drift' THEN 'price_change' ELSE 'seats_change' END AS shown
      FROM found) f
LEFT JOIN items i USING (row_id) CROSS JOIN first_invoice n
