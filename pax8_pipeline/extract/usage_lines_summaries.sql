SELECT s.sent, s.charges, s.cost, r.charges AS seen_charges, r.cost AS seen_cost, r.asked_on, r.reached
FROM (SELECT object_id AS id, min(trim(json_extract_string(payload, '$.id'))) AS sent,
             sum(meta.num(json_extract_string(payload, '$.currentCharges'))) AS charges,
             sum(meta.num(json_extract_string(payload, '$.partnerTotal'))) AS cost
      FROM newest.pax8_usage_summaries
      WHERE scope = $month AND meta.idtext(json_extract_string(payload, '$.id')) IS NOT NULL GROUP BY object_id) s
LEFT JOIN (SELECT summary_id, arg_max(charges, asked_at) AS charges, arg_max(cost, asked_at) AS cost,
                  max(asked_on) AS asked_on, max(usage_date) FILTER (usage_date < asked_on) AS reached
           FROM meta.usage_line_reads WHERE month = $month GROUP BY summary_id) r ON r.summary_id = lower(s.sent)
ORDER BY s.sent
