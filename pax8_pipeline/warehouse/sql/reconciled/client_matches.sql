/* One row per Pax8 company and the Halo client it is, by ids only: mapping file, then Pax8 externalId, Halo custom
field, Halo external link. Names decide nothing. What Halo bills contradicts a match: a company whose licences, lines or
recurring invoices belong to another client, and a client that two companies claim, are no match until a person decides.

key: company_id
reads: companies_by_claim, contradictions, staging.companies, staging.subscriptions
| company_id | VARCHAR not null | Pax8 company id | staging.companies.company_id |
| company_name | VARCHAR | Name in Pax8 | staging.companies.name |
| bill_on_behalf | BOOLEAN not null | Pax8 bills this company itself | staging.companies.bill_on_behalf |
| client_id | BIGINT | Halo client, empty unless the match is certain | staging.mapping_clients.client_id,
  staging.companies.external_id, staging.client_links.client_id |
| client_name | VARCHAR | Name in Halo | staging.clients.name |
| client_currency | VARCHAR | The client's currency where known | staging.clients.currency |
| billed_client_id | BIGINT | The client that gets the recurring invoices | staging.clients.billed_client_id,
  staging.clients.client_id |
| method | VARCHAR | mapping, external_id, custom_field or external_link | staging.mapping_clients.company_id,
  staging.client_links.method |
| state | VARCHAR not null | matched, unmatched, ambiguous, contradicted, client_missing, client_inactive,
  company_unreadable or client_unreadable | staging.clients.inactive |
| problem | VARCHAR | What of the company or the client cannot be read | staging.companies.problem,
  staging.clients.problem |
| candidates | VARCHAR | Every client id that claims the company, with its method | staging.client_links.client_id |
| contradiction | VARCHAR | Who says otherwise, and by what | staging.licences.client_id,
  reconciled.licence_keys.licence_id, staging.recurring_invoices.client_id, staging.mapping_subscriptions.licence_id |
| subscriptions | BIGINT not null | Subscriptions of the company in Pax8 | staging.subscriptions.subscription_id |
*/
WITH counted AS (
  SELECT company_id, count(*) AS subscriptions FROM staging.subscriptions GROUP BY company_id
), settled AS (
  SELECT j.*, x.contradiction, CASE WHEN first_state = 'matched' AND x.contradiction IS NOT NULL THEN 'contradicted'
         ELSE first_state END AS state
  FROM companies_by_claim j LEFT JOIN contradictions x USING (company_id)
)
SELECT company_id, c.name AS company_name, coalesce(c.bill_on_behalf, false) AS bill_on_behalf,
       CASE WHEN s.state = 'matched' THEN s.client_id END AS client_id,
       CASE WHEN s.state <> 'ambiguous' THEN s.client_name END AS client_name,
       CASE WHEN s.state = 'matched' THEN s.client_currency END AS client_currency,
       CASE WHEN s.state = 'matched' THEN s.billed_client_id END AS billed_client_id,
       s.method, s.state, s.problem,
       -- What is written where an id belongs and is none is shown: it matched nothing.
       coalesce(s.candidates, CASE WHEN meta.halo_id(c.external_id) IS NULL
         THEN wording('match_texts', 'not_an_id') END) AS candidates,
       s.contradiction, coalesce(n.subscriptions, 0) AS subscriptions
FROM staging.companies c
JOIN settled s USING (company_id)
LEFT JOIN counted n USING (company_id)
