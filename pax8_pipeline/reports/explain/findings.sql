-- Open findings a story is about, by its plan rows and subscriptions (explain_rows.sql, explain_subjects.sql).
SELECT finding_id, kind, check_name, row_id, sentence, money, per, currency, first_seen, last_seen, is_new,
       acknowledged, ack_who, ack_until,
       ack_reason, ack_amount, acknowledged_on
FROM billing.findings_state
WHERE still_open AND (row_id IN (SELECT row_id FROM story_rows)
  OR subscription_id IN (SELECT id FROM story_subjects WHERE kind = 'subscription' AND id <> ''))
ORDER BY first_seen, finding_id;
