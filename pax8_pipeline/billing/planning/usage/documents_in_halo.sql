/* What Halo shows of each company's month: under the key that is about to be used, and of its other documents.

key: usage_key
reads: usage_documents, staging.halo_invoices, billing.documents
| usage_key | VARCHAR | Key of the next document | usage_documents.usage_key |
| found | BIGINT | Invoices with that key | staging.halo_invoices.usage_keys |
| found_ids | VARCHAR | Their numbers | staging.halo_invoices.invoice_id |
| found_equal | BOOLEAN | They charge the same | staging.halo_invoices.lines_net, staging.halo_invoices.client_id |
| base_voided | BOOLEAN | All invoices with the month's first key were voided | staging.halo_invoices.voided |
| own_state | VARCHAR | What became of the document with that key | billing.documents.state |
| other_state | VARCHAR | What became of another document of the month | billing.documents.state |
*/
WITH shown AS (
  SELECT unnest(usage_keys) AS key, invoice_id, client_id, lines_net, voided FROM staging.halo_invoices
), own AS (
  SELECT d.usage_key, count(*) AS found, string_agg(x.invoice_id, ', ' ORDER BY x.invoice_id) AS found_ids,
         bool_and(x.lines_net = d.due AND x.client_id IS NOT DISTINCT FROM d.client_id AND NOT x.voided) AS found_equal
  FROM usage_documents d JOIN shown x ON x.key = lower(d.usage_key) GROUP BY d.usage_key
), base AS (
  SELECT d.usage_key, bool_and(coalesce(x.voided, true)) AS voided
  FROM usage_documents d JOIN shown x ON x.key = lower(d.base_key) WHERE d.billed_before GROUP BY d.usage_key
), disturbed AS (
  SELECT usage_key, state, regexp_replace(usage_key, '-adj\d+$', '') AS base_key
  FROM billing.documents WHERE state IN ('missing', 'changed', 'voided')
), others AS (
  SELECT d.usage_key, arg_min(x.state, x.usage_key) AS state
  FROM usage_documents d JOIN disturbed x ON x.base_key = lower(d.base_key) AND x.usage_key <> lower(d.usage_key)
  GROUP BY d.usage_key
)
SELECT d.usage_key, coalesce(o.found, 0) AS found, o.found_ids, o.found_equal, coalesce(b.voided, false) AS base_voided,
       x.state AS own_state, e.state AS other_state
FROM usage_documents d
LEFT JOIN own o USING (usage_key)
LEFT JOIN base b USING (usage_key)
LEFT JOIN disturbed x ON x.usage_key = lower(d.usage_key)
LEFT JOIN others e ON e.usage_key = d.usage_key
