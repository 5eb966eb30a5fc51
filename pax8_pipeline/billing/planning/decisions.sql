/* What becomes of each candidate: its class and the reason for it, by its verdict, the client's trust mode, Halo's own
integration and what the trust mode `auto` covers (policy.yaml, trust.auto). The same for seats and usage.

key: row_id
reads: candidates, verdict_classes, trust_modes, billing.ledger, billing.plan
| row_id | VARCHAR | Row of the plan | candidates.row_id |
| class | VARCHAR | safe, needs_approval, blocked or no_op | candidates.verdict, candidates.stop,
  candidates.first_wait, candidates.wait |
| decided_by | VARCHAR | Reason code: what decided its class | candidates.verdict, candidates.stop,
  candidates.first_wait, candidates.wait |
| trust | VARCHAR | Trust mode of the client | trust_modes.mode |
| verdict_sentence | VARCHAR | The verdict in words, empty for one that has no rule | verdict_classes.sentence |
*/
WITH kinds_written AS (
  SELECT DISTINCT client_id, CASE WHEN list_contains(getvariable('usage_actions'), action) THEN 'usage'
         ELSE action END AS kind
  FROM billing.ledger WHERE state = 'verified'
), undone AS (
  -- What a person undid is not done again by night: it waits until somebody agrees.
  SELECT l.row_id FROM billing.ledger l JOIN billing.plan p ON p.plan_id = l.plan_id AND p.row_id = l.row_id
  WHERE l.state = 'verified' GROUP BY l.row_id
  HAVING max(l.entry) FILTER (p.verdict = 'rollback') > coalesce(max(l.entry) FILTER (p.verdict <> 'rollback'), 0)
), with_trust AS (
  SELECT c.*, v.class AS verdict_class, v.sentence AS verdict_sentence,
         coalesce(t.mode, getvariable('trust_default')) AS trust, u.row_id IS NOT NULL AS is_undone,
         k.client_id IS NOT NULL AS is_known_kind
  FROM candidates c
  LEFT JOIN verdict_classes v USING (verdict)
  LEFT JOIN trust_modes t ON t.client_id = c.client_id
  LEFT JOIN undone u ON u.row_id = c.row_id
  LEFT JOIN kinds_written k ON k.client_id = c.client_id AND k.kind = c.kind
), with_limits AS (
  SELECT *, CASE
      WHEN action = 'none' THEN NULL
      WHEN stop IS NOT NULL THEN stop
      WHEN trust = 'observe' THEN 'trust_observe'
      WHEN getvariable('native') <> 'off' THEN 'native_integration_' || getvariable('native')
      ELSE last_stop END AS stopped_by,
    CASE
      WHEN action = 'none' THEN NULL
      -- A person applies the changes of such a client by hand, in a freeze window too.
      WHEN first_wait IS NOT NULL AND trust <> 'propose' THEN first_wait
      WHEN verdict_class <> 'safe' THEN NULL
      WHEN wait IS NOT NULL THEN wait
      WHEN is_undone AND trust IN ('auto', 'approve') THEN 'rolled_back'
      WHEN trust <> 'auto' THEN 'trust_' || trust
      WHEN NOT list_contains(getvariable('auto_directions'), direction) THEN 'auto_direction'
      WHEN abs(seats) > getvariable('auto_seats') THEN 'auto_seats'
      WHEN abs(money) > getvariable('auto_money') THEN 'auto_money'
      WHEN NOT getvariable('auto_new_kinds') AND NOT is_known_kind THEN 'auto_new_kind' END AS waits_for
  FROM with_trust
)
SELECT row_id, CASE
    -- A verdict that this version has no rule for is never written.
    WHEN verdict_class IS NULL OR stopped_by IS NOT NULL THEN 'blocked'
    WHEN action = 'none' THEN CASE WHEN verdict_class IN ('safe', 'needs_approval') THEN 'no_op' ELSE verdict_class END
    WHEN verdict_class = 'safe' AND waits_for IS NULL THEN 'safe'
    ELSE 'needs_approval' END AS class,
  coalesce(stopped_by, waits_for, verdict) AS decided_by, trust, verdict_sentence
FROM with_limits
