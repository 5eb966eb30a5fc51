/* What Halo sent in a way that cannot be read, and that may follow a subscription's licence or stand for the
subscription. A record without a readable client may be anybody's.

key: subscription_id
reads: with_line, staging.recurring_invoices, staging.recurring_invoice_lines, staging.licences, staging.subscriptions
| subscription_id | VARCHAR | Pax8 subscription | with_line.subscription_id |
| open_line | VARCHAR | A line that may follow its licence too, in words | staging.recurring_invoice_lines.line_id,
  staging.recurring_invoices.recurring_invoice_id |
| open_licence | VARCHAR | A licence that may stand for it too, in words | staging.licences.licence_id |
*/
WITH open_records AS (
  SELECT 'line' AS kind, client_id,
         coalesce('recurring invoice ' || recurring_invoice_id, 'a recurring invoice without a readable id') AS name
  FROM staging.recurring_invoices WHERE lines_unread AND NOT coalesce(disabled, false)
  UNION ALL
  SELECT 'line', header_client_id, coalesce('line ' || line_id, 'a line without a readable id')
  FROM staging.recurring_invoice_lines WHERE links_unread AND is_live
  UNION ALL
  SELECT 'licence', client_id, coalesce('licence ' || licence_id, 'a licence without a readable id')
  FROM staging.licences
  WHERE any_subscription AND NOT coalesce(deleted, false)
    AND subscription_id NOT IN (SELECT subscription_id FROM staging.subscriptions)
), clients_of AS (
  -- NULL, in both tables, is anybody.
  SELECT subscription_id, 'line' AS kind,
         unnest([client_id, billed_client_id, licence_client_id, invoice_client_id, NULL]) AS client_id
  FROM with_line WHERE licence_id IS NOT NULL
  UNION ALL
  SELECT subscription_id, 'licence', unnest([client_id, licence_client_id, NULL]) FROM with_line WHERE by_licence_id
)
SELECT c.subscription_id, min(o.name) FILTER (o.kind = 'line') AS open_line,
       min(o.name) FILTER (o.kind = 'licence') AS open_licence
FROM clients_of c JOIN open_records o ON o.kind = c.kind AND o.client_id IS NOT DISTINCT FROM c.client_id
GROUP BY c.subscription_id
