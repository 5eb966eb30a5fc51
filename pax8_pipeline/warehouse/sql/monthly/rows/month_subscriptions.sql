/* Every subscription that Pax8 lists, and those that stand on an invoice of the month without being listed.

key: subscription_id
reads: reconciled.subscriptions, staging.subscriptions, reconciled.client_matches, monthly.items,
  staging.companies
| subscription_id | VARCHAR | Pax8 subscription | reconciled.subscriptions.subscription_id,
  monthly.items.subscription_id |
| is_listed | BOOLEAN | Pax8 lists it | reconciled.subscriptions.subscription_id |
| company_id | VARCHAR | Pax8 company | reconciled.subscriptions.company_id, monthly.items.charged_company_id |
| company_name | VARCHAR | Its name | reconciled.client_matches.company_name, staging.companies.name |
| client_id | BIGINT | Halo client | reconciled.client_matches.client_id |
| client_name | VARCHAR | Its name | reconciled.client_matches.client_name |
| client_currency | VARCHAR | Its currency | reconciled.client_matches.client_currency |
| product_id | VARCHAR | Product | reconciled.subscriptions.product_id, monthly.items.product_id |
| product_name | VARCHAR | Its name | reconciled.subscriptions.product_name, monthly.items.product_name |
| listed | DECIMAL(28,10) | Seats in Pax8's newest list | reconciled.subscriptions.quantity |
| price | DECIMAL(28,10) | Client price per unit and term there | reconciled.subscriptions.price |
| partner_cost | DECIMAL(28,10) | Cost per unit and term there | reconciled.subscriptions.partner_cost |
| currency | VARCHAR | Currency there | reconciled.subscriptions.currency |
| term_months | INTEGER | Months of its billing term; empty for terms that do not come again
  | reconciled.subscriptions.billing_term |
| first_day | DATE | First day that Pax8 bills | staging.subscriptions.billing_start,
  staging.subscriptions.start_date |
| end_date | DATE | Last day | reconciled.subscriptions.end_date |
| is_trial | BOOLEAN | A trial | reconciled.subscriptions.lifecycle |
| is_metered | BOOLEAN | Pax8 charges usage for it, or ever did | reconciled.subscriptions.has_usage |
| bill_on_behalf | BOOLEAN | Pax8 bills the company itself | reconciled.client_matches.bill_on_behalf |
| problem | VARCHAR | What of it cannot be read | staging.subscriptions.problem |
| licence_id | BIGINT | Its Halo licence | reconciled.subscriptions.licence_id |
| line_id | BIGINT | Its Halo line | reconciled.subscriptions.line_id |
| licence_count | BIGINT | Count of the licence | reconciled.subscriptions.licence_count |
*/
WITH unlisted AS (
  SELECT subscription_id, any_value(charged_company_id) AS company_id, any_value(product_id) AS product_id,
         any_value(product_name) AS product_name
  FROM monthly.items
  WHERE month = getvariable('month') AND unexplained IS NULL AND subscription_id IS NOT NULL AND kind <> 'usage'
    AND subscription_id NOT IN (SELECT subscription_id FROM reconciled.subscriptions)
  GROUP BY subscription_id
), everything AS (
  SELECT subscription_id, true AS is_listed, company_id, product_id, product_name, quantity, price, partner_cost,
         currency, billing_term, end_date, lifecycle = 'trial' AS is_trial, has_usage, licence_id, line_id,
         licence_count
  FROM reconciled.subscriptions
  UNION ALL BY NAME
  SELECT *, false AS is_listed, false AS is_trial, false AS has_usage FROM unlisted
)
SELECT e.subscription_id, e.is_listed, e.company_id, coalesce(m.company_name, c.name) AS company_name, m.client_id,
       m.client_name, m.client_currency, e.product_id, e.product_name, e.quantity AS listed, e.price, e.partner_cost,
       e.currency, meta.term_months(e.billing_term) AS term_months,
       coalesce(s.billing_start, s.start_date) AS first_day, e.end_date, e.is_trial, e.has_usage AS is_metered,
       coalesce(m.bill_on_behalf, false) AS bill_on_behalf, s.problem,
       e.licence_id, e.line_id, e.licence_count
FROM everything e
LEFT JOIN staging.subscriptions s USING (subscription_id)
LEFT JOIN reconciled.client_matches m ON m.company_id = e.company_id
LEFT JOIN staging.companies c ON c.company_id = e.company_id
