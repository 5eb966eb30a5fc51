/* Every finding with its acknowledgement, and whether that still covers it: its date has not passed, the money has not
grown, the currency is the same. The day is that of the run that saw the finding last.

key: finding_id
extends: billing.findings
reads: billing.findings, billing.acknowledged
| is_new | BOOLEAN | First seen in the last run, and by no earlier plan of that day | billing.findings.first_seen,
  billing.findings.last_seen, billing.findings.first_plan |
| is_news | BOOLEAN | New, or its money grew in the last run | billing.findings.changed_on, billing.findings.last_seen |
| ack_reason | VARCHAR | Why it may stay | billing.acknowledged.reason |
| ack_who | VARCHAR | Who said so | billing.acknowledged.who |
| ack_until | DATE | Until when | billing.acknowledged.until |
| ack_amount | DECIMAL(28,10) | Its money then | billing.acknowledged.amount |
| acknowledged_on | DATE | When | billing.acknowledged.acknowledged_on |
| acknowledged | BOOLEAN | The acknowledgement covers it | billing.acknowledged.amount, billing.findings.money |
| counts | BOOLEAN | Money at stake that nobody acknowledged | billing.findings.money, billing.findings.waits |
*/
SELECT f.*, f.first_seen = f.last_seen AND coalesce(f.first_plan = f.plan_id, true) AS is_new,
       f.changed_on = f.last_seen AS is_news,
       a.reason AS ack_reason, a.who AS ack_who, a.until AS ack_until, a.amount AS ack_amount, a.acknowledged_on,
       a.finding_id IS NOT NULL
         AND (a.until IS NULL OR a.until >= f.last_seen)
         AND (coalesce(f.money, 0) = 0 OR upper(a.currency) IS NOT DISTINCT FROM f.currency)
         AND CASE WHEN f.money IS NULL THEN a.amount IS NULL
                  WHEN f.money = 0 THEN true
                  ELSE coalesce(abs(round(f.money, 2)) <= a.amount, false) END AS acknowledged,
       -- Money at stake and nobody has said that it is known. A creation without a known result is told of as pending.
       NOT acknowledged AND f.still_open AND NOT f.waits AND f.kind <> 'usage_unsettled'
         AND (f.money IS NULL OR round(f.money, 2) <> 0) AS counts
FROM billing.findings f LEFT JOIN billing.acknowledged a ON a.finding_id = lower(f.finding_id)
