-- What waits in a plan and is not written yet, and since when its open findings are known, by currency.
SELECT 'waiting' AS kind, NULL AS currency, count(*) AS number, NULL AS amount, NULL AS since
FROM billing.plan p
WHERE p.plan_id = $plan_id AND p.class = 'needs_approval'
  AND NOT EXISTS (FROM billing.ledger l WHERE l.plan_id = p.plan_id AND l.row_id = p.row_id AND l.state = 'verified')
UNION ALL BY NAME
SELECT CASE WHEN money > 0 THEN 'not billed' WHEN money < 0 THEN 'billed too much' ELSE 'amount not known' END
         || CASE WHEN money IS NULL THEN '' WHEN per = 'month' THEN ', a month' ELSE ', usage' END AS kind,
       coalesce(currency, '?') AS currency, count(*) AS number, sum(abs(money)) AS amount, min(first_seen) AS since
FROM billing.findings_state WHERE still_open AND counts AND plan_id = $plan_id
GROUP BY ALL
-- What nobody is billed for first, then what is billed too much, then what nobody can tell; the most money on top.
ORDER BY kind LIKE 'not billed%' DESC, kind LIKE 'billed too much%' DESC, kind, amount DESC NULLS LAST, currency
