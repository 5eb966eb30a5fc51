-- The identities of other data folders that usage documents carry and that no person retired since. Parameter: own, the
-- identity of this folder.
SELECT d.writer, count(*) AS documents, min(d.usage_key) AS usage_key, max(d.first_seen) AS newest
FROM billing.documents d
WHERE d.writer IS NOT NULL AND d.writer IS DISTINCT FROM $own
  AND NOT EXISTS (SELECT 1 FROM billing.writers w
                  WHERE w.kind = 'retired' AND w.writer = d.writer AND w.recorded_at >= d.first_seen)
GROUP BY d.writer ORDER BY d.writer;
