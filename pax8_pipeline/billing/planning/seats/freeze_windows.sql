/* Recurring invoices in whose freeze window today is (policy.yaml, freeze): a day on which Halo makes an invoice, with
some days before and after it. All of them are dates of Halo and of the policy's time zone, no instants.

key: recurring_invoice_id
reads: staging.recurring_invoices
| recurring_invoice_id | BIGINT | Halo recurring invoice | staging.recurring_invoices.recurring_invoice_id |
| creation_date | DATE | The day on which its invoice is or was made | staging.recurring_invoices.next_creation_date,
  staging.recurring_invoices.last_creation_date |
| goes_on_date | DATE | First day after the window | staging.recurring_invoices.next_creation_date,
  staging.recurring_invoices.last_creation_date |
*/
WITH days AS (
  SELECT recurring_invoice_id, unnest([last_creation_date, next_creation_date]) AS creation_date
  FROM staging.recurring_invoices WHERE getvariable('freeze_before') + getvariable('freeze_after') > 0
)
-- Where two windows meet, the later one says when changes go on.
SELECT recurring_invoice_id, max(creation_date) AS creation_date,
       max(creation_date) + getvariable('freeze_after')::INTEGER + 1 AS goes_on_date
FROM days
WHERE recurring_invoice_id IS NOT NULL
  AND getvariable('today') BETWEEN creation_date - getvariable('freeze_before')::INTEGER
                               AND creation_date + getvariable('freeze_after')::INTEGER
GROUP BY recurring_invoice_id
