-- One sum over what the plan says; nothing in it depends on when or where it was made.
SELECT sha256(coalesce(string_agg(line, chr(10) ORDER BY line), '')) FROM (
  SELECT concat_ws('|', row_id, class, verdict, action, reason, coalesce(client_id::VARCHAR, ''), coalesce(target, ''),
                   coalesce("before", ''), coalesce("after", ''), coalesce(currency, ''),
                     coalesce(money_per_period::VARCHAR, ''),
                   unbilled_per_month::VARCHAR, expect) AS line
  FROM plan_rows
);
