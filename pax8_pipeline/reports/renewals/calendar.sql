-- Commitments that end, cancellations and trials that end within some days, by date. Parameters: today, days.
WITH dated AS (
  SELECT *, CASE WHEN lifecycle = 'trial' THEN 'trial_ends' WHEN lifecycle = 'pending_cancel' THEN 'ends'
                 WHEN commitment_end_date IS NOT NULL THEN 'renews' WHEN end_date IS NOT NULL THEN 'ends' END AS event,
         CASE WHEN lifecycle IN ('trial', 'pending_cancel') THEN coalesce(end_date, commitment_end_date)
              ELSE coalesce(commitment_end_date, end_date) END AS day
  FROM reconciled.subscriptions WHERE lifecycle IN ('billing', 'pending_cancel', 'trial')
)
SELECT d.day, d.event, d.client_id, d.client_name, d.company_id, d.company_name, d.subscription_id, d.product_name,
       d.commitment_term, d.billing_term, d.start_date, d.quantity,
       CASE WHEN d.event = 'renews' THEN d.quantity END AS reducible_seats,
       CASE WHEN d.event = 'renews' THEN d.day END AS reduce_until, d.currency,
       meta.per_month(d.quantity * coalesce(d.price, 0), coalesce(meta.term_months(d.billing_term), 1))
         AS money_per_month,
       m.new_subscription_id AS moves_to
FROM dated d LEFT JOIN reconciled.moves m ON m.old_subscription_id = d.subscription_id
WHERE d.event IS NOT NULL AND d.day BETWEEN $today::DATE AND $today::DATE + $days::INTEGER
ORDER BY d.day, coalesce(d.client_name, d.company_name), d.product_name, d.subscription_id;
