/* Plan rows of usage documents: each becomes an invoice of its own, corrections among them.

key: row_id
reads: document_verdicts, decisions, usage_lines_due, pending_invoices
fills: plan_rows
*/
WITH lines AS (
  SELECT month, company_id, list({'ref': ref, 'item_id': item_id, 'text': text, 'note': note,
           'amount': amount::DECIMAL(28,2)::VARCHAR, 'cost': cost::DECIMAL(28,2)::VARCHAR, 'charges': charges}
         ORDER BY ref) AS as_json
  FROM usage_lines_due GROUP BY month, company_id
), unsettled AS (
  SELECT d.usage_key, string_agg(w.sentence, '; ' ORDER BY w.usage_key) AS unsettled_writes
  FROM document_verdicts d JOIN pending_invoices w ON starts_with(w.usage_key, lower(d.base_key)) GROUP BY d.usage_key
), documents AS (
  SELECT d.* EXCLUDE (lines), d.lines AS line_count, n.*, l.as_json, w.unsettled_writes,
         CASE WHEN n.decided_by IN ('usage_missing', 'usage_changed', 'usage_voided') AND d.other_state IS NOT NULL
                THEN 'other_' || n.decided_by
              WHEN n.decided_by = getvariable('usage_hold_reason') THEN 'usage_hold'
              ELSE n.decided_by END AS because,
         getvariable('usage_hold') AS hold, meta.plain(round(d.billed, 2)) AS billed_text,
         d.due::DECIMAL(28,2)::VARCHAR AS due_text, coalesce(d.currency, '') AS currency_text
  FROM document_verdicts d
  JOIN decisions n ON n.row_id = d.usage_key
  LEFT JOIN lines l USING (month, company_id)
  LEFT JOIN unsettled w ON w.usage_key = d.usage_key
)
SELECT row_id, class, verdict, action, decided_by AS reason,
       coalesce(verdict_sentence, wording('plan_words', 'no_rule')) || ' (' || month_name
       || CASE WHEN state = 'reopened' THEN ': ' || why ELSE '' END || ')'
       || coalesce(wording('usage_reasons', because), '; ' || wording('plan_reasons', decided_by), '') AS sentence,
       client_id, client_name, company_id, company_name, subscription_id,
       wording('usage_words', 'product') AS product_name, wording('usage_words', 'target') AS target,
       CASE WHEN billed_before THEN wording('usage_words', 'billed')
         ELSE wording('usage_words', 'no_invoice') END AS before,
       CASE WHEN wanted = billed THEN wording('usage_words', 'billed')
            WHEN line_count = 1 THEN wording('usage_words', 'one_line')
            ELSE wording('usage_words', 'lines') END || CASE WHEN wanted = billed THEN ''
              ELSE coalesce(' (' || mark || ')', '') END AS after,
       0 AS delta, currency, due AS money_per_period, due AS money_per_month,
       CASE WHEN class = 'blocked' AND due > 0 AND verdict <> 'usage_differs' THEN due ELSE 0 END AS unbilled_per_month,
       to_json({'usage': {'key': usage_key, 'month': month, 'company_id': company_id, 'client_id': client_id,
                          'invoice_date': getvariable('today')::VARCHAR, 'currency': currency, 'total': due_text,
                          'cost': due_cost::DECIMAL(28,2)::VARCHAR,
                            'lines': coalesce(as_json, [])}})::VARCHAR AS expect,
       to_json({'month': month, 'state': state, 'why': why, 'pax8_invoices': invoice_ids, 'charges': items,
                'wanted': meta.plain(wanted), 'billed': meta.plain(billed),
                  'found_in_halo': found_ids})::VARCHAR AS evidence
FROM documents
