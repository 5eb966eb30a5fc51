-- What each plan made of it. Plans that say the same of a row, one after the other, with nothing agreed to or written,
-- are told once, with how many said so and until when.
WITH rows_ AS (
  SELECT p.*, h.made_at, h.run_id, h.checksum, h.policy_fingerprint, h.mapping_fingerprint, h.write_mode, h.complete,
         h.problem,
         h.expires_at, EXISTS (SELECT 1 FROM billing.ledger l WHERE l.plan_id = p.plan_id AND l.row_id = p.row_id)
           OR EXISTS (SELECT 1 FROM billing.approved_rows a WHERE a.plan_id = p.plan_id
             AND a.row_id = p.row_id) AS acted,
         (p.class, p.verdict, p.action, p.reason, p.sentence, p."before", p."after", p.licence_id, p.line_id,
          h.policy_fingerprint, h.mapping_fingerprint, h.complete) AS decision
  FROM story_rows s JOIN billing.plan p USING (plan_id, row_id) JOIN billing.plans h USING (plan_id)
), marked AS (
  SELECT *, lag(decision) OVER w IS DISTINCT FROM decision OR acted OR coalesce(lag(acted) OVER w, false) AS begins
  FROM rows_ WINDOW w AS (PARTITION BY row_id ORDER BY made_at, plan_id)
), runs AS (
  SELECT *, count(*) FILTER (begins) OVER (PARTITION BY row_id ORDER BY made_at, plan_id) AS island FROM marked
)
SELECT * EXCLUDE (decision, begins, island, acted),
       count(*) OVER (PARTITION BY row_id, island) AS plans, max(made_at)
         OVER (PARTITION BY row_id, island) AS said_until
FROM runs
QUALIFY row_number() OVER (PARTITION BY row_id, island ORDER BY made_at, plan_id) = 1
ORDER BY made_at, plan_id, row_id;
