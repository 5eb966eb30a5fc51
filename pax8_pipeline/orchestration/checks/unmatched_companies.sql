SELECT m.company_id, m.company_name, m.state, m.candidates, m.contradiction, count(*) AS subscriptions,
       round(sum(meta.per_month(s.quantity * coalesce(s.price, 0), meta.term_months(s.billing_term)))
             FILTER (s.lifecycle IN ('billing', 'pending_cancel')), 2) AS money_a_month,
       round(sum(s.unbilled_money_per_month), 2) AS without_a_line_a_month, s.currency
FROM reconciled.client_matches m JOIN reconciled.subscriptions s USING (company_id)
WHERE m.state <> 'matched' AND NOT m.bill_on_behalf AND s.lifecycle NOT IN ('ended', 'ended_not_cancelled')
GROUP BY m.company_id, m.company_name, m.state, m.candidates, m.contradiction, s.currency
ORDER BY money_a_month DESC NULLS LAST, m.company_name, m.company_id
