/* The Halo clients that a company is said to be: by the mapping file (rank 1), else by ids in Pax8 and Halo.

reads: staging.mapping_clients, staging.companies, staging.clients, staging.client_links
| company_id | VARCHAR | Pax8 company | staging.mapping_clients.company_id, staging.companies.company_id,
  staging.client_links.company_id |
| client_id | BIGINT | Halo client; empty for one whose id cannot be read | staging.mapping_clients.client_id,
  staging.companies.external_id, staging.client_links.client_id |
| method | VARCHAR | mapping, external_id, custom_field or external_link | staging.client_links.method |
| rank | INTEGER | Which method goes first | staging.client_links.method |
*/
WITH claims AS (
  SELECT company_id, client_id, 'mapping' AS method, 1 AS rank FROM staging.mapping_clients
  UNION ALL
  SELECT company_id, meta.halo_id(external_id), 'external_id', 2 FROM staging.companies
  WHERE meta.halo_id(external_id) IN (SELECT client_id FROM staging.clients WHERE client_id IS NOT NULL)
     -- A client whose id cannot be read may be the one that is meant.
     OR (meta.halo_id(external_id) IS NOT NULL AND EXISTS (SELECT 1 FROM staging.clients WHERE client_id IS NULL))
  UNION ALL
  SELECT company_id, client_id, method, CASE method WHEN 'custom_field' THEN 3 ELSE 4 END FROM staging.client_links
)
-- The mapping file is a person's decision and stands alone; without it, ids that disagree are two candidates.
SELECT company_id, client_id, method, rank FROM claims
QUALIFY rank = 1 OR min(rank) OVER (PARTITION BY company_id) > 1
