/* Pax8 company ids that Halo clients carry: in the custom field, or in a link row of another integration.

reads: halo.client_details, newest.halo_clients, staging.companies
| client_id | BIGINT | Halo client, empty where its id cannot be read | halo.clients.payload,
  halo.client_details.payload |
| method | VARCHAR not null | custom_field or external_link | halo.clients.payload, halo.client_details.payload |
| company_id | VARCHAR not null | Pax8 company id, lower case | halo.clients.payload, halo.client_details.payload |
*/
WITH details AS (
  -- Custom fields and links come with a client's detail read only; each is kept from the last time it was read.
  SELECT payload, object_id FROM halo.client_details
  QUALIFY row_number() OVER (PARTITION BY object_id ORDER BY loaded_at DESC) = 1
), both_ AS (
  SELECT payload, object_id FROM newest.halo_clients
  UNION ALL
  SELECT payload, object_id FROM details WHERE object_id IN (SELECT object_id FROM newest.halo_clients)
), parsed AS (
  SELECT object_id, payload, from_json(payload, '{"id":"VARCHAR","customfields":[{"name":"VARCHAR","value":"VARCHAR"}],
    "external_links":[{"third_party_id":"VARCHAR"}]}') AS j FROM both_
), links AS (
  SELECT meta.halo_id(j.id) AS client_id, 'custom_field' AS method, f.value AS company_id, object_id, payload
  FROM parsed, unnest(j.customfields) AS t(f) WHERE lower(f.name) = lower(getvariable('client_custom_field'))
  UNION ALL
  SELECT meta.halo_id(j.id), 'external_link', l.third_party_id, object_id, payload
  FROM parsed, unnest(j.external_links) AS t(l)
)
SELECT DISTINCT client_id, method, meta.idtext(company_id) AS company_id, NULL AS reject, object_id, '' AS payload
FROM links WHERE meta.idtext(company_id) IS NOT NULL
  AND (method = 'custom_field' OR meta.idtext(company_id) IN (SELECT company_id FROM staging.companies))
