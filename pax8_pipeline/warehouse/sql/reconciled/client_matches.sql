/* One row per Pax8 company and the Halo client it is, by ids only: mapping file, then Pax8 externalId, Halo custom
field, Halo external link. Names decide nothing.

key: company_id
| company_id | VARCHAR not null | Pax8 company id | staging.companies.company_id |
| company_name | VARCHAR | Name in Pax8 | staging.companies.name |
| bill_on_behalf | BOOLEAN not null | Pax8 bills this company itself | staging.companies.bill_on_behalf |
| client_id | BIGINT | Halo client, empty unless the match is certain | staging.mapping_clients.client_id, staging.companies.external_id, staging.client_links.client_id |
| client_name | VARCHAR | Name in Halo | staging.clients.name |
| client_currency | VARCHAR | The client's currency where known | staging.clients.currency |
| billed_client_id | BIGINT | The client that gets the recurring invoices | staging.clients.billed_client_id, staging.clients.client_id |
| method | VARCHAR | mapping, external_id, custom_field or external_link | staging.mapping_clients.company_id, staging.client_links.method |
| state | VARCHAR not null | matched, unmatched, ambiguous, client_missing or client_inactive | staging.clients.inactive |
| candidates | VARCHAR | Every client id that claims the company, with its method | staging.client_links.client_id |
| subscriptions | BIGINT not null | Subscriptions of the company in Pax8 | staging.subscriptions.subscription_id |
*/
WITH claims AS (
  SELECT company_id, client_id, 'mapping' AS method, 1 AS rank FROM staging.mapping_clients
  UNION ALL
  SELECT c.company_id, k.client_id, 'external_id', 2 FROM staging.companies c
  JOIN staging.clients k ON k.client_id = try_cast(c.external_id AS BIGINT)
  UNION ALL
  SELECT company_id, client_id, method, CASE method WHEN 'custom_field' THEN 3 ELSE 4 END FROM staging.client_links
), ranked AS (
  -- The mapping file is a person's decision and stands alone; without it, ids that disagree are two candidates.
  SELECT * FROM claims QUALIFY rank = 1 OR min(rank) OVER (PARTITION BY company_id) > 1
), per_company AS (
  SELECT company_id, count(DISTINCT client_id) AS clients, arg_min(client_id, rank) AS client_id,
         arg_min(method, rank) AS method, min(rank) AS rank,
         string_agg(DISTINCT method || ' ' || client_id, ', ' ORDER BY method || ' ' || client_id) AS candidates
  FROM ranked GROUP BY company_id
), claimed AS (
  SELECT client_id, count(DISTINCT company_id) AS companies FROM per_company WHERE clients = 1 AND rank > 1 GROUP BY client_id
), counted AS (
  SELECT company_id, count(*) AS subscriptions FROM staging.subscriptions GROUP BY company_id
), judged AS (
  SELECT c.*, p.client_id AS wanted, p.method, p.candidates, k.name AS client_name, k.currency AS client_currency,
         coalesce(k.billed_client_id, k.client_id) AS billed_client_id,
         CASE WHEN p.company_id IS NULL THEN 'unmatched'
              WHEN p.clients > 1 THEN 'ambiguous'
              -- Two companies that name one client by themselves may be a copied id; a mapping row says it is meant.
              WHEN p.rank > 1 AND d.companies > 1 THEN 'ambiguous'
              WHEN k.client_id IS NULL THEN 'client_missing'
              WHEN k.inactive THEN 'client_inactive'
              ELSE 'matched' END AS state
  FROM staging.companies c
  LEFT JOIN per_company p USING (company_id)
  LEFT JOIN claimed d ON d.client_id = p.client_id
  LEFT JOIN staging.clients k ON k.client_id = p.client_id
)
SELECT company_id, name AS company_name, bill_on_behalf,
       CASE WHEN state = 'matched' THEN wanted END AS client_id,
       CASE WHEN state <> 'ambiguous' THEN client_name END AS client_name,
       CASE WHEN state = 'matched' THEN client_currency END AS client_currency,
       CASE WHEN state = 'matched' THEN billed_client_id END AS billed_client_id,
       method, state, candidates, coalesce(n.subscriptions, 0) AS subscriptions
FROM judged LEFT JOIN counted n USING (company_id)
