/* The lines of every planned usage invoice: of a plan of an earlier version, which has none in billing.plan_lines, as
the copy in its `expect` says. Without them what was billed once would be billed again.

key: plan_id, row_id, ref
extends: billing.plan_lines
reads: billing.plan_lines, billing.plan
*/
SELECT * FROM billing.plan_lines
UNION ALL BY NAME
SELECT plan_id, row_id, usage.month AS month, usage.company_id AS company_id, line.ref AS ref,
       meta.halo_id(line.item_id) AS item_id, line.text AS text, line.note AS note,
       try_cast(line.amount AS DECIMAL(28,10)) AS amount, try_cast(line.cost AS DECIMAL(28,10)) AS cost,
       coalesce(line.charges, []) AS charges
FROM (
  SELECT p.plan_id, p.row_id, from_json(json_extract(p.expect, '$.usage'), '{"month":"VARCHAR","company_id":"VARCHAR",
           "lines":[{"ref":"VARCHAR","item_id":"VARCHAR","text":"VARCHAR","note":"VARCHAR","amount":"VARCHAR",
           "cost":"VARCHAR","charges":["VARCHAR"]}]}') AS usage
  FROM billing.plan p LEFT JOIN (SELECT DISTINCT plan_id, row_id FROM billing.plan_lines) n USING (plan_id, row_id)
  WHERE n.row_id IS NULL AND p.action <> 'none' AND contains(p.expect, '"usage"')
), unnest(usage.lines) AS t(line)
