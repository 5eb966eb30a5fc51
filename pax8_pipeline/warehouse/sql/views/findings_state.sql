-- Every finding with its acknowledgement, and whether that still covers it: its date has not passed, the money has not
-- grown, the currency is the same. The day is that of the run that saw the finding last.
CREATE OR REPLACE VIEW billing.findings_state AS
SELECT f.*, f.first_seen = f.last_seen AS is_new, f.changed_on = f.last_seen AS is_news,
       a.reason AS ack_reason, a.who AS ack_who, a.until AS ack_until, a.amount AS ack_amount, a.acknowledged_on,
       a.finding_id IS NOT NULL
         AND (a.until IS NULL OR a.until >= f.last_seen)
         AND (coalesce(f.money, 0) = 0 OR upper(a.currency) IS NOT DISTINCT FROM f.currency)
         AND CASE WHEN f.money IS NULL THEN a.amount IS NULL
                  WHEN f.money = 0 THEN true
                  ELSE coalesce(abs(round(f.money, 2)) <= a.amount, false) END AS acknowledged,
       -- Money at stake and nobody has said that it is known. A creation without a known result is told of as pending.
       NOT acknowledged AND f.still_open AND NOT f.waits AND f.kind <> 'usage_unsettled' AND (f.money IS NULL OR round(f.money, 2) <> 0) AS counts
FROM billing.findings f LEFT JOIN billing.acknowledged a ON a.finding_id = lower(f.finding_id);
