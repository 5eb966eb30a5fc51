/* Each subscription with its Halo line and its Halo client, and how many subscriptions point at the same target.

key: subscription_id
extends: with_licence
reads: with_licence, halo_lines, staging.line_licences, reconciled.client_matches
| line_id | BIGINT | Its line | halo_lines.line_id |
| recurring_invoice_id | BIGINT | Recurring invoice of the line | halo_lines.recurring_invoice_id |
| is_live | BOOLEAN | The line bills today | halo_lines.is_live |
| off_because | VARCHAR | Why it does not | halo_lines.off_because |
| line_inactive | BOOLEAN | Its own switch is off | halo_lines.is_inactive |
| quantity_source | VARCHAR | manual or licence, or why the line is not ours | halo_lines.quantity_source |
| qty_order | DECIMAL(28,10) | Its manual quantity | halo_lines.qty_order |
| line_problem | VARCHAR | What of it cannot be read | halo_lines.line_problem |
| pending_pro_rata | BIGINT | Part-period entries that are not invoiced yet | halo_lines.pending_pro_rata |
| pro_rata_quantity | DECIMAL(28,10) | What they add to a manual line | halo_lines.pro_rata_quantity |
| period | BIGINT | Period of its invoice | halo_lines.period |
| period_months | DECIMAL(18,6) | Months of that period | halo_lines.period_months |
| invoice_client_id | BIGINT | Client of its invoice | halo_lines.invoice_client_id |
| invoice_currency | VARCHAR | Currency of its invoice | halo_lines.invoice_currency |
| line_price | DECIMAL(28,10) | Price per unit and period | halo_lines.unit_price, with_licence.licence_price |
| line_licences | BIGINT | Licences that it follows | halo_lines.line_licences |
| count_sum | HUGEINT | Sum of their counts | halo_lines.count_sum |
| qty_free | DECIMAL(38,10) | Units not billed | halo_lines.qty_free |
| minimum_qty | DECIMAL(28,10) | Least quantity billed | halo_lines.minimum_qty |
| unread | BIGINT | Licences that Halo did not list | halo_lines.unread |
| unreadable_licence | VARCHAR | What of its licences cannot be read | halo_lines.unreadable_licence |
| company_name | VARCHAR | Name of the company | reconciled.client_matches.company_name |
| client_id | BIGINT | Halo client | reconciled.client_matches.client_id |
| client_name | VARCHAR | Its name | reconciled.client_matches.client_name |
| client_currency | VARCHAR | Its currency | reconciled.client_matches.client_currency |
| billed_client_id | BIGINT | Client that gets its invoices | reconciled.client_matches.billed_client_id |
| bill_on_behalf | BOOLEAN | Pax8 bills the company itself | reconciled.client_matches.bill_on_behalf |
| match_state | VARCHAR | How certain the client is | reconciled.client_matches.state |
| match_problem | VARCHAR | What of the two cannot be read | reconciled.client_matches.problem |
| contradiction | VARCHAR | Who says otherwise | reconciled.client_matches.contradiction |
| halo_currency | VARCHAR | Currency of the client or of the invoice | reconciled.client_matches.client_currency,
  halo_lines.invoice_currency |
| not_linked | BOOLEAN | The line does not follow the licence | staging.line_licences.licence_id |
*/
SELECT p.*, l.line_id, l.recurring_invoice_id, l.is_live, l.off_because, l.is_inactive AS line_inactive,
       l.quantity_source, l.qty_order, l.line_problem, l.pending_pro_rata, l.pro_rata_quantity,
       l.period, l.period_months,
       l.invoice_client_id, l.invoice_currency,
       CASE WHEN l.linked_price THEN p.licence_price ELSE l.unit_price END AS line_price,
       l.line_licences, l.count_sum, l.qty_free, l.minimum_qty, l.unread, l.unreadable_licence,
       m.company_name, m.client_id, m.client_name, m.client_currency, m.billed_client_id, m.bill_on_behalf,
       m.state AS match_state, m.problem AS match_problem, m.contradiction,
       coalesce(m.client_currency, l.invoice_currency) AS halo_currency,
       l.quantity_source = 'licence' AND p.licence_id IS NOT NULL AND k.licence_id IS NULL AS not_linked
FROM with_licence p
LEFT JOIN halo_lines l ON l.line_id = p.wanted_line
LEFT JOIN staging.line_licences k ON k.line_id = l.line_id AND k.licence_id = p.licence_id
LEFT JOIN reconciled.client_matches m ON m.company_id = p.company_id
