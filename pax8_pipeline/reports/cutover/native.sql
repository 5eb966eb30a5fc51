-- Customers that Halo's own integration has mapped, beside what this product knows: same, missing (we know no client),
-- other (we know another client) or unknown_company (not in Pax8's list). Empty where Halo does not show the table.
WITH accounts AS (
  SELECT unnest(from_json(payload, '{"accounts":[{"client_mappings":[{"halo_id":"VARCHAR","halo_desc":"VARCHAR",
    "third_party_id":"VARCHAR","third_party_desc":"VARCHAR"}]}]}').accounts) AS a FROM newest.halo_integration
), rows_ AS (
  SELECT unnest(a.client_mappings) AS r FROM accounts
)
SELECT meta.idtext(r.third_party_id) AS company_id,
       coalesce(m.company_name, meta.clean(r.third_party_desc)) AS company_name,
       meta.halo_id(r.halo_id) AS native_client_id, meta.clean(r.halo_desc) AS native_client_name,
         m.client_id AS our_client_id,
       CASE WHEN m.company_id IS NULL THEN 'unknown_company' WHEN m.client_id IS NULL THEN 'missing'
            WHEN m.client_id = meta.halo_id(r.halo_id) THEN 'same' ELSE 'other' END AS state
FROM rows_ LEFT JOIN reconciled.client_matches m ON m.company_id = meta.idtext(r.third_party_id)
WHERE meta.idtext(r.third_party_id) IS NOT NULL AND meta.halo_id(r.halo_id) IS NOT NULL
ORDER BY company_name, company_id;
