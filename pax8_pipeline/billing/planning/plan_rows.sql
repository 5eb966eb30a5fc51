-- One plan row per reconciled subscription. `verdict_classes` comes from billing/verdicts.py, `trust` from policy.yaml.
CREATE OR REPLACE TEMP TABLE plan_rows AS
WITH judged AS (
  SELECT s.*, v.class AS verdict_class, v.sentence AS verdict_sentence,
         coalesce(t.mode, getvariable('trust_default')) AS trust,
         CASE WHEN s.verdict IN ('increase', 'decrease', 'zero_quantity')
                OR (s.verdict = 'pending_cancel' AND s.reason = 'quantity differs')
              THEN CASE s.quantity_source WHEN 'licence' THEN 'set_licence_count' ELSE 'set_line_quantity' END
              WHEN s.verdict = 'cancel'
              THEN CASE WHEN s.quantity_source = 'licence' AND s.line_licences > 1 THEN 'end_licence' ELSE 'end_line' END
              ELSE 'none' END AS action,
         CASE WHEN NOT coalesce(s.line_live, false) THEN 0 ELSE s.billed_after - s.billed_before END AS moved,
         meta.per_month(CASE WHEN NOT coalesce(s.line_live, false) THEN 0 ELSE s.billed_after - s.billed_before END
                        * coalesce(s.unit_price, 0), s.period_months) AS moved_money
  FROM reconciled.subscriptions s
  LEFT JOIN verdict_classes v USING (verdict)
  LEFT JOIN trust t ON t.client_id = s.client_id
), limited AS (
  -- What the trust mode `auto` does not cover (policy.yaml, trust.auto).
  SELECT *, CASE
      WHEN action = 'none' OR trust NOT IN ('auto', 'approve') THEN NULL
      -- What a person undid is not done again by night: it waits until somebody agrees.
      WHEN EXISTS (
        SELECT 1 FROM billing.ledger l JOIN billing.plan p ON p.plan_id = l.plan_id AND p.row_id = l.row_id
        WHERE l.state = 'verified' AND p.verdict = 'rollback' AND l.row_id = judged.subscription_id
          AND l.entry > coalesce((SELECT max(o.entry) FROM billing.ledger o JOIN billing.plan q
                ON q.plan_id = o.plan_id AND q.row_id = o.row_id
              WHERE o.row_id = judged.subscription_id AND o.state = 'verified' AND q.verdict <> 'rollback'), 0)) THEN 'rolled_back'
      WHEN trust <> 'auto' THEN NULL
      WHEN NOT list_contains(getvariable('auto_directions'), verdict) THEN 'auto_direction'
      WHEN abs(moved) > getvariable('auto_seats') THEN 'auto_seats'
      WHEN abs(moved_money) > getvariable('auto_money') THEN 'auto_money'
      WHEN NOT getvariable('auto_new_kinds') AND NOT EXISTS (
        SELECT 1 FROM billing.ledger l
        WHERE l.state = 'verified' AND l.client_id = judged.client_id AND l.action = judged.action) THEN 'auto_new_kind'
    END AS beyond_auto
  FROM judged
), classed AS (
  SELECT *, CASE
      -- A verdict this version has no rule for is never written.
      WHEN verdict_class IS NULL THEN 'blocked'
      WHEN action = 'none' THEN CASE WHEN verdict_class IN ('safe', 'needs_approval') THEN 'no_op' ELSE verdict_class END
      WHEN trust = 'observe' THEN 'blocked'
      WHEN getvariable('native') <> 'off' AND action IN ('set_licence_count', 'set_line_quantity', 'end_line', 'end_licence')
        THEN 'blocked'
      WHEN verdict_class = 'safe' AND reason IS NULL AND trust = 'auto' AND beyond_auto IS NULL THEN 'safe'
      ELSE 'needs_approval' END AS class,
    CASE
      WHEN action = 'none' THEN verdict
      WHEN trust = 'observe' THEN 'trust_observe'
      WHEN getvariable('native') <> 'off' THEN 'native_integration_' || getvariable('native')
      WHEN reason IS NOT NULL AND verdict_class = 'safe' THEN regexp_extract(reason, '^[a-z_]+')
      WHEN verdict_class = 'safe' AND beyond_auto = 'rolled_back' THEN beyond_auto
      WHEN verdict_class = 'safe' AND trust <> 'auto' THEN 'trust_' || trust
      WHEN verdict_class = 'safe' AND beyond_auto IS NOT NULL THEN beyond_auto
      ELSE verdict END AS reason_code
  FROM limited
)
SELECT subscription_id AS row_id, class, verdict, action, reason_code AS reason,
       CASE WHEN action <> 'none' AND reason_code LIKE 'native_integration%'
              THEN 'Halo''s own Pax8 integration is ' || CASE getvariable('native') WHEN 'on' THEN 'on' ELSE 'not known to be off' END
                   || ': two writers never'
            WHEN action <> 'none' AND reason_code LIKE 'trust_%' THEN 'the client''s trust mode is ' || trust
            WHEN reason_code = 'rolled_back' THEN verdict_sentence || '; a person undid this change'
            WHEN reason_code LIKE 'auto_%' THEN verdict_sentence || '; beyond trust.' || replace(reason_code, '_', '.')
            ELSE coalesce(verdict_sentence, 'no rule for this verdict') || coalesce(' (' || c.reason || ')', '') END
       || CASE WHEN rebuy_of IS NOT NULL AND verdict = 'unbilled'
               THEN '; it seems to follow the cancelled subscription ' || rebuy_of ELSE '' END
       || CASE WHEN verdict = 'decrease' AND commitment_end_date >= getvariable('today')
               THEN '; inside a commitment until ' || commitment_end_date ELSE '' END
       || CASE WHEN matched_by = 'vendor_id'
               THEN '; licence ' || licence_id || ' is known by the Microsoft subscription id' ELSE '' END
       || CASE WHEN verdict = 'cancel' AND quantity_source = 'licence' AND pending_pro_rata > 0
               THEN '; ' || pending_pro_rata || ' part-period entries of this line are not invoiced yet' ELSE '' END AS sentence,
       client_id, client_name, company_id, company_name, subscription_id, product_name,
       CASE action WHEN 'set_licence_count' THEN 'licence ' || licence_id
                   WHEN 'set_line_quantity' THEN 'line ' || line_id || ' of recurring invoice ' || recurring_invoice_id
                   WHEN 'end_line' THEN 'line ' || line_id || ' of recurring invoice ' || recurring_invoice_id
                                        || coalesce(' and licence ' || licence_id, '')
                   WHEN 'end_licence' THEN 'licence ' || licence_id END AS target,
       recurring_invoice_id, line_id, licence_id,
       CASE WHEN action LIKE 'end_%' THEN
              CASE WHEN line_inactive THEN 'line inactive' ELSE 'line active' END
              || CASE WHEN licence_id IS NULL THEN '' WHEN licence_active THEN ', licence active' ELSE ', licence inactive' END
              || ', quantity ' || meta.plain(halo_quantity)
            ELSE meta.plain(halo_quantity) END AS before,
       CASE WHEN action = 'end_line' THEN 'line inactive' || CASE WHEN licence_id IS NULL THEN '' ELSE ', licence inactive' END
            WHEN action = 'end_licence' THEN 'line kept, licence inactive, count 0'
            WHEN action = 'none' THEN meta.plain(halo_quantity)
            ELSE meta.plain(quantity) END AS after,
       halo_quantity AS quantity_before,
       CASE WHEN action LIKE 'end_%' THEN 0 WHEN action = 'none' THEN halo_quantity ELSE quantity END AS quantity_after,
       CASE WHEN coalesce(line_live, false) THEN billed_before ELSE 0 END AS billed_before,
       CASE WHEN NOT coalesce(line_live, false) THEN 0 WHEN action = 'none' THEN billed_before ELSE billed_after END AS billed_after,
       CASE WHEN action = 'none' THEN 0 ELSE moved END AS delta,
       unit_price, coalesce(currency, halo_currency) AS currency, period_months,
       CASE WHEN action = 'none' THEN 0 ELSE moved * coalesce(unit_price, 0) END AS money_per_period,
       CASE WHEN action = 'none' THEN 0 ELSE moved_money END AS money_per_month,
       unbilled_money_per_month AS unbilled_per_month,
       to_json({'licence_count': licence_count, 'licence_active': licence_active, 'licence_requested': licence_requested,
                'line_quantity': CASE WHEN quantity_source = 'manual' THEN meta.plain(halo_quantity) END,
                'line_inactive': line_inactive, 'licences_on_line': line_licences, 'end_date': end_date})::VARCHAR AS expect,
       to_json({'status': status, 'lifecycle': lifecycle, 'start_date': start_date, 'end_date': end_date, 'billing_term': billing_term,
                'commitment_term': commitment_term, 'commitment_end_date': commitment_end_date, 'quantity': meta.plain(quantity),
                'price': meta.plain(price), 'partner_cost': meta.plain(partner_cost), 'pax8_currency': currency,
                'halo_currency': halo_currency, 'quantity_source': quantity_source, 'matched_by': matched_by,
                'halo_quantity': meta.plain(halo_quantity), 'qty_free': meta.plain(qty_free), 'minimum_qty': meta.plain(minimum_qty),
                'licences_on_line': line_licences, 'pending_pro_rata': pending_pro_rata, 'rebuy_of': rebuy_of,
                'detail': c.reason})::VARCHAR AS evidence
FROM classed c;

-- What Halo bills and no subscription of the plan stands for: nothing is written, but it is looked at like everything else.
INSERT INTO plan_rows BY NAME
SELECT d.subject AS row_id, v.class, d.kind AS verdict, 'none' AS action, d.kind AS reason, v.sentence || coalesce(' (' || d.detail || ')', '') AS sentence,
       d.client_id, d.client_name, d.company_id, d.company_name, d.subscription_id, d.product_name,
       d.recurring_invoice_id, d.line_id, d.licence_id, meta.plain(d.halo_bills) AS before, meta.plain(d.halo_bills) AS after,
       d.halo_bills AS quantity_before, d.halo_bills AS quantity_after, d.halo_bills AS billed_before, d.halo_bills AS billed_after,
       0 AS delta, d.unit_price, d.currency, d.period_months, 0 AS money_per_period, 0 AS money_per_month, 0 AS unbilled_per_month,
       '{}' AS expect, to_json({'halo_bills': meta.plain(d.halo_bills), 'halo_currency': d.currency, 'detail': d.detail})::VARCHAR AS evidence
FROM reconciled.discrepancies d JOIN verdict_classes v ON v.verdict = d.kind
WHERE d.subject <> d.subscription_id;

-- Records that cannot be read, whether or not a subscription points at them. Those of Pax8's subscriptions are rows by themselves.
INSERT INTO plan_rows BY NAME
SELECT 'unreadable ' || r.what || ' ' || coalesce(r.name, md5(r.payload)[:12]) AS row_id, v.class, v.verdict, 'none' AS action, v.verdict AS reason,
       any_value(v.sentence) || ' (' || r.what || coalesce(' ' || r.name, '') || ': ' || string_agg(DISTINCT r.reason, '; ' ORDER BY r.reason) || ')' AS sentence,
       any_value(r.client_id) AS client_id, any_value(k.name) AS client_name, any_value(r.company_id) AS company_id, any_value(c.name) AS company_name,
       coalesce(any_value(r.subscription_id), '') AS subscription_id, any_value(r.recurring_invoice_id) AS recurring_invoice_id, any_value(r.line_id) AS line_id,
       any_value(r.licence_id) AS licence_id, 0 AS delta, 0 AS money_per_period, 0 AS money_per_month, 0 AS unbilled_per_month, '{}' AS expect,
       to_json({'detail': any_value(r.reason), 'sent': left(any_value(r.payload), 500)})::VARCHAR AS evidence
FROM (
  SELECT *, CASE table_name WHEN 'staging.companies' THEN 'Pax8 company' WHEN 'staging.clients' THEN 'Halo client' WHEN 'staging.licences' THEN 'Halo licence'
              WHEN 'staging.recurring_invoices' THEN 'recurring invoice' WHEN 'staging.recurring_invoice_lines' THEN 'Halo line'
              WHEN 'staging.line_licences' THEN 'link of Halo line' WHEN 'staging.halo_invoices' THEN 'Halo invoice'
              WHEN 'staging.invoices' THEN 'Pax8 invoice' END AS what,
         CASE table_name WHEN 'staging.recurring_invoice_lines' THEN line_id::VARCHAR WHEN 'staging.line_licences' THEN line_id::VARCHAR
              ELSE object_id END AS name
  FROM staging.rejects
) r
JOIN verdict_classes v ON v.verdict = 'unreadable_record'
LEFT JOIN staging.clients k ON k.client_id = r.client_id
LEFT JOIN staging.companies c ON c.company_id = r.company_id
WHERE r.what IS NOT NULL
GROUP BY r.what, r.name, CASE WHEN r.name IS NULL THEN r.payload END, v.class, v.verdict, coalesce(r.name, md5(r.payload)[:12]);
