/* The verdict of each usage document (billing/verdicts.py): what its month comes to beside what was billed and what
Halo shows.

key: usage_key
extends: usage_documents
reads: usage_documents, documents_in_halo, reconciled.usage, verdict_classes
| found | BIGINT | Invoices in Halo with its key | documents_in_halo.found |
| found_ids | VARCHAR | Their numbers | documents_in_halo.found_ids |
| other_state | VARCHAR | What became of another document of the month | documents_in_halo.other_state |
| verdict | VARCHAR | What is so | usage_documents.wanted, usage_documents.billed, documents_in_halo.found |
| action | VARCHAR | create_invoice or none | verdict_classes.class |
*/
WITH unreadable AS (
  -- Without what cannot be read the document would be another one. A charge of an unknown company may be anybody's.
  SELECT month, bool_or(company_id IS NULL) AS of_anybody, list(company_id) AS companies
  FROM reconciled.usage WHERE counts AND verdict = 'unreadable' GROUP BY month
), with_verdict AS (
  SELECT d.*, h.found, h.found_ids, h.other_state, CASE
      WHEN unsettled THEN 'usage_unsettled'
      WHEN wanted <> billed AND (u.of_anybody OR list_contains(u.companies, d.company_id)) THEN 'usage_unreadable'
      WHEN other_state IS NOT NULL AND (wanted = billed OR base_voided) THEN 'usage_nothing'
      WHEN base_voided THEN 'usage_voided'
      WHEN moved_client THEN 'usage_other_client'
      WHEN wanted = billed THEN CASE WHEN billed_before THEN 'usage_billed' ELSE 'usage_nothing' END
      WHEN due < 0 THEN 'usage_credit'
      WHEN own_state IN ('changed', 'voided') AND found < 2 THEN 'usage_' || own_state
      WHEN found > 0 THEN CASE WHEN found_equal AND found = 1 THEN 'usage_present' ELSE 'usage_differs' END
      WHEN billing_blocked THEN 'usage_client_blocked'
      WHEN NOT itemised THEN 'usage_no_item'
      WHEN own_state = 'missing' THEN 'usage_missing'
      WHEN billed_before THEN 'usage_adjustment'
      ELSE 'usage_bill' END AS verdict
  FROM usage_documents d
  JOIN documents_in_halo h USING (usage_key)
  LEFT JOIN unreadable u ON u.month = d.month
)
SELECT j.*, CASE WHEN c.class IN ('safe', 'needs_approval') THEN 'create_invoice' ELSE 'none' END AS action
FROM with_verdict j LEFT JOIN verdict_classes c USING (verdict)
WHERE verdict <> 'usage_nothing' AND (verdict <> 'usage_billed' OR recent)
