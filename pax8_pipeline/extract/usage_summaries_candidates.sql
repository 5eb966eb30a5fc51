WITH subs AS (
  SELECT object_id AS id, min(json_extract_string(payload, '$.id')) AS sent,
         min(meta.num(json_extract_string(payload, '$.price'))) AS price,
         max(meta.day(json_extract_string(payload, '$.endDate'))) AS end_date,
         -- An end date that cannot be read ends nothing.
         count(*) FILTER (meta.day(json_extract_string(payload, '$.endDate')) IS NULL) AS still_open,
         min(coalesce(meta.day(json_extract_string(payload, '$.billingStart')),
                      meta.day(json_extract_string(payload, '$.startDate')))) AS starts
  FROM newest.pax8_subscriptions WHERE meta.idtext(json_extract_string(payload, '$.id')) IS NOT NULL GROUP BY object_id
), arrears AS (
  SELECT meta.idtext(json_extract_string(payload, '$.subscriptionId')) AS id,
         min(trim(json_extract_string(payload, '$.subscriptionId'))) AS sent
  FROM newest.pax8_invoice_items
  WHERE lower(trim(json_extract_string(payload, '$.term'))) = 'arrears'
    AND meta.idtext(json_extract_string(payload, '$.subscriptionId')) IS NOT NULL GROUP BY 1
), probes AS (
  SELECT subscription_id AS id, max(probed_at) AS last, arg_max(found, probed_at) AS found,
         bool_or(found AND probed_at >= $remembered) AS remembered
  FROM meta.usage_probes GROUP BY 1
), known AS (
  SELECT coalesce(s.id, a.id) AS id, coalesce(s.sent, a.sent) AS sent, s.price, p.last,
         a.id IS NOT NULL OR coalesce(p.found OR p.remembered, false) AS always,
         s.id IS NULL OR ((s.still_open > 0 OR s.end_date >= $ended) AND coalesce(s.starts <= $today, true)) AS bills
  FROM subs s FULL JOIN arrears a ON a.id = s.id LEFT JOIN probes p ON p.id = coalesce(s.id, a.id)
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY always
      ORDER BY last IS NOT NULL, CASE WHEN last IS NULL AND coalesce(price, 0) = 0 THEN 0 ELSE 1 END, last, id) AS turn,
    coalesce(last <= $due, false) AS late,
    row_number() OVER (PARTITION BY always, coalesce(last <= $due, false) ORDER BY last, id) AS late_turn,
    ceil(count(*) OVER (PARTITION BY always) / $days) AS share
  FROM known WHERE bills OR always
)
SELECT sent FROM ranked WHERE always OR turn <= share OR (late AND late_turn <= share) ORDER BY always DESC, turn
