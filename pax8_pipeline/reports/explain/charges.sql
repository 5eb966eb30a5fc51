-- Charges that a usage summary or an invoice item stands for, with the ends of the plan rows that may speak of them.
CREATE OR REPLACE TEMP TABLE story_charges AS
SELECT charge_id, 'usage ' || month || ' ' AS row_begins,
       [' ' || w || ' ' || coalesce(currency, '?') FOR w IN
        [coalesce(company_id, '-'), coalesce(subscription_id, '-') || '/'
          || coalesce(lower(trim(resource_group)), '-')]] AS row_ends
FROM reconciled.usage
WHERE ($kind = 'summary' AND summary_id = $id) OR ($kind = 'item' AND charge_id = $id);
