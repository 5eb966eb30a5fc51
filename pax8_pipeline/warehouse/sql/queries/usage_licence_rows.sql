-- Plan rows of usage that a standing licence carries: a closed month sets its price (never adds), the client's monthly
-- invoice bills it, the generated invoice proves it, and then the price goes back to 0. Runs after queries/usage_rows.sql.
-- The ledger says what was set; nothing here rests on what a licence happens to hold.
CREATE OR REPLACE TEMP TABLE usage_written AS
SELECT l.entry, l.row_id, l.licence_id, l.line_id, l.recurring_invoice_id, l.client_id, l.currency, h.today AS day, p.verdict,
       p.client_name, p.company_id, p.company_name, json_extract_string(p.expect, '$.usage.month') AS month,
       try_cast(json_extract_string(p.expect, '$.price') AS DECIMAL(28,10)) AS price,
       try_cast(json_extract_string(p.expect, '$.next_creation_date') AS DATE) AS due_on,
       json_extract_string(p.evidence, '$.proof') AS proof, json_extract_string(p.evidence, '$.proof_invoices') AS proof_invoices
FROM billing.ledger_state l
JOIN billing.plan p ON p.plan_id = l.plan_id AND p.row_id = l.row_id
JOIN billing.plans h ON h.plan_id = l.plan_id
WHERE l.action = 'set_usage_licence' AND l.state = 'verified';

-- Every month that was set and not taken back, with the invoice lines Halo made from it: those dated after the day it was
-- set, up to the day the licence was written again.
CREATE OR REPLACE TEMP TABLE usage_sets AS
WITH sets AS (
  SELECT w.*, (SELECT arg_min(x.day, x.entry) FROM usage_written x WHERE x.licence_id = w.licence_id AND x.entry > w.entry) AS until,
         (SELECT any_value(r.proof) FROM usage_written r WHERE r.row_id = w.row_id || ' reset') AS proof_then,
         (SELECT any_value(r.proof_invoices) FROM usage_written r WHERE r.row_id = w.row_id || ' reset') AS invoices_then
  FROM usage_written w
  WHERE w.verdict NOT IN ('usage_reset', 'rollback')
    AND NOT EXISTS (SELECT 1 FROM usage_written b WHERE b.row_id = w.row_id AND b.verdict = 'rollback' AND b.entry > w.entry)
  QUALIFY row_number() OVER (PARTITION BY w.row_id ORDER BY w.entry DESC) = 1
), made AS (
  SELECT s.row_id, count(*) AS generated, count(*) FILTER (NOT g.voided) AS standing,
         count(*) FILTER (NOT g.voided AND coalesce(g.net, 0) <> 0) AS billed, coalesce(sum(g.net) FILTER (NOT g.voided), 0) AS net,
         array_to_string(list_sort(list_distinct(list(g.invoice_id))), ', ') AS invoices
  FROM sets s
  JOIN staging.halo_invoice_lines g ON g.recurring_invoice_line_id = s.line_id AND g.invoice_date > s.day
    AND (s.until IS NULL OR g.invoice_date <= s.until)
  GROUP BY s.row_id
)
SELECT s.* EXCLUDE (proof, proof_invoices), strftime(strptime(s.month || '-01', '%Y-%m-%d'), '%B %Y') AS month_name,
       coalesce(m.generated, 0) AS generated, coalesce(m.net, 0) AS net, coalesce(m.invoices, s.invoices_then) AS invoices,
       r.next_creation_date AS next_due, CASE
         WHEN m.billed > 1 THEN 'usage_billed_twice'
         WHEN m.standing > 0 THEN CASE WHEN m.net = s.price THEN 'usage_billed' ELSE 'usage_misbilled' END
         WHEN m.generated > 0 THEN 'usage_voided'
         -- The invoices of long ago are not read any more: what was found then stands with the reset.
         WHEN s.proof_then IS NOT NULL THEN s.proof_then
         WHEN getvariable('usage_reads_ok') AND s.day >= getvariable('today')::DATE - 120 AND (r.next_creation_date IS NULL OR r.next_creation_date > s.due_on) THEN 'usage_misbilled'
         ELSE 'usage_set' END AS proof,
       s.until IS NULL AND meta.same_money(c.price, s.price) AND s.price <> 0 AS stands
FROM sets s
LEFT JOIN made m USING (row_id)
LEFT JOIN staging.recurring_invoices r ON r.recurring_invoice_id = s.recurring_invoice_id
LEFT JOIN staging.licences c ON c.licence_id = s.licence_id;

-- The line of a recurring invoice that follows each licence, if it is exactly one.
CREATE OR REPLACE TEMP TABLE usage_followers AS
SELECT k.licence_id, count(*) FILTER (l.is_live AND l.quantity_source = 'licence') AS lines,
       coalesce(bool_or(r.disabled), false) AS any_disabled,
       any_value({'line_id': l.line_id, 'recurring_invoice_id': l.recurring_invoice_id, 'client_id': r.client_id, 'period': r.period,
                  'next_due': r.next_creation_date, 'linked': k.use_linked_price AND k.use_linked_cost, 'is_inactive': l.is_inactive,
                  'plain': k.qty_free = 0 AND k.minimum_qty <= 1, 'pro_rata': k.pro_rata, 'pending_pro_rata': l.pending_pro_rata,
                  'licences': (SELECT count(*) FROM staging.line_licences o WHERE o.line_id = l.line_id)})
         FILTER (l.is_live AND l.quantity_source = 'licence') AS line
FROM staging.line_licences k
JOIN staging.recurring_invoice_lines l USING (line_id)
JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
GROUP BY k.licence_id;

-- Amounts that an invoice has billed and that still stand on their licence: the next invoice would bill them again.
CREATE OR REPLACE TEMP TABLE usage_resets AS
SELECT s.*, c.count AS licence_count, c.is_active AND NOT c.deleted AS licence_active, c.price AS licence_price, c.cost AS licence_cost,
       l.is_inactive AS line_inactive, (SELECT count(*) FROM staging.line_licences o WHERE o.line_id = s.line_id) AS licences_on_line,
       coalesce(t.mode, getvariable('trust_default')) AS trust
FROM usage_sets s
JOIN staging.licences c ON c.licence_id = s.licence_id
JOIN staging.line_licences k ON k.line_id = s.line_id AND k.licence_id = s.licence_id
JOIN staging.recurring_invoice_lines l ON l.line_id = s.line_id
JOIN staging.recurring_invoices r ON r.recurring_invoice_id = s.recurring_invoice_id AND NOT r.disabled
LEFT JOIN trust t ON t.client_id = s.client_id
WHERE s.stands AND s.generated > 0 AND getvariable('bill_from') IS NULL;

CREATE OR REPLACE TEMP TABLE usage_licence_documents AS
WITH seen AS (
  SELECT j.*, c.licence_id AS seen_licence, c.count AS licence_count, c.price AS licence_price, c.cost AS licence_cost,
         c.client_id AS licence_client_id, c.is_active AND NOT c.deleted AS licence_active, f.lines AS followers, f.any_disabled, f.line AS line,
         'licence ' || j.usage_licence_id AS licence_name, (j.month || '-01')::DATE + INTERVAL 1 MONTH AS billed_in,
         count(DISTINCT j.company_id) OVER (PARTITION BY j.usage_licence_id, j.month) AS companies
  FROM usage_judged j
  LEFT JOIN staging.licences c ON c.licence_id = j.usage_licence_id
  LEFT JOIN usage_followers f ON f.licence_id = j.usage_licence_id
  WHERE j.target_kind = 'licence' AND j.writes AND j.verdict = 'usage_bill'
), missing AS (
  SELECT *, CASE
      WHEN usage_licence_id IS NULL THEN 'policy usage.clients.' || client_id || '.licence_id names none'
      WHEN seen_licence IS NULL THEN licence_name || ' does not exist'
      WHEN NOT licence_active THEN licence_name || ' is inactive'
      WHEN licence_client_id IS DISTINCT FROM client_id THEN licence_name || ' belongs to another Halo client'
      WHEN EXISTS (SELECT 1 FROM reconciled.subscriptions s WHERE s.licence_id = usage_licence_id AND s.verdict <> 'metered')
        THEN licence_name || ' counts the seats of a Pax8 subscription'
      WHEN coalesce(followers, 0) = 0 AND any_disabled THEN 'the recurring invoice whose line follows ' || licence_name || ' is disabled'
      WHEN coalesce(followers, 0) = 0 THEN 'no live line of a recurring invoice follows ' || licence_name
      WHEN followers > 1 THEN followers || ' live lines follow ' || licence_name
      WHEN line.licences > 1 THEN 'line ' || line.line_id || ' follows ' || line.licences || ' licences'
      WHEN NOT line.linked THEN 'line ' || line.line_id || ' does not take price and cost from the licence (use_linked_subscription_price and _cost)'
      WHEN line.client_id IS DISTINCT FROM client_id THEN 'recurring invoice ' || line.recurring_invoice_id || ' is another client''s'
      WHEN line.period IS DISTINCT FROM 2 THEN 'recurring invoice ' || line.recurring_invoice_id || ' is not a monthly one'
      WHEN NOT line.plain THEN 'line ' || line.line_id || ' has free units or a minimum quantity'
      WHEN line.pending_pro_rata > 0 THEN 'a part-period entry waits on line ' || line.line_id
      WHEN licence_count <> 1 AND line.pro_rata THEN licence_name || ' has count ' || licence_count || ', and Halo would make a part-period entry of the change: set it to 1 in Halo'
    END AS missing
  FROM seen
), faults AS (
  SELECT *, CASE
      WHEN line.next_due IS NULL THEN 'recurring invoice ' || line.recurring_invoice_id || ' does not say when it is made next'
      WHEN line.next_due >= billed_in + INTERVAL 1 MONTH
        THEN 'the invoice of ' || strftime(billed_in, '%B %Y') || ' is made, the next is due on ' || line.next_due
      WHEN line.next_due <= getvariable('today') THEN 'recurring invoice ' || line.recurring_invoice_id || ' is due on ' || line.next_due
    END AS late,
    coalesce(
      (SELECT 'the amount of ' || min(s.month_name) || ' is billed and goes back to 0 first; the next run sets this one'
       FROM usage_resets s WHERE s.licence_id = usage_licence_id HAVING count(*) > 0),
      (SELECT s.price::DECIMAL(28,2) || ' of ' || s.month_name || ' stands on it and no invoice has billed it yet'
       FROM usage_sets s WHERE s.licence_id = usage_licence_id AND s.stands LIMIT 1),
      (SELECT 'an earlier write of it has no known end yet' FROM billing.ledger_state l WHERE l.action = 'set_usage_licence'
         AND l.licence_id = usage_licence_id AND l.state IN ('claimed', 'sent', 'unknown') LIMIT 1)) AS pending
  FROM missing
), named AS (
  SELECT *, CASE WHEN missing IS NOT NULL THEN 'usage_licence_missing' WHEN late IS NOT NULL THEN 'usage_licence_late'
                 WHEN companies > 1 THEN 'usage_licence_shared' WHEN pending IS NOT NULL THEN 'usage_licence_pending' END AS fault,
         CASE WHEN missing IS NOT NULL THEN missing WHEN late IS NOT NULL THEN late || '; for an invoice of its own set target: invoice'
              WHEN companies > 1 THEN companies || ' companies would share ' || licence_name ELSE pending END AS detail
  FROM faults
)
SELECT n.*, c.sentence AS fault_sentence FROM named n LEFT JOIN verdict_classes c ON c.verdict = n.fault;

INSERT INTO plan_rows BY NAME
SELECT usage_key AS row_id, CASE WHEN fault IS NULL THEN class ELSE 'blocked' END AS class, coalesce(fault, verdict) AS verdict,
       CASE WHEN fault IS NULL THEN 'set_usage_licence' ELSE 'none' END AS action, coalesce(fault, reason) AS reason,
       coalesce(fault_sentence, verdict_sentence) || ' (' || month_name || ')'
       || CASE WHEN fault IS NOT NULL THEN ': ' || detail
               WHEN reason = 'usage_held' THEN '; held until policy usage.first_month says from which month on'
               WHEN reason = 'usage_not_read' THEN '; Halo''s or Pax8''s invoices were not read whole in this run'
               WHEN reason = 'usage_backfill' THEN '; a month of a backfill'
               WHEN reason = 'usage_other_payer' THEN '; Halo bills this client through client ' || billed_client_id
               WHEN reason LIKE 'trust_%' THEN '; the client''s trust mode is ' || trust
               WHEN reason LIKE 'auto_%' THEN '; beyond trust.' || replace(reason, '_', '.')
               WHEN reason LIKE 'native_%' THEN '; Halo''s own Pax8 integration is ' || CASE getvariable('native') WHEN 'on' THEN 'on' ELSE 'not known to be off' END || ': two writers never'
               ELSE '; the recurring invoice due on ' || line.next_due || ' bills it' END AS sentence,
       client_id, client_name, company_id, company_name, subscription_id, 'Usage of ' || month_name AS product_name,
       coalesce(licence_name, 'licence') AS target, line.recurring_invoice_id AS recurring_invoice_id, line.line_id AS line_id,
       usage_licence_id AS licence_id,
       'price ' || coalesce(licence_price, 0)::DECIMAL(28,2) || CASE WHEN licence_count <> 1 THEN ', count ' || licence_count ELSE '' END AS before,
       due::DECIMAL(28,2)::VARCHAR || ' ' || coalesce(currency, '') || coalesce(' (' || mark || ')', '') AS after,
       0 AS delta, currency, due AS money_per_period, due AS money_per_month,
       CASE WHEN fault IS NOT NULL OR class = 'blocked' THEN due ELSE 0 END AS unbilled_per_month,
       to_json({'usage': {'key': usage_key, 'month': month, 'company_id': company_id, 'client_id': client_id, 'invoice_date': getvariable('today')::VARCHAR,
                          'currency': currency, 'total': due::DECIMAL(28,2)::VARCHAR, 'cost': due_cost::DECIMAL(28,2)::VARCHAR, 'lines': coalesce(lines_json, [])},
                'licence_id': usage_licence_id, 'recurring_invoice_id': line.recurring_invoice_id, 'line_id': line.line_id,
                'price': due::DECIMAL(28,2)::VARCHAR, 'unit_cost': due_cost::DECIMAL(28,2)::VARCHAR,
                'licence_count': licence_count, 'licence_active': licence_active, 'licence_price': meta.plain(licence_price),
                'licence_cost': meta.plain(licence_cost), 'line_inactive': line.is_inactive, 'licences_on_line': line.licences,
                'next_creation_date': line.next_due})::VARCHAR AS expect,
       to_json({'month': month, 'state': state, 'why': why, 'pax8_invoices': invoice_ids, 'charges': items, 'wanted': meta.plain(wanted),
                'billed': meta.plain(billed), 'recurring_invoice_due': line.next_due})::VARCHAR AS evidence
FROM usage_licence_documents;

-- What became of the months that were set: one row each, in place of the one that only says billed.
DELETE FROM plan_rows WHERE verdict = 'usage_billed' AND row_id IN (
  SELECT j.usage_key FROM usage_judged j JOIN usage_sets s ON s.row_id = j.base_key WHERE j.verdict = 'usage_billed');

INSERT INTO plan_rows BY NAME
SELECT s.row_id, c.class, s.proof AS verdict, 'none' AS action, s.proof AS reason,
       c.sentence || ' (' || s.month_name || '): ' || CASE s.proof
         WHEN 'usage_set' THEN s.price::DECIMAL(28,2) || ' on licence ' || s.licence_id || ', recurring invoice ' || s.recurring_invoice_id
                               || ' is due on ' || coalesce(s.next_due::VARCHAR, '?')
         WHEN 'usage_misbilled' THEN CASE WHEN s.generated = 0 THEN 'no invoice bills its ' || s.price::DECIMAL(28,2) || ', recurring invoice ' || s.recurring_invoice_id
                                            || CASE WHEN s.next_due IS NULL THEN ' says no next date' ELSE ' is due on ' || s.next_due || ' next' END
                                          ELSE 'invoice ' || s.invoices || ' bills ' || s.net::DECIMAL(28,2) || ' instead of ' || s.price::DECIMAL(28,2) END
         WHEN 'usage_billed_twice' THEN 'on invoices ' || s.invoices || '; what is too much is for a person to void or credit'
         ELSE 'invoice ' || coalesce(s.invoices, '?') END AS sentence,
       s.client_id, s.client_name, s.company_id, s.company_name, '' AS subscription_id, 'Usage of ' || s.month_name AS product_name,
       'licence ' || s.licence_id AS target, s.recurring_invoice_id, s.line_id, s.licence_id,
       'set to ' || s.price::DECIMAL(28,2) || ' ' || coalesce(s.currency, '') AS before,
       CASE WHEN s.generated > 0 THEN 'billed ' || s.net::DECIMAL(28,2) || ' ' || coalesce(s.currency, '') END AS after,
       0 AS delta, s.currency, 0 AS money_per_period, 0 AS money_per_month,
       CASE WHEN s.proof = 'usage_misbilled' THEN greatest(s.price - s.net, 0) ELSE 0 END AS unbilled_per_month, '{}' AS expect,
       to_json({'month': s.month, 'set_on': s.day, 'price': meta.plain(s.price), 'halo_invoices': s.invoices, 'generated_lines': s.generated,
                'net': meta.plain(s.net), 'expected_on': s.due_on})::VARCHAR AS evidence
FROM usage_sets s
JOIN verdict_classes c ON c.verdict = s.proof
WHERE CASE WHEN getvariable('bill_from') IS NOT NULL THEN s.month BETWEEN getvariable('bill_from') AND getvariable('bill_to')
           ELSE s.month >= strftime(getvariable('today')::DATE - INTERVAL 3 MONTH, '%Y-%m') END;

INSERT INTO plan_rows BY NAME
SELECT row_id || ' reset' AS row_id, CASE WHEN stop IS NOT NULL THEN 'blocked' WHEN trust = 'auto' THEN 'safe' ELSE 'needs_approval' END AS class,
       'usage_reset' AS verdict, 'set_usage_licence' AS action, coalesce(stop, CASE WHEN trust <> 'auto' THEN 'trust_' || trust END, 'usage_reset') AS reason,
       (SELECT c.sentence FROM verdict_classes c WHERE c.verdict = 'usage_reset') || ' (' || month_name || ', invoice ' || coalesce(invoices, '?') || ')'
       || CASE WHEN stop = 'usage_not_read' THEN '; Halo''s or Pax8''s invoices were not read whole in this run'
               WHEN stop LIKE 'native_%' THEN '; Halo''s own Pax8 integration is ' || CASE getvariable('native') WHEN 'on' THEN 'on' ELSE 'not known to be off' END || ': two writers never'
               WHEN trust <> 'auto' THEN '; the client''s trust mode is ' || trust ELSE '' END AS sentence,
       client_id, client_name, company_id, company_name, '' AS subscription_id, 'Usage of ' || month_name AS product_name,
       'licence ' || licence_id AS target, recurring_invoice_id, line_id, licence_id,
       'price ' || licence_price::DECIMAL(28,2) AS before, 'price 0.00' AS after, 0 AS delta, currency, 0 AS money_per_period, 0 AS money_per_month,
       0 AS unbilled_per_month,
       to_json({'usage': {'key': row_id || ' reset', 'month': month, 'company_id': company_id, 'client_id': client_id, 'currency': currency,
                          'total': '0.00', 'cost': '0.00', 'lines': []::VARCHAR[]},
                'licence_id': licence_id, 'recurring_invoice_id': recurring_invoice_id, 'line_id': line_id, 'price': '0.00', 'unit_cost': '0.00',
                'licence_count': licence_count, 'licence_active': licence_active, 'licence_price': meta.plain(licence_price),
                'licence_cost': meta.plain(licence_cost), 'line_inactive': line_inactive, 'licences_on_line': licences_on_line})::VARCHAR AS expect,
       to_json({'month': month, 'proof': proof, 'proof_invoices': invoices, 'net': meta.plain(net)})::VARCHAR AS evidence
FROM (SELECT *, CASE WHEN NOT getvariable('usage_reads_ok') THEN 'usage_not_read' WHEN trust = 'observe' THEN 'trust_observe'
                     WHEN getvariable('native') <> 'off' THEN 'native_integration_' || getvariable('native') END AS stop FROM usage_resets);
