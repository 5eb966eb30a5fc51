-- Money of a plan by currency. Seats: a month more and less, and what nobody bills. Usage: charged once by this plan,
-- and
-- charged by Pax8 without anybody being billed.
SELECT coalesce(currency, '?') AS currency,
       coalesce(sum(money_per_month) FILTER (NOT usage AND money_per_month > 0 AND class = 'safe'), 0) AS up,
       coalesce(sum(money_per_month) FILTER (NOT usage AND money_per_month < 0 AND class = 'safe'), 0) AS down,
       coalesce(sum(unbilled_per_month) FILTER (NOT usage), 0) AS unbilled,
       coalesce(sum(money_per_month) FILTER (usage AND class = 'safe'), 0) AS usage,
       coalesce(sum(unbilled_per_month) FILTER (usage), 0) AS usage_unbilled
FROM (SELECT *, meta.is_usage(verdict) AS usage FROM plan_rows)
GROUP BY 1 ORDER BY 1;
