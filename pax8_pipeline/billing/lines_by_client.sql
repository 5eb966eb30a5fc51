-- How many lines one plan considered for each client; usage has none. Parameter: plan id.
SELECT client_id, count(*) FROM billing.plan
WHERE plan_id = ? AND line_id IS NOT NULL AND NOT meta.is_usage(verdict)
GROUP BY client_id;
