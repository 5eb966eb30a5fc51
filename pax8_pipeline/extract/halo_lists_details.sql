WITH companies AS (
  SELECT object_id AS company_id,
         meta.halo_id(json_extract_string(payload, '$.externalId')) AS external_id
  FROM newest.pax8_companies
), listed AS (
  SELECT meta.halo_id(json_extract_string(payload, '$.id')) AS client_id, object_id,
         meta.flag(json_extract_string(payload, '$.inactive')) AS inactive,
         $lists_show_less OR coalesce(json_type(payload, '$.customfields'), 'NULL') = 'NULL'
           OR coalesce(json_type(payload, '$.external_links'), 'NULL') = 'NULL' AS bare
  FROM newest.halo_clients
), claims AS (
  SELECT unnest($mapped_companies) AS company_id, unnest($mapped_clients) AS client_id
  UNION ALL
  SELECT company_id, external_id FROM companies WHERE external_id IN (SELECT client_id FROM listed)
), last_read AS (
  SELECT object_id, max(loaded_at) AS read_at FROM halo.client_details GROUP BY object_id
)
SELECT l.client_id FROM listed l LEFT JOIN last_read r USING (object_id)
WHERE l.bare AND l.client_id IS NOT NULL
  AND EXISTS (SELECT 1 FROM companies c WHERE c.company_id NOT IN (SELECT company_id FROM claims))
  AND l.client_id NOT IN (SELECT client_id FROM claims)
  AND (r.read_at IS NULL OR r.read_at < $stale)
ORDER BY r.read_at NULLS FIRST, l.inactive, l.client_id LIMIT $most
