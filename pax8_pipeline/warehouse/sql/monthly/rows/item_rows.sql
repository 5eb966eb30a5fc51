/* The rows of single items: those that nobody can place, charges that come once, and what is between Pax8 and the
partner.

key: row_id
reads: monthly.items, reconciled.client_matches, staging.mapping_items, one_off_lines, what_was_read
| row_id | VARCHAR | Name of the row | monthly.items.row_id |
| kind | VARCHAR | one_time, credit, rebate, payment, fee, late, usage, seats, pro_rata, trial or unknown
  | monthly.items.kind |
| class | VARCHAR | Its class | monthly.items.unexplained |
| reason_code | VARCHAR | Name of the reason | monthly.items.unexplained |
| subscription_id | VARCHAR | Pax8 subscription | monthly.items.subscription_id |
| company_id | VARCHAR | Pax8 company | monthly.items.charged_company_id |
| company_name | VARCHAR | Its name | reconciled.client_matches.company_name |
| client_id | BIGINT | Halo client | reconciled.client_matches.client_id |
| client_name | VARCHAR | Its name | reconciled.client_matches.client_name |
| product_name | VARCHAR | Product | monthly.items.product_name |
| pax8_invoiced | DECIMAL(28,10) | Client total | monthly.items.total |
| halo_billed | DECIMAL(28,10) | Money that Halo bills for it; empty when that cannot be told | one_off_lines.net |
| difference | DECIMAL(28,10) | Money billed too much, below 0 too little | monthly.items.total |
| halo_money | DECIMAL(28,10) | What Halo bills | one_off_lines.net |
| margin | DECIMAL(28,10) | That less what Pax8 charges | monthly.items.cost |
| currency | VARCHAR | ISO 4217 | monthly.items.currency |
| reached_bill | VARCHAR | As of seats | one_off_lines.posted |
| halo_invoices | VARCHAR[] | Halo's invoices | one_off_lines.invoice_number |
| halo_invoice_date | DATE | Date of the first | one_off_lines.invoice_date |
| facts | STRUCT(a VARCHAR, b VARCHAR, c VARCHAR) | What the sentence of the reason names | monthly.items.period |
*/
WITH items AS (
  SELECT i.*, m.company_name, m.client_id AS charged_client_id, m.client_name, p.item_id, w.bills_unread,
         row_number() OVER (PARTITION BY m.client_id, p.item_id, i.total ORDER BY i.invoice_id, i.item_no) AS nth
  FROM monthly.items i CROSS JOIN what_was_read w
  LEFT JOIN reconciled.client_matches m ON m.company_id = i.charged_company_id
  LEFT JOIN staging.mapping_items p ON p.product_id = i.product_id
  WHERE i.month = getvariable('month') AND (i.unexplained IS NOT NULL OR ends_with(i.row_id, '/' || i.item_no))
), lines AS (
  -- Two charges of one amount need two lines.
  SELECT *, row_number() OVER (PARTITION BY client_id, item_id, net ORDER BY invoice_date, invoice_number) AS nth
  FROM one_off_lines
), joined AS (
  SELECT i.*, l.net, l.invoice_number, l.invoice_date, l.posted
  FROM items i LEFT JOIN lines l ON i.kind = 'one_time' AND l.client_id = i.charged_client_id AND l.item_id = i.item_id
    AND l.net = round(i.total, 2) AND l.nth = i.nth
), classed AS (
  SELECT *, CASE
      WHEN unexplained IN ('invoice_unreadable', 'item_unreadable', 'kind_unknown', 'no_currency', 'no_subscription')
        THEN {'class': 'not_checked', 'reason': unexplained}
      WHEN unexplained IS NOT NULL AND total = 0 AND cost = 0 THEN {'class': 'equal', 'reason': 'no_money'}
      WHEN unexplained IS NOT NULL THEN {'class': 'unbilled', 'reason': unexplained}
      WHEN kind IN ('rebate', 'payment') OR (kind IN ('fee', 'credit') AND company_id IS NULL)
        THEN {'class': 'equal', 'reason': 'partner_only'}
      WHEN total = 0 AND cost = 0 THEN {'class': 'equal', 'reason': 'no_money'}
      WHEN billed_by_pax8 THEN {'class': 'equal', 'reason': 'by_pax8'}
      WHEN kind = 'credit' THEN {'class': 'not_checked', 'reason': 'credit'}
      WHEN kind = 'fee' THEN {'class': 'not_checked', 'reason': 'fee'}
      WHEN kind = 'late' THEN {'class': 'not_checked', 'reason': 'late'}
      WHEN bills_unread IS NOT NULL THEN {'class': 'not_checked', 'reason': bills_unread}
      WHEN net IS NOT NULL THEN {'class': 'equal', 'reason': 'once_billed'}
      WHEN charged_client_id IS NULL THEN {'class': 'unbilled', 'reason': 'no_client'}
      WHEN item_id IS NULL THEN {'class': 'not_checked', 'reason': 'once_no_item'}
      ELSE {'class': 'unbilled', 'reason': 'once_not_billed'} END AS found
  FROM joined
)
SELECT row_id, kind, found.class AS class, found.reason AS reason_code, subscription_id,
       charged_company_id AS company_id, company_name, charged_client_id AS client_id, client_name, product_name,
       total AS pax8_invoiced,
       CASE WHEN found.class <> 'not_checked' THEN coalesce(net, 0) END::DECIMAL(28,10) AS halo_billed,
       CASE found.class WHEN 'not_checked' THEN NULL WHEN 'equal' THEN 0 ELSE -total END::DECIMAL(28,10) AS difference,
       coalesce(net, 0)::DECIMAL(28,10) AS halo_money,
       CASE WHEN found.class <> 'not_checked' AND found.reason <> 'by_pax8' THEN coalesce(net, 0) - cost
       END::DECIMAL(28,10) AS margin, currency,
       CASE WHEN found.class = 'not_checked' THEN 'not_checked' WHEN posted THEN 'posted'
            WHEN net IS NOT NULL THEN 'draft' ELSE 'no_invoice_yet' END AS reached_bill,
       CASE WHEN invoice_number IS NOT NULL THEN [invoice_number] END AS halo_invoices,
       invoice_date AS halo_invoice_date,
       {'a': invoice_id, 'b': period, 'c': item_no} AS facts
FROM classed
