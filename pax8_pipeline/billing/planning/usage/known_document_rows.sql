/* Plan rows of usage documents that Halo does not show as they must be.

key: row_id
reads: known_documents, decisions
when: known_documents
fills: plan_rows
*/
WITH documents AS (
  SELECT d.* EXCLUDE (lines), json_array_length(d.lines) AS line_count, n.* EXCLUDE (row_id, class),
         CASE WHEN again THEN n.class ELSE 'blocked' END AS class, getvariable('usage_hold') AS hold,
         d.net::DECIMAL(28,2)::VARCHAR AS net_text, CASE WHEN again THEN net ELSE 0 END AS charge
  FROM known_documents d JOIN decisions n USING (row_id)
)
SELECT row_id, class, verdict, CASE WHEN again THEN 'create_invoice' ELSE 'none' END AS action, decided_by AS reason,
       coalesce(verdict_sentence, wording('plan_words', 'no_rule')) || coalesce(': ' || detail, '')
       || CASE WHEN state = 'missing' AND made IS NULL THEN wording('usage_words', 'not_made_here') ELSE '' END
       || CASE WHEN again AND decided_by = getvariable('usage_hold_reason') THEN wording('usage_words', 'hold') ELSE ''
          END AS sentence,
       client_id, client_name, company_id, company_name, subscription_id, product_name,
       wording('usage_words', 'known_target') AS target, wording('document_states', state) AS before,
       CASE WHEN NOT again THEN NULL WHEN currency IS NULL THEN wording('usage_words', 'again_without_currency')
            ELSE wording('usage_words', 'again') END AS after,
       0 AS delta, currency, charge AS money_per_period, charge AS money_per_month,
       greatest(coalesce(CASE state WHEN 'changed' THEN net - coalesce(shown_net, 0) ELSE net END, 0), 0)
         AS unbilled_per_month,
       CASE WHEN again THEN json_merge_patch(made, to_json({
              'usage': {'invoice_date': getvariable('today')::VARCHAR}, 'again': made_by}))::VARCHAR
            ELSE '{}' END AS expect,
       to_json({'month': month, 'origin': origin, 'plan': plan_id, 'first_seen': first_seen, 'last_seen': last_seen,
                'last_shown_as': invoice_id, 'wanted': meta.plain(net), 'shown': meta.plain(shown_net),
                  'detail': detail,
                'missing_since': missing_since})::VARCHAR AS evidence
FROM documents
