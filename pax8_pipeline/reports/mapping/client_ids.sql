-- Ids that both vendors have: which Halo client names which Pax8 company, by which kind of id, and the fact in words.
-- An id may stand in any member of Halo's record, so every UUID of it counts.
WITH details AS (
  SELECT payload FROM halo.client_details
  QUALIFY row_number() OVER (PARTITION BY object_id ORDER BY loaded_at DESC) = 1
), sent AS (
  SELECT payload FROM newest.halo_clients UNION ALL SELECT payload FROM details
), of_clients AS (
  SELECT DISTINCT meta.halo_id(json_extract_string(payload, '$.id')) AS client_id,
         unnest(regexp_extract_all(lower(payload), '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')) AS id
  FROM sent
), of_licences AS (
  SELECT DISTINCT meta.halo_id(json_extract_string(payload, '$.client_id')) AS client_id,
         meta.halo_id(json_extract_string(payload, '$.id')) AS licence_id,
         unnest(regexp_extract_all(lower(payload), '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')) AS id
  FROM newest.halo_licences WHERE NOT meta.flag(json_extract_string(payload, '$.deleted'))
), tenants AS (
  -- An id of the vendor's customer, where it is one company's only.
  SELECT id, min(company_id) AS company_id FROM (
    SELECT meta.idtext(json_extract_string(payload, '$.companyId')) AS company_id,
           unnest(regexp_extract_all(lower(json_extract(payload, '$.provisioningDetails')::VARCHAR),
                                     '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')) AS id
    FROM newest.pax8_subscriptions)
  GROUP BY id HAVING count(DISTINCT company_id) = 1
), accounts AS (
  SELECT unnest(from_json(payload, '{"accounts":[{"client_mappings":[{"halo_id":"VARCHAR",
    "third_party_id":"VARCHAR"}]}]}').accounts) AS a FROM newest.halo_integration
), native AS (
  SELECT unnest(a.client_mappings) AS r FROM accounts
), vendor_ids AS (
  SELECT company_id, meta.pax8_id(vendor_subscription_id) AS id FROM staging.subscriptions
), found AS (
  SELECT company_id, meta.halo_id(external_id) AS client_id, 'external_id' AS kind,
         'its external id in Pax8 is the client''s id' AS reason FROM staging.companies
  UNION ALL
  SELECT c.company_id, m.client_id, 'external_id', 'Halo''s record of the client names the company''s Pax8 id'
  FROM of_clients m JOIN staging.companies c ON c.company_id = m.id
  UNION ALL
  SELECT c.company_id, m.client_id, 'external_id', 'a licence of the client names the company''s Pax8 id'
  FROM of_licences m JOIN staging.companies c ON c.company_id = m.id
  UNION ALL
  SELECT s.company_id, m.client_id, 'subscription_id', 'a licence of the client carries the id of its subscription'
  FROM of_licences m JOIN staging.subscriptions s ON s.subscription_id = m.id
  UNION ALL
  SELECT meta.idtext(r.third_party_id), meta.halo_id(r.halo_id), 'native_link',
         'Halo''s own Pax8 integration links the two' FROM native
  UNION ALL
  SELECT v.company_id, m.client_id, 'microsoft_subscription',
         'a licence of the client carries the Microsoft id of its subscription'
  FROM of_licences m JOIN vendor_ids v USING (id)
  UNION ALL
  SELECT t.company_id, m.client_id, 'microsoft_tenant', 'both name the same Microsoft tenant'
  FROM (SELECT client_id, id FROM of_clients UNION SELECT client_id, id FROM of_licences) m JOIN tenants t USING (id)
)
SELECT DISTINCT f.company_id, f.client_id, f.kind, f.reason
FROM found f JOIN staging.companies USING (company_id) JOIN staging.clients USING (client_id)
ORDER BY ALL;
