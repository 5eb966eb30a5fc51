/* Each subscription with what stands in the way of writing anything for it, and for its line: the most basic thing
first. `detail` names a text of warehouse/wording.py.

key: subscription_id
extends: with_quantities
reads: with_quantities, staging.clients
| fault | STRUCT(verdict VARCHAR, detail VARCHAR) | What stands in the way, with the verdict that it leads to
  | with_quantities.match_state, with_quantities.licence_id, with_quantities.line_id |
| line_fault | STRUCT(verdict VARCHAR, detail VARCHAR) | What does of its line | with_quantities.quantity_source |
*/
WITH currencies AS (
  SELECT count(currency) > 0 AS clients_have_currencies FROM staging.clients
)
SELECT q.*, CASE
    WHEN match_state IS NULL THEN {'verdict': 'unmatched_company', 'detail': 'company_not_listed'}
    WHEN match_problem IS NOT NULL THEN {'verdict': 'unreadable', 'detail': 'match_problem'}
    WHEN licence_problem IS NOT NULL THEN {'verdict': 'unreadable', 'detail': 'licence_problem'}
    WHEN line_problem IS NOT NULL THEN {'verdict': 'unreadable', 'detail': 'line_problem'}
    WHEN match_state = 'contradicted' THEN {'verdict': 'client_mismatch', 'detail': 'contradiction'}
    WHEN match_state <> 'matched' THEN {'verdict': 'unmatched_company', 'detail': 'match_state'}
    WHEN key_conflict IS NOT NULL THEN {'verdict': 'ambiguous', 'detail': 'key_conflict'}
    WHEN two_licences THEN {'verdict': 'ambiguous', 'detail': 'two_licences'}
    WHEN mapped AND mapped_licence IS NOT NULL AND licence_id IS NULL
      THEN {'verdict': 'mapping_error', 'detail': 'mapped_licence_missing'}
    WHEN mapped AND mapped_line IS NOT NULL AND line_id IS NULL
      THEN {'verdict': 'mapping_error', 'detail': 'mapped_line_missing'}
    WHEN mapped_invoice IS NOT NULL AND recurring_invoice_id IS NOT NULL AND mapped_invoice <> recurring_invoice_id
      THEN {'verdict': 'mapping_error', 'detail': 'other_invoice'}
    WHEN not_linked THEN {'verdict': 'mapping_error', 'detail': 'not_linked'}
    WHEN shares_unreadable THEN {'verdict': 'shares_unreadable', 'detail': 'unreadable_subscription'}
    WHEN nameless_lines > 0 THEN {'verdict': 'shares_unreadable', 'detail': 'nameless_line'}
    WHEN open_line IS NOT NULL THEN {'verdict': 'shares_unreadable', 'detail': 'open_line'}
    WHEN open_licence IS NOT NULL THEN {'verdict': 'shares_unreadable', 'detail': 'open_licence'}
    WHEN unreadable_licence IS NOT NULL THEN {'verdict': 'shares_unreadable', 'detail': 'unreadable_licence'}
    WHEN quantity_source = 'manual' AND live_lines > 0
      THEN {'verdict': 'ambiguous', 'detail': 'manual_and_licence_line'}
    WHEN live_lines > 1 THEN {'verdict': 'ambiguous', 'detail': 'several_lines'}
    WHEN target_shared THEN {'verdict': 'ambiguous', 'detail': 'target_shared'}
    WHEN licence_client_id IS NOT NULL AND licence_client_id NOT IN (client_id, billed_client_id)
      THEN {'verdict': 'client_mismatch', 'detail': 'licence_of_other_client'}
    WHEN invoice_client_id IS NOT NULL AND invoice_client_id NOT IN (client_id, billed_client_id)
      THEN {'verdict': 'client_mismatch', 'detail': 'invoice_of_other_client'}
    WHEN currency IS NULL AND (licence_id IS NOT NULL OR line_id IS NOT NULL)
      THEN {'verdict': 'unknown_currency', 'detail': 'no_pax8_currency'}
    WHEN halo_currency IS NULL AND line_id IS NOT NULL AND clients_have_currencies
      THEN {'verdict': 'unknown_currency', 'detail': 'no_halo_currency'}
    WHEN price IS NULL AND (licence_id IS NOT NULL OR line_id IS NOT NULL)
      THEN {'verdict': 'unknown_price', 'detail': 'no_pax8_price'}
    WHEN line_id IS NOT NULL AND client_currency <> currency
      THEN {'verdict': 'currency_mismatch', 'detail': 'other_client_currency'}
    WHEN line_id IS NOT NULL AND invoice_currency <> currency
      THEN {'verdict': 'currency_mismatch', 'detail': 'other_invoice_currency'} END AS fault,
  CASE
    WHEN line_id IS NULL THEN NULL
    WHEN quantity_source NOT IN ('manual', 'licence')
      THEN {'verdict': 'computed_elsewhere', 'detail': 'quantity_source'}
    WHEN quantity_source = 'licence' AND licence_id IS NULL
      THEN {'verdict': 'ambiguous', 'detail': 'no_licence_known'}
    WHEN quantity_source = 'licence' AND unread > 0 THEN {'verdict': 'mapping_error', 'detail': 'licence_not_listed'}
    WHEN line_price IS NULL THEN {'verdict': 'unknown_price', 'detail': 'no_halo_price'}
    WHEN period_months IS NULL AND period IS NULL THEN {'verdict': 'unknown_period', 'detail': 'no_period'}
    WHEN period_months IS NULL THEN {'verdict': 'unknown_period', 'detail': 'unknown_period'} END AS line_fault
FROM with_quantities q CROSS JOIN currencies
