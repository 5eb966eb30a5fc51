-- The things on both sides that a story is about: those its plan rows name, and those that stand together today.
-- Parameters: kind, id. Of a whole plan only its rows are told.
CREATE OR REPLACE TEMP TABLE story_subjects AS
WITH named AS (
  SELECT p.subscription_id, p.licence_id, p.line_id, p.recurring_invoice_id
  FROM billing.plan p JOIN story_rows USING (plan_id, row_id)
  WHERE $kind NOT IN ('client', 'company', 'plan', 'usage', 'halo_invoice', 'summary', 'item')
  UNION
  SELECT subscription_id, licence_id, line_id, recurring_invoice_id FROM reconciled.subscriptions
  WHERE CASE $kind WHEN 'subscription' THEN subscription_id = $id
                   WHEN 'licence' THEN licence_id = meta.halo_id($id)
                   WHEN 'line' THEN line_id = meta.halo_id($id)
                   WHEN 'invoice' THEN recurring_invoice_id = meta.own_recurring_id($id)
                   WHEN 'client' THEN client_id = meta.halo_id($id)
                   WHEN 'company' THEN company_id = $id ELSE false END
), subjects AS (
  SELECT 'subscription' AS kind, subscription_id AS id FROM named
  UNION
  -- A story of one line or licence leaves its neighbours out, a story of a recurring invoice tells of the header only.
  SELECT 'licence', licence_id::VARCHAR FROM named WHERE $kind <> 'invoice'
  UNION
  SELECT 'line', line_id::VARCHAR FROM named WHERE $kind <> 'invoice'
  UNION
  SELECT 'invoice', recurring_invoice_id::VARCHAR FROM named
  UNION
  SELECT $kind, $id WHERE $kind IN ('subscription', 'licence', 'line', 'invoice')
  UNION
  SELECT 'licence', k.licence_id::VARCHAR FROM staging.line_licences k WHERE $kind = 'line'
         AND k.line_id = meta.halo_id($id)
  UNION
  SELECT 'line', k.line_id::VARCHAR FROM staging.line_licences k WHERE $kind = 'licence'
         AND k.licence_id = meta.halo_id($id)
  UNION
  SELECT 'invoice', l.recurring_invoice_id::VARCHAR FROM staging.recurring_invoice_lines l
  WHERE $kind = 'line' AND l.line_id = meta.halo_id($id)
)
SELECT kind, id FROM subjects WHERE id IS NOT NULL;
