-- The documents among them bring their charges into the story.
INSERT INTO story_charges
SELECT DISTINCT charge_id, '', [] FROM (
  SELECT unnest(from_json(p.expect, '{"usage":{"lines":[{"charges":["VARCHAR"]}]}}').usage.lines).charges AS charges
  FROM billing.plan p JOIN story_rows USING (plan_id, row_id) WHERE $kind IN ('usage', 'halo_invoice')
), unnest(charges) AS t(charge_id);
