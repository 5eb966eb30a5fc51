-- Of how many subscriptions of a compared month Pax8's history was read, of how many it was not although it could
-- explain their rows, and why Pax8 did not give the last of these. Parameter: month.
WITH asked AS (
  SELECT DISTINCT subscription_id, history FROM monthly.rows WHERE month = $month AND history IS NOT NULL
)
SELECT count(DISTINCT subscription_id) FILTER (history = 'read') AS read,
       count(DISTINCT subscription_id) FILTER (history = 'not_read') AS not_read,
       (SELECT arg_max(s.problem, s.loaded_at) FROM meta.snapshots s JOIN asked a ON s.scope = a.subscription_id
        WHERE s.table_name = 'pax8.subscription_history' AND a.history = 'not_read') AS problem
FROM asked
