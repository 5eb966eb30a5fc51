-- Plan rows of usage documents that Halo does not show as they must be (billing.documents). One that is missing can be
-- made again, exactly as it was and under its own key, once a person agrees; one that changed or was voided is for people.
INSERT INTO plan_rows BY NAME
WITH found AS (
  SELECT d.*, 'PAX8-USAGE ' || substr(d.usage_key, 12) AS row_id, split_part(d.usage_key, ' ', 2) AS month,
         regexp_replace(split_part(d.usage_key, ' ', 3), '-adj\d+$', '') AS company_id,
         p.expect AS made, p.currency AS currency, coalesce(k.name, p.client_name) AS client_name,
         coalesce(m.company_name, p.company_name) AS company_name, coalesce(p.subscription_id, '') AS subscription_id,
         p.product_name AS product_name, coalesce(k.billing_blocked, false) AS billing_blocked, m.client_id AS mapped_client,
         coalesce(t.mode, getvariable('trust_default')) AS trust,
         EXISTS (SELECT 1 FROM billing.ledger_state s WHERE lower(s.row_id) = d.usage_key AND s.action = 'create_invoice'
                   AND s.state IN ('claimed', 'sent', 'unknown')) AS unsettled
  FROM billing.documents d
  LEFT JOIN billing.plan p ON p.plan_id = d.plan_id AND lower(p.row_id) = d.usage_key
  LEFT JOIN staging.clients k ON k.client_id = d.client_id
  LEFT JOIN trust t ON t.client_id = d.client_id
  LEFT JOIN reconciled.client_matches m ON m.company_id = regexp_replace(split_part(d.usage_key, ' ', 3), '-adj\d+$', '')
  WHERE d.state IN ('missing', 'changed', 'voided')
), judged AS (
  SELECT *, CASE WHEN state = 'missing' AND unsettled THEN 'usage_unsettled' ELSE 'usage_' || state END AS verdict,
         state = 'missing' AND NOT unsettled AND made IS NOT NULL AS again,
         CASE WHEN getvariable('usage_hold') IS NOT NULL THEN getvariable('usage_hold_reason')
              WHEN NOT getvariable('usage_reads_ok') THEN 'usage_not_read'
              WHEN trust = 'observe' THEN 'trust_observe'
              WHEN getvariable('native') <> 'off' THEN 'native_integration_' || getvariable('native')
              WHEN billing_blocked THEN 'usage_client_blocked'
              WHEN mapped_client <> client_id THEN 'usage_other_client' END AS stop
  FROM found
  WHERE getvariable('bill_from') IS NULL OR month BETWEEN getvariable('bill_from') AND getvariable('bill_to')
), classed AS (
  SELECT j.*, c.sentence AS verdict_sentence,
         CASE WHEN NOT again THEN 'blocked' WHEN stop IS NOT NULL THEN 'blocked' ELSE coalesce(c.class, 'blocked') END AS class
  FROM judged j LEFT JOIN verdict_classes c USING (verdict)
)
SELECT row_id, class, verdict, CASE WHEN again THEN 'create_invoice' ELSE 'none' END AS action,
       CASE WHEN again THEN coalesce(stop, verdict) ELSE verdict END AS reason,
       coalesce(verdict_sentence, 'no rule for this verdict') || coalesce(': ' || detail, '')
       || CASE WHEN state = 'missing' AND made IS NULL THEN '; it was not made from here, so it is not made again from here' ELSE '' END
       || CASE WHEN again AND stop = getvariable('usage_hold_reason') THEN '; ' || getvariable('usage_hold') ELSE '' END AS sentence,
       client_id, client_name, company_id, company_name, subscription_id, product_name, 'invoice ' || row_id AS target,
       CASE state WHEN 'missing' THEN 'missing in Halo' ELSE state || ' in Halo' END AS before,
       CASE WHEN again THEN net::DECIMAL(28,2)::VARCHAR || coalesce(' ' || currency, '') || ' in '
                            || json_array_length(lines) || ' lines, made again' END AS after,
       0 AS delta, currency, CASE WHEN again THEN net ELSE 0 END AS money_per_period,
       CASE WHEN again THEN net ELSE 0 END AS money_per_month,
       greatest(coalesce(CASE state WHEN 'changed' THEN net - coalesce(shown_net, 0) ELSE net END, 0), 0) AS unbilled_per_month,
       CASE WHEN again
            THEN json_merge_patch(made, to_json({'usage': {'invoice_date': getvariable('today')::VARCHAR},
                   'again': (SELECT list(s.plan_id ORDER BY s.plan_id) FROM billing.ledger_state s
                             WHERE lower(s.row_id) = usage_key AND s.action = 'create_invoice' AND s.state = 'verified')}))::VARCHAR
            ELSE '{}' END AS expect,
       to_json({'month': month, 'origin': origin, 'plan': plan_id, 'first_seen': first_seen, 'last_seen': last_seen,
                'last_shown_as': invoice_id, 'wanted': meta.plain(net), 'shown': meta.plain(shown_net), 'detail': detail,
                'missing_since': missing_since})::VARCHAR AS evidence
FROM classed WHERE row_id NOT IN (SELECT row_id FROM plan_rows);
