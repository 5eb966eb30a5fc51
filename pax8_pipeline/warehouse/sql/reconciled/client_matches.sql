/* One row per Pax8 company and the Halo client it is, by ids only: mapping file, then Pax8 externalId, Halo custom
field, Halo external link. Names decide nothing. What Halo bills contradicts a match: a company whose licences, lines or
recurring invoices belong to another client, and a client that two companies claim, are no match until a person decides.

key: company_id
reads: staging.mapping_clients, staging.companies, staging.clients, staging.client_links, staging.subscriptions,
  staging.licences, reconciled.licence_keys, staging.line_licences, staging.recurring_invoice_lines,
  staging.recurring_invoices, staging.mapping_subscriptions
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
WITH claims AS (
  SELECT company_id, client_id, 'mapping' AS method, 1 AS rank FROM staging.mapping_clients
  UNION ALL
  SELECT company_id, meta.halo_id(external_id), 'external_id', 2 FROM staging.companies
  WHERE meta.halo_id(external_id) IN (SELECT client_id FROM staging.clients WHERE client_id IS NOT NULL)
     -- A client whose id cannot be read may be the one that is meant.
     OR (meta.halo_id(external_id) IS NOT NULL AND EXISTS (SELECT 1 FROM staging.clients WHERE client_id IS NULL))
  UNION ALL
  SELECT company_id, client_id, method, CASE method WHEN 'custom_field' THEN 3 ELSE 4 END FROM staging.client_links
), ranked AS (
  -- The mapping file is a person's decision and stands alone; without it, ids that disagree are two candidates.
  SELECT * FROM claims QUALIFY rank = 1 OR min(rank) OVER (PARTITION BY company_id) > 1
), per_company AS (
  SELECT company_id, count(DISTINCT client_id) AS clients, arg_min(client_id, rank) AS client_id,
         arg_min(method, rank) AS method, min(rank) AS rank,
         count(*) FILTER (client_id IS NULL) AS nameless,
         string_agg(DISTINCT method || ' ' || client_id, ', ' ORDER BY method || ' ' || client_id) AS candidates
  FROM ranked GROUP BY company_id
), claimed AS (
  SELECT client_id, count(DISTINCT company_id) AS companies FROM per_company WHERE clients = 1 AND rank > 1
         GROUP BY client_id
), counted AS (
  SELECT company_id, count(*) AS subscriptions FROM staging.subscriptions GROUP BY company_id
), with_state AS (
  SELECT c.* EXCLUDE (problem), p.client_id AS wanted, p.method, p.candidates, k.name AS client_name,
         coalesce(k.currency, getvariable('default_currency')::VARCHAR) AS client_currency,
         coalesce(k.billed_client_id, k.client_id) AS billed_client_id,
         p.rank, CASE WHEN c.problem IS NOT NULL THEN 'company: ' || c.problem
              WHEN k.problem IS NOT NULL THEN 'client ' || k.client_id || ': ' || k.problem
              WHEN p.nameless > 0 THEN 'a client without a readable id carries this company'
              WHEN p.rank > 1 AND u.clients > 0
                THEN 'a client whose custom fields or links cannot be read may carry this company'
         END AS problem,
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
  CROSS JOIN (SELECT count(*) AS clients FROM staging.clients WHERE links_unread) u
), subs AS (
  -- Whose company cannot be told keeps its claim on a client, under a name of its own.
  SELECT subscription_id, coalesce(company_id, 'the company of ' || subscription_id) AS company_id
         FROM staging.subscriptions
), stands_for AS (
  -- The licences that carry a subscription's id, by either key.
  SELECT licence_id, client_id, subscription_id, is_active, deleted FROM staging.licences
  UNION ALL
  -- A Microsoft id that several subscriptions have tells of none of them.
  SELECT c.licence_id, c.client_id, k.subscription_id, c.is_active, c.deleted FROM staging.licences c
  JOIN reconciled.licence_keys k USING (licence_id)
  WHERE k.matched_by = 'vendor_id' AND k.sharers = 1 AND NOT k.is_taken
), places AS (
  -- Where Halo has what stands for a company's subscriptions: a claim of the company on that client.
  SELECT s.company_id, c.client_id, 'licence ' || c.licence_id AS what
  FROM stands_for c JOIN subs s USING (subscription_id)
  WHERE coalesce(c.is_active, true) AND NOT coalesce(c.deleted, false)
  UNION ALL
  SELECT s.company_id, r.client_id, 'recurring invoice ' || r.recurring_invoice_id || ' with licence ' || c.licence_id
  FROM stands_for c
  JOIN subs s USING (subscription_id)
  JOIN staging.line_licences q USING (licence_id)
  JOIN staging.recurring_invoice_lines l ON l.line_id = q.line_id AND l.is_live
  JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
  WHERE coalesce(c.is_active, true) AND NOT coalesce(c.deleted, false)
  UNION ALL
  SELECT s.company_id, c.client_id, 'licence ' || c.licence_id || ' in mappings/subscriptions.csv'
  FROM staging.mapping_subscriptions m JOIN subs s USING (subscription_id) JOIN staging.licences c
    ON c.licence_id = m.licence_id
  UNION ALL
  SELECT s.company_id, r.client_id, 'line ' || l.line_id || ' in mappings/subscriptions.csv'
  FROM staging.mapping_subscriptions m
  JOIN subs s USING (subscription_id)
  JOIN staging.recurring_invoice_lines l ON l.line_id = m.line_id
  JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
  UNION ALL
  SELECT s.company_id, r.client_id, 'recurring invoice ' || r.recurring_invoice_id || ' in mappings/subscriptions.csv'
  FROM staging.mapping_subscriptions m
  JOIN subs s USING (subscription_id)
  JOIN staging.recurring_invoices r ON r.recurring_invoice_id = m.recurring_invoice_id
), strays AS (
  -- Claims that do not fit the company's own match; the client that is billed for another is no contradiction.
  SELECT DISTINCT p.company_id, p.client_id, p.what
  FROM places p
  LEFT JOIN with_state j ON j.company_id = p.company_id AND j.first_state = 'matched'
  WHERE p.company_id IS NOT NULL AND p.client_id IS NOT NULL
    AND (j.company_id IS NULL OR p.client_id NOT IN (j.wanted, j.billed_client_id))
), claims_on_clients AS (
  -- A mapping row that licences contradict does not make it sure that the client is meant to be shared.
  SELECT company_id, client_id, method AS what, rank = 1
         AND company_id NOT IN (SELECT company_id FROM strays) AS on_purpose FROM ranked
  UNION ALL
  SELECT company_id, client_id, what, false FROM strays
), contradictions AS (
  SELECT s.company_id, s.what || ' belongs to client ' || s.client_id AS contradiction FROM strays s
  UNION
  -- What cannot be read may belong to anybody.
  SELECT company_id, what || ' does not say in a readable way to whom it belongs' FROM places WHERE client_id IS NULL
         AND what IS NOT NULL
  UNION
  -- Several companies of one client are meant where the mapping file names each of them.
  SELECT j.company_id, 'client ' || o.client_id || ' is claimed by ' || coalesce(c.name, o.company_id) || ' too ('
         || o.what || ')'
  FROM with_state j
  JOIN claims_on_clients o ON o.client_id = j.wanted AND o.company_id <> j.company_id
    AND NOT (o.on_purpose AND j.rank = 1)
  LEFT JOIN staging.companies c ON c.company_id = o.company_id
), contradicted AS (
  SELECT company_id, string_agg(contradiction, '; ' ORDER BY contradiction) FILTER (nth <= 3)
           || CASE WHEN max(nth) > 3 THEN '; and '
         || (max(nth) - 3) || ' more' ELSE '' END AS contradiction
  FROM (SELECT *, row_number() OVER (PARTITION BY company_id ORDER BY contradiction) AS nth FROM contradictions)
    GROUP BY company_id
), settled AS (
  SELECT j.*, x.contradiction, CASE WHEN first_state = 'matched' AND x.contradiction IS NOT NULL THEN 'contradicted'
         ELSE first_state END AS state
  FROM with_state j LEFT JOIN contradicted x USING (company_id)
)
SELECT company_id, name AS company_name, coalesce(bill_on_behalf, false) AS bill_on_behalf,
       CASE WHEN state = 'matched' THEN wanted END AS client_id,
       CASE WHEN state <> 'ambiguous' THEN client_name END AS client_name,
       CASE WHEN state = 'matched' THEN client_currency END AS client_currency,
       CASE WHEN state = 'matched' THEN billed_client_id END AS billed_client_id,
       -- What is written where an id belongs and is none is shown: it matched nothing.
       method, state, problem, coalesce(candidates, CASE WHEN meta.halo_id(external_id) IS NULL
                                                THEN 'external_id "' || external_id
                                                  || '" is not a Halo id' END) AS candidates,
       contradiction, coalesce(n.subscriptions, 0) AS subscriptions
FROM settled LEFT JOIN counted n USING (company_id)
