-- Web and e-mail addresses and Microsoft domains of Halo clients, as sent in the list or when one was read.
WITH details AS (
  SELECT payload FROM halo.client_details
  QUALIFY row_number() OVER (PARTITION BY object_id ORDER BY loaded_at DESC) = 1
), sent AS (
  SELECT payload FROM newest.halo_clients UNION ALL SELECT payload FROM details
), members AS (
  SELECT meta.halo_id(json_extract_string(payload, '$.id')) AS client_id, unnest([
    json_extract_string(payload, '$.website'), json_extract_string(payload, '$.domain'),
    json_extract_string(payload, '$.override_org_website'), json_extract_string(payload, '$.accountsemailaddress'),
    json_extract_string(payload, '$.main_contact_email')]
    || regexp_extract_all(lower(payload), '[a-z0-9-]+\.onmicrosoft\.com')) AS address
  FROM sent
  UNION ALL
  SELECT meta.halo_id(json_extract_string(payload, '$.client_id')),
         unnest(regexp_extract_all(lower(payload), '[a-z0-9-]+\.onmicrosoft\.com'))
  FROM newest.halo_licences WHERE contains(lower(payload), '.onmicrosoft.com')
)
SELECT DISTINCT client_id, address FROM members WHERE client_id IS NOT NULL AND meta.txt(address) IS NOT NULL;
