/* Every row of the compared months with its acknowledgement, and whether that still covers it: its date has not
passed, the money has not grown, the currency is the same. A row of another class has another finding.

key: month, row_id
extends: monthly.rows
reads: monthly.rows, monthly.months, billing.acknowledged
| finding_id | VARCHAR | Its name in data/acknowledged.csv, lower case | monthly.rows.class, monthly.rows.row_id |
| ack_reason | VARCHAR | Why it may stay | billing.acknowledged.reason |
| ack_who | VARCHAR | Who said so | billing.acknowledged.who |
| ack_until | DATE | Until when | billing.acknowledged.until |
| ack_amount | DECIMAL(28,10) | Its money then | billing.acknowledged.amount |
| acknowledged_on | DATE | When | billing.acknowledged.acknowledged_on |
| acknowledged | BOOLEAN | The acknowledgement covers it | billing.acknowledged.amount, monthly.rows.difference |
| is_open | BOOLEAN | It waits for a person: it does not agree or was not checked, and nobody acknowledged it
  | monthly.rows.class |
*/
SELECT r.*, a.reason AS ack_reason, a.who AS ack_who, a.until AS ack_until, a.amount AS ack_amount, a.acknowledged_on,
       a.finding_id IS NOT NULL
         AND (a.until IS NULL OR a.until >= m.today)
         AND CASE WHEN r.difference IS NULL THEN a.amount IS NULL
                  WHEN r.difference = 0 THEN true
                  ELSE upper(a.currency) IS NOT DISTINCT FROM r.currency
                       AND coalesce(abs(r.difference) <= a.amount, false) END AS acknowledged,
       r.class NOT IN ('equal', 'timing') AND NOT acknowledged AS is_open
FROM (SELECT *, 'month_' || class || ':' || month || ':' || lower(row_id) AS finding_id FROM monthly.rows) r
JOIN monthly.months m USING (month)
LEFT JOIN billing.acknowledged a ON a.finding_id = r.finding_id
