-- What Halo showed of each licence, line and recurring invoice: the first whole read kept, and every one that differs
-- from the read before. One row per thing and change.
WITH reads AS (
  SELECT snapshot_id, run_id, loaded_at, table_name FROM meta.snapshots
  WHERE table_name IN ('halo.licences', 'halo.recurring_invoices') AND complete
), licences AS (
  SELECT snapshot_id, object_id AS id, from_json(payload, '{"count":"VARCHAR","is_active":"VARCHAR","status":"VARCHAR",
           "end_date":"VARCHAR","price":"VARCHAR","name":"VARCHAR","client_id":"VARCHAR"}') AS j
  FROM halo.licences WHERE object_id IN (SELECT id FROM story_subjects WHERE kind = 'licence')
), headers AS (
  SELECT snapshot_id, object_id AS id,
         from_json(payload, '{"disabled":"VARCHAR","client_id":"VARCHAR","reference":"VARCHAR",
           "period":"VARCHAR","nextcreationdate":"VARCHAR","lines":[{"id":"VARCHAR","qty_order":"VARCHAR",
           "isinactive":"VARCHAR","unit_price":"VARCHAR","item_shortdescription":"VARCHAR",
           "recurring_invoice_quantity_type":"VARCHAR","quantity_licences":[{"licence_id":"VARCHAR"}],
           "quantity_subscriptions":[{"licence_id":"VARCHAR"}]}]}') AS j
  FROM halo.recurring_invoices WHERE object_id IN (SELECT id FROM story_subjects WHERE kind = 'invoice')
), lines AS (
  SELECT snapshot_id, id AS invoice_id, unnest(j.lines) AS l FROM headers
), things AS (
  SELECT snapshot_id, 'licence' AS kind, id,
         to_json({'name': meta.clean(j.name), 'client_id': meta.halo_id(j.client_id),
           'count': meta.whole(j.count), 'active': meta.flag_or_null(j.is_active),
           'status': meta.txt(j.status), 'end_date': meta.halo_day(j.end_date),
           'price': meta.plain(meta.num(j.price)),
           'unreadable': concat_ws(', ', CASE WHEN meta.whole(j.count) IS NULL
             THEN coalesce('count: ' || j.count, 'no count') END,
                                   meta.bad_flag('is_active', j.is_active), meta.bad_num('price', j.price),
                                     meta.bad_id('client_id', j.client_id))})::VARCHAR AS facts FROM licences
  UNION ALL
  -- Halo states a quantity on computed lines too, but bills the licences' count: it is told as stated.
  SELECT snapshot_id, 'line', l.id,
         to_json({'name': meta.clean(l.item_shortdescription),
           'recurring_invoice_id': meta.own_recurring_id(invoice_id),
           'qty_order': meta.plain(meta.num(l.qty_order)), 'inactive': meta.flag_or_null(l.isinactive),
           'unit_price': meta.plain(meta.num(l.unit_price)),
           'unreadable': concat_ws(', ', meta.bad_num('qty_order', l.qty_order),
             meta.bad_num('unit_price', l.unit_price),
                                   meta.bad_flag('isinactive', l.isinactive)),
           'quantity_type': meta.kind(l.recurring_invoice_quantity_type),
           'licences': list_sort(list_transform(coalesce(l.quantity_licences, [])
             || coalesce(l.quantity_subscriptions, []),
                                                lambda q: meta.halo_id(q.licence_id)))})::VARCHAR
  FROM lines WHERE l.id IN (SELECT id FROM story_subjects WHERE kind = 'line')
  UNION ALL
  SELECT snapshot_id, 'invoice', id, to_json({'name': meta.txt(j.reference), 'client_id': meta.halo_id(j.client_id),
           'disabled': meta.flag_or_null(j.disabled),
             'unreadable': concat_ws(', ', meta.bad_flag('disabled', j.disabled),
               meta.bad_id('client_id', j.client_id)), 'lines': coalesce(len(j.lines), 0)})::VARCHAR FROM headers
), expected AS (
  SELECT kind, id, CASE kind WHEN 'licence' THEN 'halo.licences' ELSE 'halo.recurring_invoices' END AS table_name
  FROM story_subjects WHERE kind IN ('licence', 'line', 'invoice')
), seen AS (
  SELECT e.kind, e.id, r.loaded_at, r.run_id, r.snapshot_id, t.facts,
         count(t.facts) OVER (PARTITION BY e.kind, e.id ORDER BY r.loaded_at, r.snapshot_id) > 0 AS known
  FROM expected e JOIN reads r USING (table_name)
  LEFT JOIN things t ON t.snapshot_id = r.snapshot_id AND t.kind = e.kind AND t.id = e.id
)
SELECT * EXCLUDE (known) FROM seen WHERE known
WINDOW w AS (PARTITION BY kind, id ORDER BY loaded_at, snapshot_id)
QUALIFY row_number() OVER w = 1 OR lag(facts) OVER w IS DISTINCT FROM facts
ORDER BY loaded_at, kind, id;
