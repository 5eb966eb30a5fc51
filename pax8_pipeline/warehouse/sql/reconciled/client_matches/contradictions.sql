/* What contradicts a company's match, in words: the first three, and how many more there are.

key: company_id
reads: company_claims, companies_by_claim, company_places, stray_claims, staging.companies
| company_id | VARCHAR | Pax8 company | companies_by_claim.company_id |
| contradiction | VARCHAR | Who says otherwise, and by what | stray_claims.what, company_places.what,
  company_claims.method, staging.companies.name |
*/
WITH claims_on_clients AS (
  -- A mapping row that licences contradict does not make it sure that the client is meant to be shared.
  SELECT company_id, client_id, method AS what,
         rank = 1 AND company_id NOT IN (SELECT company_id FROM stray_claims) AS on_purpose
  FROM company_claims
  UNION ALL
  SELECT company_id, client_id, what, false FROM stray_claims
), claimants AS (
  SELECT o.*, coalesce(c.name, o.company_id) AS claimant
  FROM claims_on_clients o LEFT JOIN staging.companies c USING (company_id)
), contradictions AS (
  SELECT company_id, wording('match_texts', 'other_client') AS contradiction FROM stray_claims
  UNION
  -- What cannot be read may belong to anybody.
  SELECT company_id, wording('match_texts', 'unreadable_client')
  FROM company_places WHERE client_id IS NULL AND what IS NOT NULL
  UNION
  -- Several companies of one client are meant where the mapping file names each of them.
  SELECT j.company_id, wording('match_texts', 'claimed_twice')
  FROM companies_by_claim j
  JOIN claimants o ON o.client_id = j.client_id AND o.company_id <> j.company_id AND NOT (o.on_purpose AND j.rank = 1)
), numbered AS (
  SELECT *, row_number() OVER (PARTITION BY company_id ORDER BY contradiction) AS nth,
         count(*) OVER (PARTITION BY company_id) - 3 AS more
  FROM contradictions
), first_three AS (
  SELECT company_id, string_agg(contradiction, '; ' ORDER BY contradiction) AS texts, max(more) AS more
  FROM numbered WHERE nth <= 3 GROUP BY company_id
)
SELECT company_id, texts || CASE WHEN more > 0 THEN wording('match_texts', 'more') ELSE '' END AS contradiction
FROM first_three
