-- What Halo showed of the invoices of a story, told again when something of it changed: those that bear the key of one
-- of
-- its documents, and the one that was asked for.
WITH keys AS (
  SELECT DISTINCT lower(row_id) AS usage_key FROM story_rows WHERE starts_with(lower(row_id), 'pax8-usage ')
), mine AS (
  SELECT r.snapshot_id, r.run_id, r.loaded_at, r.object_id AS id,
         from_json(r.payload, '{"client_id":"VARCHAR","invoice_date":"VARCHAR",
           "reference":"VARCHAR","posted":"VARCHAR","voided":"VARCHAR","lines":[{"qty_order":"VARCHAR",
                 "unit_price":"VARCHAR"}]}') AS j
  FROM halo.invoices r
  WHERE ($kind = 'halo_invoice' AND r.object_id = $id)
     OR list_has_any(regexp_extract_all(lower(r.payload),
       'pax8-usage \d{4}-\d{2} [0-9a-f][0-9a-f-]*[0-9a-f](?:-adj\d+)?'),
                     (SELECT coalesce(list(usage_key), []) FROM keys))
), history AS (
  SELECT snapshot_id, run_id, loaded_at, id,
         to_json({'reference': meta.txt(j.reference), 'client_id': meta.halo_id(j.client_id),
           'invoice_date': meta.halo_day(j.invoice_date), 'lines': coalesce(len(j.lines), 0),
           'net': meta.plain(coalesce(list_sum([(coalesce(meta.num(l.qty_order),
             0)::DECIMAL(18,6) * coalesce(meta.num(l.unit_price), 0)::DECIMAL(18,6))::DECIMAL(28,10)
                                     for l in j.lines]), 0)),
           'posted': meta.flag(j.posted), 'voided': meta.flag(j.voided)})::VARCHAR AS facts
  FROM mine
)
SELECT * FROM history
WINDOW w AS (PARTITION BY id ORDER BY loaded_at, snapshot_id)
QUALIFY lag(facts) OVER w IS DISTINCT FROM facts
ORDER BY loaded_at, id;
