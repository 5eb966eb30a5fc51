-- Brings billing.findings up to a plan. What comes back within a week of its last night was never gone: one night's
-- hiccup must not make an old loss a new one. Parameters: plan_id, today.
UPDATE billing.findings f
SET check_name = n.check_name, subscription_id = n.subscription_id, client_id = n.client_id,
  client_name = n.client_name,
    company_id = n.company_id, company_name = n.company_name, product_name = n.product_name, sentence = n.sentence,
    changed_on = CASE WHEN abs(n.money) > abs(f.money) OR (n.money IS NULL) <> (f.money IS NULL)
      OR n.currency IS DISTINCT FROM f.currency
                        OR f.last_seen < $today::DATE - 7 THEN $today ELSE least(f.changed_on, $today) END,
    money = n.money, per = n.per, currency = n.currency, waits = n.waits,
    first_seen = CASE WHEN f.still_open OR f.last_seen >= $today::DATE - 7 THEN least(f.first_seen, $today)
      ELSE $today END,
    first_plan = CASE WHEN f.still_open OR f.last_seen >= $today::DATE - 7 THEN f.first_plan ELSE $plan_id END,
    last_seen = $today, still_open = true, plan_id = $plan_id
FROM findings_of_plan n WHERE n.finding_id = f.finding_id;
