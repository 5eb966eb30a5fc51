/* Where Halo has what stands for a company's subscriptions: a claim of the company on that client.

reads: staging.subscriptions, staging.licences, reconciled.licence_keys, staging.line_licences,
  staging.recurring_invoice_lines, staging.recurring_invoices, staging.mapping_subscriptions
| company_id | VARCHAR | Pax8 company | staging.subscriptions.company_id |
| client_id | BIGINT | Halo client; empty where it cannot be read | staging.licences.client_id,
  staging.recurring_invoices.client_id |
| what | VARCHAR | What stands there, in words | staging.licences.licence_id, reconciled.licence_keys.licence_id,
  staging.recurring_invoice_lines.line_id, staging.recurring_invoices.recurring_invoice_id |
*/
WITH subs AS (
  -- Whose company cannot be told keeps its claim on a client, under a name of its own.
  SELECT subscription_id, coalesce(company_id, 'the company of ' || subscription_id) AS company_id
  FROM staging.subscriptions
), carriers AS (
  -- The licences that carry a subscription's id, by either key.
  SELECT licence_id, client_id, subscription_id, is_active, deleted FROM staging.licences
  UNION ALL
  -- A Microsoft id that several subscriptions have tells of none of them.
  SELECT c.licence_id, c.client_id, k.subscription_id, c.is_active, c.deleted
  FROM staging.licences c JOIN reconciled.licence_keys k USING (licence_id)
  WHERE k.matched_by = 'vendor_id' AND k.sharers = 1 AND NOT k.is_taken
), stands_for AS (
  SELECT s.company_id, c.client_id, c.licence_id FROM carriers c JOIN subs s USING (subscription_id)
  WHERE coalesce(c.is_active, true) AND NOT coalesce(c.deleted, false)
), mapped AS (
  SELECT s.company_id, m.* FROM staging.mapping_subscriptions m JOIN subs s USING (subscription_id)
)
SELECT company_id, client_id, wording('match_texts', 'licence') AS what FROM stands_for
UNION ALL
SELECT c.company_id, r.client_id, wording('match_texts', 'invoice_of_licence')
FROM stands_for c
JOIN staging.line_licences q USING (licence_id)
JOIN staging.recurring_invoice_lines l ON l.line_id = q.line_id AND l.is_live
JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
UNION ALL
SELECT m.company_id, c.client_id, wording('match_texts', 'mapped_licence')
FROM mapped m JOIN staging.licences c USING (licence_id)
UNION ALL
SELECT m.company_id, r.client_id, wording('match_texts', 'mapped_line')
FROM mapped m
JOIN staging.recurring_invoice_lines l USING (line_id)
JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
UNION ALL
SELECT m.company_id, r.client_id, wording('match_texts', 'mapped_invoice')
FROM mapped m JOIN staging.recurring_invoices r USING (recurring_invoice_id)
