-- Plan rows of usage, beside those of subscriptions: one per document (a company's month), one per group of charges that
-- nobody is billed for, one per estimate. Money is compared with what the ledger says was billed; a correction becomes
-- one visible adjustment.
CREATE OR REPLACE TEMP TABLE usage_terms AS
SELECT meta.halo_id(key) AS client_id, value->>'detail' AS detail
FROM json_each(getvariable('usage_policy'), '$.clients');

CREATE OR REPLACE TEMP TABLE usage_scope AS
SELECT month, state, why, strftime(strptime(month || '-01', '%Y-%m-%d'), '%B %Y') AS month_name,
       CASE WHEN getvariable('usage_policy')->>'source' = 'usage_lines'
            -- Pax8 charges on the 3rd; vendors are locked out before (docs/vendors/pax8.md#usage-timing).
            THEN getvariable('today') >= (month || '-01')::DATE + INTERVAL 1 MONTH + INTERVAL 3 DAY
                 -- Every group's last totals were asked for after that day, or what vendors posted late would be missed.
                 AND NOT EXISTS (
                   SELECT 1 FROM staging.usage_lines l WHERE l.month = m.month AND NOT EXISTS (
                     SELECT 1 FROM meta.usage_line_reads r WHERE r.month = l.month AND r.summary_id = l.summary_id
                       AND r.asked_on >= (l.month || '-01')::DATE + INTERVAL 1 MONTH + INTERVAL 3 DAY))
            ELSE complete END AS final,
       CASE WHEN getvariable('bill_from') IS NOT NULL THEN month BETWEEN getvariable('bill_from') AND getvariable('bill_to')
            WHEN getvariable('usage_policy')->>'first_month' IS NOT NULL THEN month >= getvariable('usage_policy')->>'first_month'
            ELSE month >= strftime(getvariable('today')::DATE - INTERVAL 3 MONTH, '%Y-%m') END AS considered,
       getvariable('bill_from') IS NULL AND getvariable('usage_policy')->>'first_month' IS NULL AS not_begun,
       month >= strftime(getvariable('today')::DATE - INTERVAL 3 MONTH, '%Y-%m') AS recent
FROM reconciled.usage_months m;

-- What each company's month should be billed as, line by line; a line is rounded to cents once, at its end.
CREATE OR REPLACE TEMP TABLE usage_wanted AS
WITH charges AS (
  SELECT u.*, s.month_name, coalesce(t.detail, getvariable('usage_policy')->>'detail', 'product') AS detail,
         coalesce(u.subscription_id, '-') AS sub, coalesce(u.product_id, u.product_name, '-') || coalesce('/' || u.azure_subscription_id, '') AS product,
         coalesce(b.product_name, u.product_name) AS sold_name
  FROM reconciled.usage u
  JOIN usage_scope s ON s.month = u.month AND s.considered AND s.final
  LEFT JOIN usage_terms t ON t.client_id = u.client_id
  LEFT JOIN staging.subscriptions b ON b.subscription_id = u.subscription_id
  WHERE u.bucket = 'billable' AND u.counts
)
SELECT month, any_value(month_name) AS month_name, company_id, any_value(company_name) AS company_name, any_value(client_id) AS client_id,
       any_value(client_name) AS client_name, any_value(currency) AS currency,
       CASE detail WHEN 'collapsed' THEN '*' ELSE sub END || ' ' || CASE detail WHEN 'product' THEN product ELSE '*' END || ' ' || month AS ref,
       arg_max(halo_item_id, abs(amount)) AS item_id,
       CASE any_value(detail) WHEN 'collapsed' THEN 'Metered usage'
            WHEN 'subscription' THEN arg_max(sold_name, abs(amount)) ELSE arg_max(product_name, abs(amount)) END
         || ', ' || any_value(month_name) AS text,
       CASE any_value(detail) WHEN 'product'
            THEN concat_ws(', ', CASE WHEN count(DISTINCT unit_of_measure) < 2
                                 THEN meta.plain(sum(quantity)) || coalesce(' ' || any_value(unit_of_measure), '') END,
                           string_agg(DISTINCT resource_group, ', ' ORDER BY resource_group))
            ELSE string_agg(product_name || ' ' || meta.plain(round(amount, 2)), '; ' ORDER BY product_name, charge_id) END
         || CASE WHEN bool_or(assigned_later) THEN ' (assigned later)' ELSE '' END AS note,
       round(sum(amount), 2) AS amount, round(sum(cost), 2) AS cost, sum(cost) AS cost_read, count(*) AS items,
       list(charge_id ORDER BY charge_id) AS charges, list(DISTINCT invoice_id) AS invoice_ids
FROM charges GROUP BY month, company_id, detail, CASE detail WHEN 'collapsed' THEN '*' ELSE sub END,
                      CASE detail WHEN 'product' THEN product ELSE '*' END;

CREATE OR REPLACE TEMP TABLE usage_had AS
SELECT month, company_id, ref, any_value(client_id) AS client_id, any_value(currency) AS currency,
       coalesce(sum(amount) FILTER (state = 'verified'), 0) AS amount, coalesce(sum(cost) FILTER (state = 'verified'), 0) AS cost,
       bool_or(state <> 'verified') AS unsettled, min(usage_key) AS first_key
FROM billing.usage_billed GROUP BY month, company_id, ref;

-- Lines of the next document of a company's month: all of it the first time, the difference after that.
CREATE OR REPLACE TEMP TABLE usage_lines_due AS
SELECT coalesce(w.month, h.month) AS month, coalesce(w.company_id, h.company_id) AS company_id, coalesce(w.ref, h.ref) AS ref,
       coalesce(w.amount, 0) - coalesce(h.amount, 0) AS amount, coalesce(w.cost, 0) - coalesce(h.cost, 0) AS cost,
       coalesce(w.item_id, (SELECT any_value(x.item_id) FROM usage_wanted x WHERE x.month = h.month AND x.company_id = h.company_id)) AS item_id,
       coalesce(w.text, 'Correction of ' || h.ref) AS text, coalesce(w.note, 'no longer charged by Pax8') AS note, w.charges
FROM usage_wanted w
FULL JOIN (SELECT h.* FROM usage_had h JOIN usage_scope s ON s.month = h.month AND s.considered AND s.final) h
  ON h.month = w.month AND h.company_id = w.company_id AND h.ref = w.ref
WHERE coalesce(w.amount, 0) <> coalesce(h.amount, 0);

CREATE OR REPLACE TEMP TABLE usage_documents AS
WITH wanted AS (
  SELECT month, company_id, any_value(company_name) AS company_name, any_value(client_id) AS client_id, any_value(client_name) AS client_name,
         any_value(currency) AS currency, sum(amount) AS amount, sum(cost) AS cost, sum(items) AS items,
         list_sort(list_distinct(flatten(list(invoice_ids)))) AS invoice_ids, count(DISTINCT split_part(ref, ' ', 1)) AS subscriptions,
         min(split_part(ref, ' ', 1)) AS subscription_id
  FROM usage_wanted GROUP BY month, company_id
), had AS (
  SELECT month, company_id, any_value(client_id) AS client_id, any_value(currency) AS currency, sum(amount) AS amount, bool_or(unsettled) AS unsettled
  FROM usage_had GROUP BY month, company_id
), numbered AS (
  SELECT month, company_id, count(DISTINCT usage_key) FILTER (usage_key LIKE '%-adj%') AS adjustments
  FROM billing.usage_billed WHERE action = 'create_invoice' GROUP BY ALL
), due AS (
  SELECT month, company_id, count(*) AS lines, sum(amount) AS amount, sum(cost) AS cost, bool_and(item_id IS NOT NULL) AS itemised,
         list({'ref': ref, 'item_id': item_id, 'text': text, 'note': note, 'amount': amount::DECIMAL(28,2)::VARCHAR,
               'cost': cost::DECIMAL(28,2)::VARCHAR, 'charges': coalesce(charges, [])} ORDER BY ref) AS lines_json,
         md5(string_agg(ref || ' ' || amount, ',' ORDER BY ref))[:6] AS mark
  FROM usage_lines_due GROUP BY month, company_id
), documents AS (
  SELECT s.*, coalesce(w.company_id, h.company_id) AS company_id, w.company_name, coalesce(w.client_id, h.client_id) AS client_id,
         coalesce(w.client_name, k.name) AS client_name, coalesce(w.currency, h.currency) AS currency,
         coalesce(w.amount, 0) AS wanted, coalesce(h.amount, 0) AS billed, h.company_id IS NOT NULL AS billed_before,
         coalesce(h.unsettled, false) AS unsettled, w.client_id IS DISTINCT FROM h.client_id AND w.company_id IS NOT NULL AND h.company_id IS NOT NULL AS moved_client,
         coalesce(w.items, 0) AS items, w.invoice_ids, CASE WHEN w.subscriptions = 1 AND w.subscription_id NOT IN ('*', '-') THEN w.subscription_id ELSE '' END AS subscription_id,
         coalesce(k.billing_blocked, false) AS billing_blocked, nullif(k.billed_client_id, k.client_id) AS billed_client_id,
         'PAX8-USAGE ' || s.month || ' ' || coalesce(w.company_id, h.company_id)
           || CASE WHEN h.company_id IS NOT NULL THEN '-adj' || (coalesce(n.adjustments, 0) + 1) ELSE '' END AS usage_key,
         'PAX8-USAGE ' || s.month || ' ' || coalesce(w.company_id, h.company_id) AS base_key
  FROM wanted w FULL JOIN had h ON h.month = w.month AND h.company_id = w.company_id
  JOIN usage_scope s ON s.month = coalesce(w.month, h.month) AND s.considered AND s.final
  LEFT JOIN numbered n ON n.month = s.month AND n.company_id = coalesce(w.company_id, h.company_id)
  LEFT JOIN staging.clients k ON k.client_id = coalesce(w.client_id, h.client_id)
)
SELECT d.*, coalesce(u.lines, 0) AS lines, coalesce(u.amount, 0) AS due, coalesce(u.cost, 0) AS due_cost, coalesce(u.itemised, true) AS itemised,
       u.lines_json, u.mark,
       -- What Halo shows under the key that is about to be used, and whether our own document was voided by a person.
       (SELECT count(*) FROM staging.halo_invoices x WHERE list_contains(x.usage_keys, lower(d.usage_key))) AS found,
       (SELECT string_agg(x.invoice_id, ', ' ORDER BY x.invoice_id) FROM staging.halo_invoices x WHERE list_contains(x.usage_keys, lower(d.usage_key))) AS found_ids,
       (SELECT bool_and(x.lines_net = u.amount AND x.client_id IS NOT DISTINCT FROM d.client_id AND NOT x.voided) FROM staging.halo_invoices x
         WHERE list_contains(x.usage_keys, lower(d.usage_key))) AS found_equal,
       d.billed_before AND (SELECT coalesce(bool_and(coalesce(x.voided, true)), false) FROM staging.halo_invoices x
         WHERE list_contains(x.usage_keys, lower(d.base_key))) AS base_voided,
       -- What became of the document of this very key, and of the month's other ones (billing/planning/documents_rows.sql tells of those).
       (SELECT x.state FROM billing.documents x WHERE x.usage_key = lower(d.usage_key) AND x.state IN ('missing', 'changed', 'voided')) AS own_state,
       (SELECT arg_min(x.state, x.usage_key) FROM billing.documents x WHERE x.state IN ('missing', 'changed', 'voided') AND x.usage_key <> lower(d.usage_key)
          AND (x.usage_key = lower(d.base_key) OR starts_with(x.usage_key, lower(d.base_key) || '-adj'))) AS other_state
FROM documents d LEFT JOIN due u ON u.month = d.month AND u.company_id = d.company_id;

CREATE OR REPLACE TEMP TABLE usage_judged AS
WITH judged AS (
  SELECT d.*, coalesce(t.mode, getvariable('trust_default')) AS trust, CASE
      WHEN unsettled THEN 'usage_unsettled'
      -- Without what cannot be read the document would be another one. A charge of an unknown company may be this one's.
      WHEN wanted <> billed AND EXISTS (
        SELECT 1 FROM reconciled.usage x WHERE x.month = d.month AND x.counts AND x.verdict = 'unreadable'
          AND (x.company_id IS NULL OR x.company_id = d.company_id)) THEN 'usage_unreadable'
      WHEN other_state IS NOT NULL AND (wanted = billed OR base_voided) THEN 'usage_nothing'
      WHEN base_voided THEN 'usage_voided'
      WHEN moved_client THEN 'usage_other_client'
      WHEN wanted = billed THEN CASE WHEN billed_before THEN 'usage_billed' ELSE 'usage_nothing' END
      WHEN due < 0 THEN 'usage_credit'
      WHEN own_state IN ('changed', 'voided') AND found < 2 THEN 'usage_' || own_state
      WHEN found > 0 THEN CASE WHEN found_equal AND found = 1 THEN 'usage_present' ELSE 'usage_differs' END
      WHEN billing_blocked THEN 'usage_client_blocked'
      WHEN NOT itemised THEN 'usage_no_item'
      WHEN own_state = 'missing' THEN 'usage_missing'
      WHEN billed_before THEN 'usage_adjustment'
      ELSE 'usage_bill' END AS verdict
  FROM usage_documents d LEFT JOIN trust t ON t.client_id = d.client_id
), limited AS (
  SELECT j.*, c.class AS verdict_class, c.sentence AS verdict_sentence,
         c.class IN ('safe', 'needs_approval') AS writes, CASE
      WHEN c.class NOT IN ('safe', 'needs_approval') THEN NULL
      WHEN not_begun THEN 'usage_held'
      WHEN getvariable('usage_hold') IS NOT NULL THEN getvariable('usage_hold_reason')
      WHEN other_state IS NOT NULL THEN 'usage_' || other_state
      WHEN NOT getvariable('usage_reads_ok') THEN 'usage_not_read'
      WHEN trust = 'observe' THEN 'trust_observe'
      WHEN getvariable('native') <> 'off' THEN 'native_integration_' || getvariable('native')
    END AS stop, CASE
      WHEN c.class <> 'safe' THEN NULL
      WHEN getvariable('bill_from') IS NOT NULL THEN 'usage_backfill'
      WHEN billed_client_id IS NOT NULL THEN 'usage_other_payer'
      WHEN trust <> 'auto' THEN 'trust_' || trust
      WHEN NOT list_contains(getvariable('auto_directions'), 'increase') THEN 'auto_direction'
      WHEN due > getvariable('auto_money') THEN 'auto_money'
      WHEN NOT getvariable('auto_new_kinds') AND NOT EXISTS (
        SELECT 1 FROM billing.ledger l WHERE l.state = 'verified' AND l.client_id = j.client_id
          AND l.action IN ('create_invoice', 'set_usage_licence')) THEN 'auto_new_kind'
    END AS waits
  FROM judged j LEFT JOIN verdict_classes c USING (verdict)
)
SELECT *, CASE WHEN verdict_class IS NULL THEN 'blocked' WHEN stop IS NOT NULL THEN 'blocked'
               WHEN waits IS NOT NULL THEN 'needs_approval' ELSE verdict_class END AS class,
       coalesce(stop, waits, verdict) AS reason
FROM limited WHERE verdict NOT IN ('usage_nothing') AND (verdict <> 'usage_billed' OR recent);

-- Documents: each becomes an invoice of its own, corrections among them.
INSERT INTO plan_rows BY NAME
SELECT usage_key AS row_id, class, verdict, CASE WHEN writes THEN 'create_invoice' ELSE 'none' END AS action, reason,
       coalesce(verdict_sentence, 'no rule for this verdict') || ' (' || month_name || CASE WHEN state = 'reopened' THEN ': ' || why ELSE '' END || ')'
       || CASE reason WHEN 'usage_held' THEN '; held until policy usage.first_month says from which month on'
                      WHEN 'usage_not_read' THEN '; Halo''s or Pax8''s invoices were not read whole in this run'
                      WHEN getvariable('usage_hold_reason') THEN '; ' || getvariable('usage_hold')
                      WHEN 'usage_missing' THEN CASE WHEN other_state IS NULL THEN '; an earlier run saw it' ELSE '; another invoice of the month is missing' END
                      WHEN 'usage_changed' THEN CASE WHEN other_state IS NULL THEN '' ELSE '; another invoice of the month changed in Halo' END
                      WHEN 'usage_voided' THEN CASE WHEN other_state IS NULL THEN '' ELSE '; another invoice of the month was voided in Halo' END
                      WHEN 'usage_backfill' THEN '; a month of a backfill'
                      WHEN 'usage_other_payer' THEN '; Halo bills this client through client ' || billed_client_id
                      WHEN 'usage_present' THEN ': ' || found_ids
                      WHEN 'usage_unsettled' THEN coalesce(': ' || (SELECT string_agg(w.sentence, '; ' ORDER BY w.usage_key) FROM pending_invoices w
                                                                    WHERE starts_with(w.usage_key, lower(base_key))), '')
                      WHEN 'usage_differs' THEN ': ' || found_ids
                      ELSE CASE WHEN reason LIKE 'trust_%' THEN '; the client''s trust mode is ' || trust
                                WHEN reason LIKE 'auto_%' THEN '; beyond trust.' || replace(reason, '_', '.')
                                WHEN reason LIKE 'native_%' THEN '; Halo''s own Pax8 integration is ' || CASE getvariable('native') WHEN 'on' THEN 'on' ELSE 'not known to be off' END || ': two writers never'
                                ELSE '' END END AS sentence,
       client_id, client_name, company_id, company_name, subscription_id, 'Usage of ' || month_name AS product_name,
       'invoice ' || usage_key AS target,
       CASE WHEN billed_before THEN 'billed ' || meta.plain(round(billed, 2)) || ' ' || coalesce(currency, '') ELSE 'no invoice' END AS before,
       CASE WHEN wanted = billed THEN 'billed ' || meta.plain(round(billed, 2)) || ' ' || coalesce(currency, '')
            ELSE due::DECIMAL(28,2)::VARCHAR || ' ' || coalesce(currency, '') || ' in ' || lines || CASE lines WHEN 1 THEN ' line' ELSE ' lines' END
                 || coalesce(' (' || mark || ')', '') END AS after,
       0 AS delta, currency, due AS money_per_period, due AS money_per_month,
       CASE WHEN class = 'blocked' AND due > 0 AND verdict NOT IN ('usage_differs') THEN due ELSE 0 END AS unbilled_per_month,
       to_json({'usage': {'key': usage_key, 'month': month, 'company_id': company_id, 'client_id': client_id, 'invoice_date': getvariable('today')::VARCHAR,
                          'currency': currency, 'total': due::DECIMAL(28,2)::VARCHAR, 'cost': due_cost::DECIMAL(28,2)::VARCHAR,
                          'lines': coalesce(lines_json, [])}})::VARCHAR AS expect,
       to_json({'month': month, 'state': state, 'why': why, 'pax8_invoices': invoice_ids, 'charges': items, 'wanted': meta.plain(wanted),
                'billed': meta.plain(billed), 'found_in_halo': found_ids})::VARCHAR AS evidence
FROM usage_judged;

-- Charges nobody is billed for, and those left out, by reason.
INSERT INTO plan_rows BY NAME
SELECT 'usage ' || u.month || ' ' || u.verdict || ' ' || u.who || ' ' || coalesce(u.currency, '?') AS row_id,
       coalesce(any_value(c.class), 'blocked') AS class, 'usage_' || u.verdict AS verdict, 'none' AS action, 'usage_' || u.verdict AS reason,
       any_value(s.month_name) || ': ' || any_value(u.sentence) || CASE WHEN u.company_id IS NULL
         THEN ' (' || coalesce(any_value(u.vendor_name) || ', ', '') || 'group ' || coalesce(any_value(u.resource_group), 'without a name') || ')' ELSE '' END AS sentence,
       any_value(u.client_id) AS client_id, any_value(u.client_name) AS client_name, u.company_id, any_value(u.company_name) AS company_name,
       coalesce(min(u.subscription_id), '') AS subscription_id, string_agg(DISTINCT u.product_name, ', ' ORDER BY u.product_name) AS product_name,
       u.currency, 0 AS delta, 0 AS money_per_period, 0 AS money_per_month,
       CASE WHEN coalesce(any_value(c.class), 'blocked') = 'blocked'
            THEN sum(CASE WHEN u.amount <> 0 THEN u.amount ELSE u.cost END) ELSE 0 END AS unbilled_per_month,
       '{}' AS expect,
       to_json({'month': u.month, 'state': any_value(u.state), 'charges': meta.plain(sum(u.charges)), 'cost': meta.plain(sum(u.cost)), 'items': count(*),
                'shape': any_value(u.shape), 'resource_group': any_value(u.resource_group), 'vendor': any_value(u.vendor_name)})::VARCHAR AS evidence
FROM (SELECT *, coalesce(company_id, coalesce(subscription_id, '-') || '/' || coalesce(lower(trim(resource_group)), '-')) AS who
      FROM reconciled.usage) u
JOIN usage_scope s ON s.month = u.month AND s.considered AND s.recent
LEFT JOIN verdict_classes c ON c.verdict = 'usage_' || u.verdict
WHERE u.counts AND u.bucket IN ('unassigned', 'skipped')
GROUP BY u.month, u.verdict, u.company_id, u.who, u.currency;

-- What a month not approved yet comes to so far: shown, never written.
INSERT INTO plan_rows BY NAME
SELECT 'usage ' || u.month || ' estimate ' || coalesce(u.company_id, '-') || ' ' || coalesce(u.currency, '?') AS row_id, 'no_op' AS class,
       'usage_estimate' AS verdict, 'none' AS action, 'usage_estimate' AS reason,
       any_value(s.month_name) || ' so far, from usage lines; billed once Pax8''s invoice is approved' AS sentence,
       any_value(u.client_id) AS client_id, any_value(u.client_name) AS client_name, u.company_id, any_value(u.company_name) AS company_name,
       '' AS subscription_id, 'Usage of ' || any_value(s.month_name) AS product_name,
       'about ' || round(sum(u.amount), 2)::DECIMAL(28,2)::VARCHAR || ' ' || coalesce(u.currency, '') || ' so far' AS after,
       u.currency, 0 AS delta, 0 AS money_per_period, 0 AS money_per_month, 0 AS unbilled_per_month, '{}' AS expect,
       to_json({'month': u.month, 'state': any_value(u.state), 'lines': count(*), 'cost': meta.plain(sum(u.cost))})::VARCHAR AS evidence
FROM reconciled.usage u
JOIN usage_scope s ON s.month = u.month AND s.considered AND NOT s.final
WHERE u.bucket = 'estimate' OR (u.bucket = 'billable' AND u.origin = 'usage_lines')
GROUP BY u.month, u.company_id, u.currency;
