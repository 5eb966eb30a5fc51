-- Each Pax8 company that usage may belong to, with its certain Halo client.
SELECT m.company_id, m.company_name, m.client_id
FROM reconciled.client_matches m JOIN staging.companies c USING (company_id)
WHERE m.company_name IS NOT NULL AND lower(coalesce(c.status, '')) <> 'deleted'
  AND NOT list_has_any($internal::VARCHAR[], [m.company_id, lower(m.company_name)])
ORDER BY m.company_id;
