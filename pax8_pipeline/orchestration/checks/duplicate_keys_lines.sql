WITH lines AS (
  SELECT object_id AS recurring_invoice, unnest(from_json(payload, '{"lines": [{"id": "VARCHAR"}]}').lines).id AS line
  FROM (SELECT DISTINCT object_id, payload FROM newest.halo_recurring_invoices)
)
SELECT 'line ' || line AS id, count(*) AS objects,
       min(recurring_invoice) AS one, max(recurring_invoice) AS other
FROM lines WHERE line IS NOT NULL
GROUP BY line HAVING count(*) > 1 ORDER BY id
