-- The subscriptions whose history could explain a row of a compared month, those with the most money first. One whose
-- history was read today is left out. Parameters: month, today, most.
SELECT r.subscription_id
FROM monthly.rows r
WHERE r.month = $month AND r.history = 'not_read'
  AND NOT EXISTS (SELECT 1 FROM meta.snapshots s
                  WHERE s.table_name = 'pax8.subscription_history' AND s.complete AND s.scope = r.subscription_id
                    AND s.covers_to = $today)
GROUP BY r.subscription_id
ORDER BY bool_or(r.class <> 'timing') DESC, max(abs(r.difference)) DESC, r.subscription_id
LIMIT $most
