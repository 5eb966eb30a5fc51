WITH repeated AS (
  SELECT object_id FROM newest.halo_recurring_invoices GROUP BY object_id HAVING count(*) > 1
), contents AS (
  SELECT object_id, payload FROM newest.halo_recurring_invoices WHERE object_id NOT IN (SELECT object_id FROM repeated)
  UNION ALL
  SELECT DISTINCT object_id, payload FROM newest.halo_recurring_invoices
  WHERE object_id IN (SELECT object_id FROM repeated)
), lines AS (
  SELECT object_id AS recurring_invoice, unnest(from_json(payload, '{"lines": [{"id": "VARCHAR"}]}').lines).id AS line
  FROM contents
)
SELECT 'line ' || line AS id, count(*) AS objects,
       min(recurring_invoice) AS one, max(recurring_invoice) AS other
FROM lines WHERE line IS NOT NULL
GROUP BY line HAVING count(*) > 1 ORDER BY id
