/* Plan rows of prices that the policy asks for. They wait for a person in every trust mode.

key: row_id
reads: price_changes, decisions, reconciled.prices, reconciled.subscriptions
when: price_changes
fills: plan_rows
*/
SELECT row_id, class, 'price_update' AS verdict, 'set_line_price' AS action, decided_by AS reason,
       coalesce(reason_text, verdict_sentence) || wording('price_notes', 'change') || wording('price_rules', rule)
         AS sentence,
       client_id, client_name, company_id, company_name, '' AS subscription_id, product_name,
       wording('price_notes', 'target') AS target, recurring_invoice_id, line_id, licence_id,
       meta.plain(line_price) AS before, meta.plain(wanted_price) AS after, halo_quantity AS quantity_before,
       halo_quantity AS quantity_after, units AS billed_before, units AS billed_after, 0 AS delta,
       wanted_price AS unit_price, currency, period_months, units * price_change AS money_per_period,
       moved_money AS money_per_month, 0 AS unbilled_per_month,
       to_json({'licence_count': licence_count, 'licence_active': licence_active,
                'licence_requested': licence_requested, 'line_price': meta.plain(line_price),
                'line_quantity': CASE WHEN quantity_source = 'manual' THEN meta.plain(halo_quantity) END,
                'line_inactive': line_inactive, 'licences_on_line': line_licences,
                'end_date': end_date})::VARCHAR AS expect,
       to_json({'subscription_id': subscription_id, 'rule': rule, 'pax8_price': meta.plain(pax8_price),
                'pax8_cost': meta.plain(pax8_cost), 'halo_price': meta.plain(halo_price),
                'halo_cost': meta.plain(halo_cost), 'item_price': meta.plain(item_price),
                'item_cost': meta.plain(item_cost), 'margin': meta.plain(margin)})::VARCHAR AS evidence
FROM (SELECT p.*, c.row_id, c.price_change, c.moved_money, d.class, d.decided_by, d.verdict_sentence,
             wording('plan_reasons', d.decided_by) AS reason_text, s.licence_id, s.licence_count, s.licence_active,
             s.licence_requested, s.quantity_source, s.halo_quantity, s.line_inactive, s.line_licences, s.end_date
      FROM price_changes c
      JOIN decisions d ON d.row_id = c.row_id
      JOIN reconciled.prices p ON p.subscription_id = c.subscription_id
      JOIN reconciled.subscriptions s ON s.subscription_id = c.subscription_id)
