-- Usage keys that stand on more than one Halo invoice (orchestration/checks/usage_billed_twice.py).
-- A credit note may name the key of what it takes back: only invoices that charge something count.
SELECT key AS usage_key, count(*) AS invoices, string_agg(invoice_id, ', ' ORDER BY invoice_id) AS halo_invoices,
       string_agg(DISTINCT client_id, ', ') AS clients,
         string_agg(DISTINCT CASE WHEN posted THEN 'posted' ELSE 'not posted' END, ', ') AS posted,
       sum(lines_net) AS billed, max(lines_net) AS once
FROM (SELECT *, unnest(usage_keys) AS key FROM staging.halo_invoices 
      -- What cannot be read may count.
      WHERE NOT coalesce(voided, false) AND coalesce(lines_net, 1) > 0)
GROUP BY key HAVING count(*) > 1 ORDER BY key
