/* One row per link between a recurring invoice line and a licence whose count it bills. A link whose licence or line
cannot be told is a link all the same.

key: line_id, licence_id
reads: newest.halo_recurring_invoices
| line_id | BIGINT | Halo line, empty where its id cannot be read | halo.recurring_invoices.payload |
| recurring_invoice_id | BIGINT | Its recurring invoice | halo.recurring_invoices.payload |
| licence_id | BIGINT | Licence it follows, empty where its id cannot be read | halo.recurring_invoices.payload |
| qty_free | DECIMAL(28,10) | Units not billed | halo.recurring_invoices.payload |
| minimum_qty | DECIMAL(28,10) | Least quantity billed | halo.recurring_invoices.payload |
| use_linked_price | BOOLEAN not null | The line's price follows the licence | halo.recurring_invoices.payload |
| use_linked_cost | BOOLEAN not null | The line's cost follows the licence | halo.recurring_invoices.payload |
| pro_rata | BOOLEAN not null | Halo makes part-period entries when the count changes | halo.recurring_invoices.payload
  |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing
  | halo.recurring_invoices.payload |
*/
WITH headers AS (
  SELECT object_id, from_json(payload, '{"id":"VARCHAR","lines":["JSON"]}') AS j FROM newest.halo_recurring_invoices
), lines AS (
  SELECT object_id, meta.own_recurring_id(j.id) AS recurring_invoice_id, unnest(j.lines) AS sent FROM headers
), typed AS (
  SELECT object_id, recurring_invoice_id, sent::VARCHAR AS payload, from_json(sent, '{"id":"VARCHAR",
    "quantity_licences":[{"licence_id":"VARCHAR","qty_free":"VARCHAR","minimum_qty":"VARCHAR","pro_rata":"VARCHAR",
      "use_linked_subscription_price":"VARCHAR","use_linked_subscription_cost":"VARCHAR"}],
    "quantity_subscriptions":[{"licence_id":"VARCHAR","qty_free":"VARCHAR","minimum_qty":"VARCHAR","pro_rata":"VARCHAR",
      "use_linked_subscription_price":"VARCHAR","use_linked_subscription_cost":"VARCHAR"}]}') AS l
  FROM lines WHERE json_type(sent) = 'OBJECT'
), links AS (
  SELECT object_id, payload, recurring_invoice_id, meta.halo_id(l.id) AS line_id,
         unnest(coalesce(l.quantity_licences, []) || coalesce(l.quantity_subscriptions, [])) AS q
  FROM typed
), with_fault AS (
  SELECT *, meta.halo_id(q.licence_id) AS licence_id,
         coalesce(CASE WHEN line_id IS NULL THEN 'the line has no readable id' END,
           meta.missing('licence_id', q.licence_id),
                  meta.bad_id('licence_id', q.licence_id), meta.bad_num('qty_free', q.qty_free),
                    meta.bad_num('minimum_qty', q.minimum_qty),
                  meta.bad_flag('use_linked_subscription_price', q.use_linked_subscription_price)) AS reject
  -- 0 and -1 are Halo's words for none (docs/vendors/halo.md#formats).
  FROM links WHERE coalesce(meta.as_written(q.licence_id), '') NOT IN ('0', '-1')
)
SELECT line_id, recurring_invoice_id, licence_id,
       max(CASE WHEN meta.txt(q.qty_free) IS NULL THEN 0 ELSE meta.num(q.qty_free) END) AS qty_free,
       max(CASE WHEN meta.txt(q.minimum_qty) IS NULL THEN 0 ELSE meta.num(q.minimum_qty) END) AS minimum_qty,
       bool_and(meta.flag(q.use_linked_subscription_price)) AS use_linked_price,
         bool_and(meta.flag(q.use_linked_subscription_cost)) AS use_linked_cost,
       -- Which values of pro_rata mean what is not stated anywhere: only none, 0 and false are off.
       bool_or(coalesce(lower(meta.txt(q.pro_rata)), '0') NOT IN ('0', 'false')) AS pro_rata,
       max(reject) AS reject, any_value(object_id) AS object_id,
       -- Shown of what cannot be read; carrying it along for all costs more than the rest of this query.
       any_value(payload) FILTER (reject IS NOT NULL) AS payload
FROM with_fault GROUP BY line_id, recurring_invoice_id, licence_id
