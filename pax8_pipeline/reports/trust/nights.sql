-- For each client the nights since the last proposal that was not accepted: in how many all its proposals were
-- accepted unchanged. Accepted: written and verified as planned, also by a later plan, or done by hand in Halo exactly
-- so. Refused: undone, or set to something else by hand. Neither: still open, or Pax8 changed meanwhile. A night
-- without proposals counts once one was accepted. Parameter: since (date), how far back plans are looked at.
WITH nights AS (  -- the last plan of each day from whole reads; the way back from a plan proposes nothing
  SELECT plan_id, today, made_at FROM billing.plans h
  WHERE complete AND today >= $since
    AND NOT EXISTS (FROM billing.plan p WHERE p.plan_id = h.plan_id AND p.verdict = 'rollback')
  QUALIFY row_number() OVER (PARTITION BY today ORDER BY made_at DESC, plan_id) = 1
), proposals AS (
  SELECT n.today, n.made_at, p.row_id, p.client_id, p.action, p."after", p.quantity_before, p.quantity_after
  FROM nights n JOIN billing.plan p USING (plan_id)
  WHERE p.action <> 'none' AND p.client_id IS NOT NULL
), seen AS (  -- what the next night saw of the same row
  SELECT n.today, p.row_id,
         lead(p.class) OVER later AS next_class, lead(p.quantity_before) OVER later AS next_quantity,
         lead(p.verdict IN ('in_step', 'ended', 'usage_billed', 'usage_present')) OVER later AS next_is_done
  FROM nights n JOIN billing.plan p USING (plan_id)
  WHERE p.row_id IN (SELECT row_id FROM proposals)
  WINDOW later AS (PARTITION BY p.row_id ORDER BY n.today)
), written AS (
  SELECT l.row_id, l.entry, l.recorded_at, l.action, l."after", p.verdict = 'rollback' AS undoes
  FROM billing.ledger l JOIN billing.plan p USING (plan_id, row_id) WHERE l.state = 'verified'
), undone AS (
  SELECT row_id, max(recorded_at) AS undone_at FROM written WHERE undoes GROUP BY row_id
), decided AS (
  SELECT p.today, p.client_id, p.row_id, p."after",
         EXISTS (FROM written w WHERE w.row_id = p.row_id AND NOT w.undoes AND w.recorded_at >= p.made_at
                   AND w.action = p.action AND w."after" IS NOT DISTINCT FROM p."after") AS is_written,
         u.undone_at >= p.made_at AS is_undone,
         s.next_class = 'no_op' AND s.next_is_done
           AND coalesce(s.next_quantity = p.quantity_after, true) AS is_done_by_hand,
         s.next_quantity <> p.quantity_before AND s.next_quantity <> p.quantity_after AS is_set_otherwise
  FROM proposals p JOIN seen s USING (today, row_id) LEFT JOIN undone u USING (row_id)
), by_night AS (
  SELECT client_id, today,
         bool_or(coalesce(is_undone, false)
                 OR (coalesce(is_set_otherwise, false) AND NOT is_written)) AS is_refused,
         bool_and(is_written OR coalesce(is_done_by_hand, false)) AS is_accepted,
         count(*) AS proposals
  FROM decided GROUP BY client_id, today
), starts AS (
  SELECT client_id, max(today) FILTER (is_refused) AS refused_on FROM by_night GROUP BY client_id
), first_accepted AS (
  SELECT b.client_id, s.refused_on, min(b.today) FILTER (b.is_accepted) AS accepted_on,
         coalesce(sum(b.proposals) FILTER (b.is_accepted), 0) AS accepted,
         count(*) FILTER (NOT b.is_accepted) AS open_nights,
         max(b.today) FILTER (NOT b.is_accepted) AS open_on
  FROM by_night b JOIN starts s USING (client_id)
  WHERE NOT b.is_refused AND b.today > coalesce(s.refused_on, DATE '0001-01-01')
  GROUP BY b.client_id, s.refused_on
)
SELECT s.client_id, s.refused_on, f.accepted_on, coalesce(f.accepted, 0)::BIGINT AS accepted, f.open_on,
       (SELECT count(*) FROM nights n
        WHERE n.today >= f.accepted_on
          AND NOT EXISTS (FROM by_night b
                          WHERE b.client_id = s.client_id AND b.today = n.today AND NOT b.is_accepted)) AS nights
FROM starts s LEFT JOIN first_accepted f USING (client_id)
ORDER BY s.client_id
