/* Plan rows of subscriptions, no-ops included: "looked at and fine" is not "not looked at".

key: row_id
reads: seat_changes, decisions
fills: plan_rows
*/
SELECT row_id, class, verdict, action, decided_by AS reason,
       CASE WHEN reason_text IS NULL THEN coalesce(verdict_sentence, wording('plan_words', 'no_rule'))
                                   || coalesce(' (' || reason || ')', '')
            WHEN decided_by IN ('rolled_back', 'negative_pro_rata', 'pro_rata_entry') OR decided_by = 'move_proposed'
                 OR decided_by LIKE 'auto_%'
              THEN verdict_sentence || '; ' || reason_text
            ELSE reason_text END
       || CASE WHEN rebuy_of IS NOT NULL AND verdict = 'unbilled' THEN wording('seat_notes', 'rebuy') ELSE '' END
       || CASE WHEN verdict = 'decrease' AND commitment_end_date >= getvariable('today')
               THEN wording('seat_notes', 'commitment') ELSE '' END
       || CASE WHEN matched_by = 'vendor_id' THEN wording('seat_notes', 'vendor_id') ELSE '' END
       || CASE WHEN verdict = 'cancel' AND quantity_source = 'licence' AND pending_pro_rata > 0
               THEN wording('seat_notes', 'pending_pro_rata') ELSE '' END
       || CASE WHEN action = 'add_pro_rata_entry' THEN wording('seat_notes', 'pro_rata_entry')
               WHEN pro_rata_money <> 0 THEN wording('seat_notes', 'pro_rata') ELSE '' END
       || CASE WHEN moves_to IS NOT NULL THEN wording('seat_notes', 'move') ELSE '' END
       || CASE WHEN goes_on_date IS NOT NULL THEN wording('seat_notes', 'freeze') ELSE '' END AS sentence,
       client_id, client_name, company_id, company_name, subscription_id, product_name,
       wording('seat_targets', writes_on) AS target, recurring_invoice_id, line_id, licence_id,
       CASE WHEN ends THEN CASE WHEN line_inactive THEN wording('seat_states', 'line_inactive')
                                ELSE wording('seat_states', 'line_active') END
                        || CASE WHEN licence_id IS NULL THEN ''
                                WHEN licence_active THEN wording('seat_states', 'licence_active')
                                ELSE wording('seat_states', 'licence_inactive') END
                        || wording('seat_states', 'quantity')
            ELSE meta.plain(halo_quantity) END AS before,
       CASE WHEN ends THEN wording('seat_ends', writes_on) WHEN action = 'none' THEN meta.plain(halo_quantity)
            ELSE meta.plain(quantity) END AS after,
       halo_quantity AS quantity_before,
       CASE WHEN ends THEN 0 WHEN action = 'none' THEN halo_quantity ELSE quantity END AS quantity_after,
       CASE WHEN is_live THEN billed_before ELSE 0 END AS billed_before,
       CASE WHEN NOT is_live THEN 0 WHEN action = 'none' THEN billed_before ELSE billed_after END AS billed_after,
       CASE WHEN action = 'none' THEN 0 ELSE moved END AS delta,
       unit_price, coalesce(currency, halo_currency) AS currency, period_months,
       CASE WHEN action = 'none' THEN 0 ELSE moved * coalesce(unit_price, 0) END AS money_per_period,
       CASE WHEN action = 'none' THEN 0 ELSE moved_money END AS money_per_month,
       unbilled_money_per_month AS unbilled_per_month,
       CASE WHEN action = 'add_pro_rata_entry' THEN to_json(struct_insert(expect, entry_date := getvariable('today')))
            ELSE to_json(expect) END::VARCHAR AS expect,
       to_json({'status': status, 'lifecycle': lifecycle, 'start_date': start_date, 'end_date': end_date,
                'billing_term': billing_term, 'commitment_term': commitment_term,
                'commitment_end_date': commitment_end_date, 'quantity': meta.plain(quantity),
                'price': meta.plain(price), 'partner_cost': meta.plain(partner_cost), 'pax8_currency': currency,
                'halo_currency': halo_currency, 'quantity_source': quantity_source, 'matched_by': matched_by,
                'halo_quantity': meta.plain(halo_quantity), 'qty_free': meta.plain(qty_free),
                'minimum_qty': meta.plain(minimum_qty), 'licences_on_line': line_licences,
                'pending_pro_rata': pending_pro_rata, 'rebuy_of': rebuy_of, 'detail': reason,
                'moves_to': moves_to, 'move_score': move_score,
                'pro_rata_money': pro_rata_money, 'pro_rata_days': days_left, 'days_of_period': days_of_period,
                'invoice_made_on': creation_date, 'goes_on_date': goes_on_date})::VARCHAR AS evidence
FROM (SELECT c.*, d.*, coalesce(c.line_live, false) AS is_live,
             {'licence_count': licence_count, 'licence_active': licence_active,
              'licence_requested': licence_requested,
              'line_quantity': CASE WHEN quantity_source = 'manual' THEN meta.plain(halo_quantity) END,
              'line_inactive': line_inactive, 'licences_on_line': line_licences,
              'end_date': end_date} AS expect,
             c.action IN ('end_line', 'end_licence') AS ends,
             CASE WHEN c.action <> 'none' THEN wording('plan_reasons', d.decided_by) END AS reason_text,
             CASE WHEN c.action IN ('set_licence_count', 'end_licence') THEN 'licence'
                  WHEN c.action = 'end_line' AND c.licence_id IS NOT NULL THEN 'line_and_licence'
                  WHEN c.action <> 'none' THEN 'line' END AS writes_on
      FROM seat_changes c JOIN decisions d ON d.row_id = c.subscription_id)
