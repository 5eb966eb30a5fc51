/* The rows of seats.

key: row_id
reads: seat_classes, generated_invoices, history_evidence, staging.subscriptions
| row_id | VARCHAR | Name of the row | seat_classes.subscription_id |
| kind | VARCHAR | seats | |
| class | VARCHAR | Its class | seat_classes.found |
| reason_code | VARCHAR | Name of the reason | seat_classes.found |
| subscription_id | VARCHAR | Pax8 subscription | seat_classes.subscription_id |
| company_id | VARCHAR | Pax8 company | seat_classes.company_id |
| company_name | VARCHAR | Its name | seat_classes.company_name |
| client_id | BIGINT | Halo client | seat_classes.client_id |
| client_name | VARCHAR | Its name | seat_classes.client_name |
| product_name | VARCHAR | Product | seat_classes.product_name |
| pax8_listed | DECIMAL(28,10) | Seats in Pax8's list | seat_classes.listed |
| pax8_invoiced | DECIMAL(28,10) | Seats on Pax8's invoice | seat_classes.invoiced |
| halo_billed | DECIMAL(28,10) | Units that Halo bills | seat_classes.billed |
| difference | DECIMAL(28,10) | Money billed too much, below 0 too little, a month | seat_classes.difference |
| halo_money | DECIMAL(28,10) | What Halo bills, a month | seat_classes.billed_money |
| margin | DECIMAL(28,10) | That less what Pax8 charges, a month | seat_classes.billed_money,
  seat_classes.cost_a_month |
| currency | VARCHAR | ISO 4217 | seat_classes.charged_currency |
| reached_bill | VARCHAR | no_invoice_yet, draft, posted, corrected or not_checked | seat_classes.posted,
  seat_classes.invoices |
| halo_invoices | VARCHAR[] | Halo's invoices; where no line bills it, those of the client, which went without it
  | seat_classes.invoices, generated_invoices.invoice_number |
| halo_invoice_date | DATE | Date of the first | seat_classes.bill_date |
| line_ids | BIGINT[] | Halo's lines | seat_classes.line_ids |
| history | VARCHAR | read, or not_read where Pax8's history could explain the difference; empty where it is not asked
  for | history_evidence.subscription_id, seat_classes.found |
| changed_on | DATE | Day of the change in history | history_evidence.changed_on, history_evidence.price_changed_on |
| changed_from | DECIMAL(28,10) | Seats before it; of a price, the price | history_evidence.old_quantity,
  history_evidence.old_price |
| changed_to | DECIMAL(28,10) | The same after it | history_evidence.new_quantity,
  history_evidence.new_price |
| facts | STRUCT(a VARCHAR, b VARCHAR, c VARCHAR) | What the sentence of the reason names | seat_classes.expected |
*/
WITH client_invoices AS (
  SELECT client_id, list_sort(list(DISTINCT invoice_number)) AS numbers, bool_or(posted) AS any_posted,
         min(invoice_date) AS first_date
  FROM generated_invoices
  WHERE NOT voided AND first_month = (getvariable('month') || '-01')::DATE GROUP BY client_id
), with_history AS (
  -- A history explains numbers and prices that differ, of what Pax8 lists. What it explained counts as read too.
  SELECT s.*, s.found['reason'] IN ('price', 'price_changed', 'price_against_history') AS is_price,
         CASE WHEN e.subscription_id IS NOT NULL AND s.found['reason'] = 'changed_after_invoice' THEN 'read'
              WHEN NOT (is_price OR s.found['reason'] IN ('quantity', 'invoice_against_list', 'invoice_differs',
                                                          'shared_line')) THEN NULL
              WHEN e.subscription_id IS NOT NULL THEN 'read'
              WHEN p.subscription_id IS NOT NULL THEN 'not_read' END AS history,
         CASE WHEN is_price THEN e.price_changed_on ELSE e.changed_on END AS changed_on,
         CASE WHEN is_price THEN e.old_price ELSE e.old_quantity END AS changed_from,
         CASE WHEN is_price THEN e.new_price ELSE e.new_quantity END AS changed_to
  FROM seat_classes s
  LEFT JOIN history_evidence e USING (subscription_id)
  LEFT JOIN staging.subscriptions p ON p.subscription_id = s.subscription_id
), with_bills AS (
  SELECT s.* REPLACE (CASE WHEN s.line_ids IS NULL THEN c.numbers ELSE s.invoices END AS invoices,
                      CASE WHEN s.line_ids IS NULL THEN c.any_posted ELSE s.posted END AS posted,
                      CASE WHEN s.line_ids IS NULL THEN c.first_date ELSE s.bill_date END AS bill_date)
  FROM with_history s
  LEFT JOIN client_invoices c ON c.client_id = s.client_id AND s.line_ids IS NULL AND s.found['class'] = 'unbilled'
)
SELECT 'seats:' || subscription_id AS row_id, 'seats' AS kind, found['class'] AS class, found['reason'] AS reason_code,
       subscription_id, company_id, company_name, client_id, client_name, product_name, listed AS pax8_listed,
       invoiced AS pax8_invoiced, CASE WHEN line_ids IS NULL THEN 0 ELSE billed END::DECIMAL(28,10) AS halo_billed,
       CASE found['class']
         WHEN 'not_checked' THEN NULL
         WHEN 'equal' THEN 0
         WHEN 'price_drift' THEN CASE WHEN found['reason'] = 'cost' THEN 0
           ELSE billed::DECIMAL(18,6) * (halo_a_month - pax8_a_month)::DECIMAL(18,6) END
         WHEN 'unbilled' THEN -share_expected::DECIMAL(18,6) * pax8_a_month::DECIMAL(18,6)
         ELSE coalesce(difference, -expected)::DECIMAL(18,6)
              * coalesce(halo_a_month, pax8_a_month)::DECIMAL(18,6) END::DECIMAL(28,10) AS difference,
       coalesce(billed_money, 0)::DECIMAL(28,10) AS halo_money,
       CASE WHEN found['class'] <> 'not_checked' THEN coalesce(billed_money, 0) - cost_a_month
       END::DECIMAL(28,10) AS margin,
       coalesce(charged_currency, halo_currency) AS currency,
       CASE WHEN found['class'] = 'not_checked' THEN 'not_checked'
            WHEN found['reason'] IN ('corrected', 'halo_part_follows') THEN 'corrected'
            WHEN posted THEN 'posted' WHEN len(invoices) > 0 THEN 'draft' ELSE 'no_invoice_yet' END AS reached_bill,
       invoices AS halo_invoices, bill_date AS halo_invoice_date, line_ids, history,
       CASE WHEN history = 'read' THEN changed_on END AS changed_on,
       CASE WHEN history = 'read' THEN changed_from END AS changed_from,
       CASE WHEN history = 'read' THEN changed_to END AS changed_to,
       {'a': meta.plain(expected), 'b': coalesce(meta.plain(line_quantity), '0'),
        'c': coalesce(problem, end_date::VARCHAR, first_day::VARCHAR)} AS facts
FROM with_bills
