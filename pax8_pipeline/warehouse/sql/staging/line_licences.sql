/* One row per link between a recurring invoice line and a licence whose count it bills.

key: line_id, licence_id
| line_id | BIGINT not null | Halo line | halo.recurring_invoices.payload |
| recurring_invoice_id | BIGINT not null | Its recurring invoice | halo.recurring_invoices.payload |
| licence_id | BIGINT not null | Licence it follows | halo.recurring_invoices.payload |
| qty_free | DECIMAL(28,10) not null | Units not billed | halo.recurring_invoices.payload |
| minimum_qty | DECIMAL(28,10) not null | Least quantity billed | halo.recurring_invoices.payload |
| use_linked_price | BOOLEAN not null | The line's price follows the licence | halo.recurring_invoices.payload |
| use_linked_cost | BOOLEAN not null | The line's cost follows the licence | halo.recurring_invoices.payload |
| pro_rata | BOOLEAN not null | Halo makes part-period entries when the count changes | halo.recurring_invoices.payload |
*/
WITH headers AS (
  SELECT object_id, payload, from_json(payload, '{"id":"VARCHAR","lines":[{"id":"VARCHAR",
    "quantity_licences":[{"licence_id":"VARCHAR","qty_free":"VARCHAR","minimum_qty":"VARCHAR","pro_rata":"VARCHAR",
      "use_linked_subscription_price":"VARCHAR","use_linked_subscription_cost":"VARCHAR"}],
    "quantity_subscriptions":[{"licence_id":"VARCHAR","qty_free":"VARCHAR","minimum_qty":"VARCHAR","pro_rata":"VARCHAR",
      "use_linked_subscription_price":"VARCHAR","use_linked_subscription_cost":"VARCHAR"}]}]}') AS j
  FROM newest.halo_recurring_invoices
), lines AS (
  SELECT object_id, meta.own_recurring_id(j.id) AS recurring_invoice_id, unnest(j.lines) AS l FROM headers
), links AS (
  SELECT object_id, recurring_invoice_id, meta.halo_id(l.id) AS line_id,
         unnest(coalesce(l.quantity_licences, []) || coalesce(l.quantity_subscriptions, [])) AS q
  FROM lines
)
SELECT line_id, recurring_invoice_id, meta.halo_id(q.licence_id) AS licence_id,
       max(coalesce(meta.num(q.qty_free), 0)) AS qty_free, max(coalesce(meta.num(q.minimum_qty), 0)) AS minimum_qty,
       bool_and(meta.flag(q.use_linked_subscription_price)) AS use_linked_price, bool_and(meta.flag(q.use_linked_subscription_cost)) AS use_linked_cost,
       -- Which values of pro_rata mean what is not stated anywhere: only none, 0 and false are off.
       bool_or(coalesce(lower(meta.txt(q.pro_rata)), '0') NOT IN ('0', 'false')) AS pro_rata,
       NULL AS reject, any_value(object_id) AS object_id, '' AS payload
FROM links WHERE meta.halo_id(q.licence_id) IS NOT NULL AND line_id IS NOT NULL AND recurring_invoice_id IS NOT NULL
GROUP BY line_id, recurring_invoice_id, meta.halo_id(q.licence_id)
