-- What Pax8 bills and nobody is billed for, as the last run found it, the most money first.
SELECT finding_id, kind, client_name, company_name, client_id, company_id, product_name, sentence, money, per, currency,
       first_seen, is_new, acknowledged
FROM billing.findings_state WHERE still_open AND NOT waits AND (money IS NULL OR money > 0)
ORDER BY money DESC NULLS LAST, finding_id
