/* What would be made: licences and lines of new_seats, and clients for companies that Halo does not know.

key: row_id
reads: new_seats, reconciled.client_matches, reconciled.subscriptions, staging.clients, billing.ledger
| row_id | VARCHAR | Row of the plan | new_seats.subscription_id, reconciled.client_matches.company_id |
| verdict | VARCHAR | new_licence, new_line or new_client | |
| action | VARCHAR | Kind of write | |
| client_id | BIGINT | Halo client | new_seats.client_id |
| client_name | VARCHAR | Its name | new_seats.client_name |
| company_id | VARCHAR | Pax8 company | new_seats.company_id, reconciled.client_matches.company_id |
| company_name | VARCHAR | Its name | new_seats.company_name, reconciled.client_matches.company_name |
| subscription_id | VARCHAR | Pax8 subscription, empty for a client | new_seats.subscription_id |
| product_name | VARCHAR | Product | new_seats.product_name |
| recurring_invoice_id | BIGINT | Recurring invoice that gets the line | new_seats.wanted_invoice |
| quantity | DECIMAL(28,10) | Quantity of it | new_seats.quantity |
| price | DECIMAL(28,10) | Price per unit and period of a line | new_seats.new_price |
| currency | VARCHAR | Currency of that price | new_seats.new_currency |
| months | DECIMAL(18,6) | Months of that period | new_seats.term_months |
| moved_from | VARCHAR | Subscription whose line may be moved to it instead | new_seats.moved_from |
| stop | VARCHAR | Why it cannot be made | new_seats.licence_stop, new_seats.line_stop, billing.ledger.state,
  staging.clients.name |
| expect | VARCHAR | JSON: what is made | new_seats.quantity, new_seats.new_price, new_seats.item_id |
| evidence | VARCHAR | JSON: the facts behind it | new_seats.status, reconciled.subscriptions.unbilled_money_per_month |
*/
WITH seats AS (
  SELECT *, 'new licence ' || subscription_id AS licence_row, 'new line ' || subscription_id AS line_row,
         to_json({'status': status, 'billing_term': billing_term, 'commitment_term': commitment_term,
                  'start_date': start_date, 'quantity': meta.plain(quantity), 'price': meta.plain(price),
                  'partner_cost': meta.plain(partner_cost), 'pax8_currency': currency, 'halo_currency': halo_currency,
                  'unbilled_per_month': meta.plain(unbilled_money_per_month)})::VARCHAR AS facts
  FROM new_seats
), waiting_companies AS (
  SELECT m.company_id, m.company_name, sum(s.unbilled_money_per_month) AS unbilled, count(*) AS subscriptions
  FROM reconciled.client_matches m JOIN reconciled.subscriptions s USING (company_id)
  WHERE getvariable('new_clients') AND m.state = 'unmatched' AND m.problem IS NULL
    AND NOT m.bill_on_behalf AND m.company_name IS NOT NULL AND s.lifecycle = 'billing'
  GROUP BY m.company_id, m.company_name
), things AS (
  SELECT licence_row AS row_id, 'new_licence' AS verdict, 'create_licence' AS action, client_id, client_name,
         company_id, company_name, subscription_id, product_name, NULL::BIGINT AS recurring_invoice_id, quantity,
         NULL::DECIMAL(28,10) AS price, currency, NULL::DECIMAL(18,6) AS months, licence_stop AS first_stop,
         moved_from,
         to_json({'licence': {
           'id_field': getvariable('licence_id_field'), 'subscription_id': subscription_id,
           'name': coalesce(product_name, subscription_id), 'count': try_cast(quantity AS BIGINT),
           'price': meta.plain(price), 'purchase_price': meta.plain(partner_cost), 'billing_cycle': billing_term,
           'term_duration': commitment_term, 'start_date': start_date, 'end_date': commitment_end_date,
           'product_id': product_id, 'item_id': item_id}})::VARCHAR AS expect, facts AS evidence
  FROM seats WHERE getvariable('new_seats') AND licence_id IS NULL
  UNION ALL BY NAME
  SELECT line_row AS row_id, 'new_line' AS verdict, 'create_line' AS action, client_id, client_name, company_id,
         company_name, subscription_id, product_name, wanted_invoice AS recurring_invoice_id, quantity,
         new_price AS price, coalesce(new_currency, currency) AS currency, term_months::DECIMAL(18,6) AS months,
         line_stop AS first_stop, moved_from,
         to_json({'line': {
           'id_field': getvariable('licence_id_field'), 'subscription_id': subscription_id, 'item_id': item_id,
           'text': coalesce(product_name, subscription_id), 'quantity': try_cast(quantity AS BIGINT),
           'price': meta.plain(new_price), 'cost': meta.plain(new_cost),
           'type': getvariable('new_line_type')}})::VARCHAR AS expect, facts AS evidence
  FROM seats WHERE getvariable('new_lines')
  UNION ALL BY NAME
  SELECT 'new client ' || company_id AS row_id, 'new_client' AS verdict, 'create_client' AS action, company_id,
         company_name, '' AS subscription_id, company_name AS product_name,
         CASE WHEN EXISTS (SELECT 1 FROM staging.clients c WHERE lower(trim(c.name)) = lower(trim(company_name)))
              THEN 'new_same_name' END AS first_stop,
         to_json({'client': {'company_id': company_id, 'name': company_name,
                             'custom_field': getvariable('client_custom_field'),
                             'toplevel_id': getvariable('new_toplevel_id')}})::VARCHAR AS expect,
         to_json({'subscriptions': subscriptions, 'unbilled_per_month': meta.plain(unbilled)})::VARCHAR AS evidence
  FROM waiting_companies
), started AS (
  -- What was made once is never made again, and what nobody knows the end of is not sent again.
  SELECT row_id, CASE WHEN bool_or(state IN ('verified', 'duplicate')) THEN 'new_made_before'
                      WHEN bool_or(state IN ('claimed', 'sent', 'unknown')) THEN 'new_unsettled' END AS ledger_stop
  FROM (SELECT row_id, plan_id, arg_max(state, entry) AS state FROM billing.ledger GROUP BY row_id, plan_id)
  GROUP BY row_id
)
SELECT t.row_id, verdict, action, client_id, client_name, company_id, company_name, subscription_id, product_name,
       recurring_invoice_id, quantity, price, currency, months, moved_from,
       coalesce(s.ledger_stop, t.first_stop) AS stop, expect,
       evidence
FROM things t LEFT JOIN started s USING (row_id)
