-- Every Halo client and Pax8 company with its name, the client that a company is matched with, and how many
-- subscriptions belong to it.
WITH of_company AS (
  SELECT company_id, count(*) AS subscriptions FROM reconciled.subscriptions GROUP BY 1
), of_client AS (
  SELECT client_id, count(*) AS subscriptions FROM reconciled.subscriptions WHERE client_id IS NOT NULL GROUP BY 1
)
SELECT 'client' AS kind, c.client_id::VARCHAR AS id, c.name, NULL AS matched_client_id,
       coalesce(o.subscriptions, 0) AS subscriptions
FROM staging.clients c LEFT JOIN of_client o USING (client_id) WHERE c.client_id IS NOT NULL AND c.name IS NOT NULL
UNION ALL
SELECT 'company', c.company_id, c.name, m.client_id::VARCHAR, coalesce(o.subscriptions, 0)
FROM staging.companies c LEFT JOIN reconciled.client_matches m USING (company_id)
LEFT JOIN of_company o USING (company_id) WHERE c.name IS NOT NULL
ORDER BY 1, 3, 2;
