/* Claims that do not fit the company's own match; the client that is billed for another is no contradiction.

reads: company_places, companies_by_claim
| company_id | VARCHAR | Pax8 company | company_places.company_id |
| client_id | BIGINT | Halo client | company_places.client_id |
| what | VARCHAR | What stands there, in words | company_places.what |
*/
SELECT DISTINCT p.company_id, p.client_id, p.what
FROM company_places p
LEFT JOIN companies_by_claim j ON j.company_id = p.company_id AND j.first_state = 'matched'
WHERE p.company_id IS NOT NULL AND p.client_id IS NOT NULL
  AND (j.company_id IS NULL OR p.client_id NOT IN (j.client_id, j.billed_client_id))
