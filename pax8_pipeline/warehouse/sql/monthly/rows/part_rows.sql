/* The rows of part periods.

key: row_id
reads: part_classes, seats_compared, history_parts, staging.subscriptions
| row_id | VARCHAR | Name of the row | part_classes.subscription_id |
| kind | VARCHAR | pro_rata | |
| class | VARCHAR | Its class | part_classes.found |
| reason_code | VARCHAR | Name of the reason | part_classes.found |
| subscription_id | VARCHAR | Pax8 subscription | part_classes.subscription_id |
| company_id | VARCHAR | Pax8 company | seats_compared.company_id |
| company_name | VARCHAR | Its name | seats_compared.company_name |
| client_id | BIGINT | Halo client | seats_compared.client_id |
| client_name | VARCHAR | Its name | seats_compared.client_name |
| product_name | VARCHAR | Product | seats_compared.product_name |
| pax8_listed | DECIMAL(28,10) | Seats in Pax8's list | seats_compared.listed |
| pax8_invoiced | DECIMAL(28,10) | Units that Pax8 charges a part for | part_classes.pax8_quantity |
| halo_billed | DECIMAL(28,10) | Units that Halo bills a part for | part_classes.halo_quantity |
| difference | DECIMAL(28,10) | Money billed too much, below 0 too little | part_classes.halo_net, part_classes.total
  |
| halo_money | DECIMAL(28,10) | What Halo bills | part_classes.halo_net |
| margin | DECIMAL(28,10) | That less what Pax8 charges | part_classes.halo_net, part_classes.cost |
| currency | VARCHAR | ISO 4217 | part_classes.item_currency, seats_compared.halo_currency |
| reached_bill | VARCHAR | As of seats | seats_compared.posted, seats_compared.invoices |
| halo_invoices | VARCHAR[] | Halo's invoices | seats_compared.invoices |
| halo_invoice_date | DATE | Date of the first | seats_compared.bill_date |
| line_ids | BIGINT[] | Halo's lines | seats_compared.line_ids |
| history | VARCHAR | read, or not_read where Pax8's history could explain the difference; empty where it is not asked
  for | history_parts.subscription_id, part_classes.found |
| changed_on | DATE | Day of the change in history | history_parts.changed_on, history_parts.coming_on |
| changed_from | DECIMAL(28,10) | Seats before it | history_parts.old_quantity, history_parts.coming_from |
| changed_to | DECIMAL(28,10) | Seats after it | history_parts.new_quantity, history_parts.coming_to |
| facts | STRUCT(a VARCHAR, b VARCHAR, c VARCHAR) | What the sentence of the reason names | part_classes.total |
*/
WITH with_history AS (
  SELECT c.*, c.found['reason'] IN ('part_follows', 'part_of_halo_only') AS is_coming,
         CASE WHEN c.found['reason'] NOT IN ('part_days', 'part_not_billed', 'part_credit_not_passed_on',
                'part_of_halo_only', 'part_differs', 'part_without_change', 'part_against_history', 'part_follows')
                THEN NULL
              WHEN h.subscription_id IS NOT NULL THEN 'read'
              WHEN s.subscription_id IS NOT NULL THEN 'not_read' END AS history,
         CASE WHEN is_coming THEN h.coming_on ELSE h.changed_on END AS changed_on,
         CASE WHEN is_coming THEN h.coming_from ELSE h.old_quantity END AS changed_from,
         CASE WHEN is_coming THEN h.coming_to ELSE h.new_quantity END AS changed_to
  FROM part_classes c
  LEFT JOIN history_parts h USING (subscription_id)
  LEFT JOIN staging.subscriptions s ON s.subscription_id = c.subscription_id
)
SELECT 'pro_rata:' || p.subscription_id AS row_id, 'pro_rata' AS kind, p.found['class'] AS class,
       p.found['reason'] AS reason_code, p.subscription_id, s.company_id, s.company_name, s.client_id, s.client_name,
       s.product_name, s.listed AS pax8_listed, p.pax8_quantity AS pax8_invoiced,
       coalesce(p.halo_quantity, 0)::DECIMAL(28,10) AS halo_billed,
       CASE p.found['class'] WHEN 'not_checked' THEN NULL WHEN 'equal' THEN 0
                          ELSE coalesce(p.halo_net, 0) - coalesce(p.total, 0) END::DECIMAL(28,10) AS difference,
       coalesce(p.halo_net, 0)::DECIMAL(28,10) AS halo_money,
       CASE WHEN p.found['class'] <> 'not_checked' THEN coalesce(p.halo_net, 0) - coalesce(p.cost, 0)
       END::DECIMAL(28,10) AS margin, coalesce(p.item_currency, s.halo_currency) AS currency,
       CASE WHEN p.found['class'] = 'not_checked' THEN 'not_checked' WHEN s.posted THEN 'posted'
            WHEN len(s.invoices) > 0 THEN 'draft' ELSE 'no_invoice_yet' END AS reached_bill,
       s.invoices AS halo_invoices, s.bill_date AS halo_invoice_date, s.line_ids, p.history,
       CASE WHEN p.history = 'read' THEN p.changed_on END AS changed_on,
       CASE WHEN p.history = 'read' THEN p.changed_from END AS changed_from,
       CASE WHEN p.history = 'read' THEN p.changed_to END AS changed_to,
       {'a': meta.plain(round(p.total, 2)), 'b': meta.plain(round(p.halo_net, 2)), 'c': NULL::VARCHAR} AS facts
FROM with_history p LEFT JOIN seats_compared s USING (subscription_id)
