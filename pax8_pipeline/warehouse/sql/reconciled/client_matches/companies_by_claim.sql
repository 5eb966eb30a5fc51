/* Each company with the one client that its claims name, before anybody contradicts it.

key: company_id
reads: company_claims, staging.companies, staging.clients
| company_id | VARCHAR | Pax8 company | staging.companies.company_id |
| client_id | BIGINT | The client named first | company_claims.client_id |
| method | VARCHAR | The method that names it | company_claims.method |
| rank | INTEGER | The rank of that method | company_claims.rank |
| candidates | VARCHAR | Every client id that claims the company, with its method | company_claims.client_id |
| client_name | VARCHAR | Name of the client in Halo | staging.clients.name |
| client_currency | VARCHAR | Its currency where known | staging.clients.currency |
| billed_client_id | BIGINT | The client that gets its recurring invoices | staging.clients.billed_client_id |
| problem | VARCHAR | What of the company or the client cannot be read | staging.companies.problem,
  staging.clients.problem |
| first_state | VARCHAR | matched, or what is in the way | staging.clients.inactive |
*/
WITH per_company AS (
  SELECT company_id, count(DISTINCT client_id) AS clients, arg_min(client_id, rank) AS client_id,
         arg_min(method, rank) AS method, min(rank) AS rank, count(*) FILTER (client_id IS NULL) AS nameless,
         string_agg(DISTINCT method || ' ' || client_id, ', ' ORDER BY method || ' ' || client_id) AS candidates
  FROM company_claims GROUP BY company_id
), claimed AS (
  SELECT client_id, count(DISTINCT company_id) AS companies
  FROM per_company WHERE clients = 1 AND rank > 1 GROUP BY client_id
), unread AS (
  SELECT count(*) AS clients FROM staging.clients WHERE links_unread
)
SELECT c.company_id, p.client_id, p.method, p.rank, p.candidates, k.name AS client_name,
       coalesce(k.currency, getvariable('default_currency')::VARCHAR) AS client_currency,
       coalesce(k.billed_client_id, k.client_id) AS billed_client_id,
       CASE WHEN c.problem IS NOT NULL THEN wording('match_texts', 'company_problem')
            WHEN k.problem IS NOT NULL THEN wording('match_texts', 'client_problem')
            WHEN p.nameless > 0 THEN wording('match_texts', 'nameless_client')
            WHEN p.rank > 1 AND u.clients > 0 THEN wording('match_texts', 'links_unread') END AS problem,
       CASE WHEN c.problem IS NOT NULL THEN 'company_unreadable'
            WHEN p.company_id IS NULL THEN 'unmatched'
            WHEN p.clients > 1 OR p.nameless > 0 OR (p.rank > 1 AND u.clients > 0) THEN 'ambiguous'
            -- Two companies that name one client by themselves may be a copied id; a mapping row says it is meant.
            WHEN p.rank > 1 AND d.companies > 1 THEN 'ambiguous'
            WHEN k.client_id IS NULL THEN 'client_missing'
            WHEN k.problem IS NOT NULL THEN 'client_unreadable'
            WHEN k.inactive THEN 'client_inactive'
            ELSE 'matched' END AS first_state
FROM staging.companies c
LEFT JOIN per_company p USING (company_id)
LEFT JOIN claimed d ON d.client_id = p.client_id
LEFT JOIN staging.clients k ON k.client_id = p.client_id
CROSS JOIN unread u
