-- What Pax8 said of the charges of a story: the items as read, their invoices where the status changed, and their usage
-- summaries when first read, when the company changed, and last in each month.
WITH charges AS (
  SELECT DISTINCT c.charge_id, u.invoice_id, u.summary_id FROM story_charges c LEFT
         JOIN reconciled.usage u USING (charge_id)
  UNION
  SELECT $id, split_part($id, '/', 1), NULL WHERE $kind = 'item'
  UNION
  SELECT NULL, NULL, $id WHERE $kind = 'summary'
), items AS (
  SELECT 'item' AS what, c.charge_id AS id, r.loaded_at, r.run_id, r.snapshot_id,
         from_json(r.payload, '{"description":"VARCHAR",
           "productName":"VARCHAR","details":"VARCHAR","term":"VARCHAR","quantity":"VARCHAR","unitOfMeasure":"VARCHAR",
                 "total":"VARCHAR",
           "costTotal":"VARCHAR","currencyCode":"VARCHAR","companyId":"VARCHAR","companyName":"VARCHAR",
                 "startPeriod":"VARCHAR"}') AS j
  FROM charges c JOIN meta.snapshots s ON s.table_name = 'pax8.invoice_items' AND s.complete
    AND lower(s.scope) = split_part(c.charge_id, '/', 1)
  JOIN pax8.invoice_items r ON r.snapshot_id = s.snapshot_id AND r.object_id = split_part(c.charge_id, '/', 2)
  QUALIFY row_number() OVER (PARTITION BY c.charge_id ORDER BY r.loaded_at) = 1
), parsed_invoices AS (
  SELECT 'pax8_invoice' AS what, r.object_id AS id, r.loaded_at, r.run_id, r.snapshot_id,
         from_json(r.payload, '{"status":"VARCHAR","invoiceDate":"VARCHAR","currencyCode":"VARCHAR"}') AS j
  FROM pax8.invoices r WHERE r.object_id IN (SELECT invoice_id FROM charges)
), invoices AS (
  SELECT * FROM parsed_invoices
  WINDOW w AS (PARTITION BY id ORDER BY loaded_at, snapshot_id)
  QUALIFY row_number() OVER w = 1 OR lag(j.status) OVER w IS DISTINCT FROM j.status
), parsed_summaries AS (
  SELECT 'summary' AS what, r.object_id AS id, r.loaded_at, r.run_id, r.snapshot_id, s.scope AS month,
         from_json(r.payload, '{"companyId":"VARCHAR","resourceGroup":"VARCHAR","currentCharges":"VARCHAR",
               "partnerTotal":"VARCHAR",
           "currencyCode":"VARCHAR","isTrial":"VARCHAR"}') AS j
  FROM pax8.usage_summaries r JOIN meta.snapshots s USING (snapshot_id)
    WHERE r.object_id IN (SELECT summary_id FROM charges)
), summaries AS (
  SELECT * FROM parsed_summaries
  WINDOW w AS (PARTITION BY id ORDER BY loaded_at, snapshot_id)
  QUALIFY row_number() OVER w = 1 OR lag(meta.idtext(j.companyId)) OVER w IS DISTINCT FROM meta.idtext(j.companyId)
       OR row_number() OVER (PARTITION BY id, month ORDER BY loaded_at DESC, snapshot_id DESC) = 1
)
SELECT what, id, loaded_at, run_id, snapshot_id, to_json(j)::VARCHAR AS facts, NULL AS month FROM items
UNION ALL SELECT what, id, loaded_at, run_id, snapshot_id, to_json(j)::VARCHAR, NULL FROM invoices
UNION ALL SELECT what, id, loaded_at, run_id, snapshot_id, to_json(j)::VARCHAR, month FROM summaries
ORDER BY loaded_at, what, id;
