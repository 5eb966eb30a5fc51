/* One row per line of a Halo recurring invoice.

key: line_id
| line_id | BIGINT not null | Halo line id | halo.recurring_invoices.payload |
| recurring_invoice_id | BIGINT not null | Its recurring invoice | halo.recurring_invoices.payload |
| item_id | BIGINT | Halo item | halo.recurring_invoices.payload |
| description | VARCHAR | Text on the invoice | halo.recurring_invoices.payload |
| quantity_type | BIGINT not null | 0 manual, 1 licences, 2 users, 3 assets, 4 subscriptions | halo.recurring_invoices.payload |
| quantity_source | VARCHAR not null | manual, licence, or the reason why this line is not ours to change | halo.recurring_invoices.payload |
| qty_order | DECIMAL(28,10) | Stated quantity; billing ignores it on computed lines | halo.recurring_invoices.payload |
| unit_price | DECIMAL(28,10) | Price per unit and period | halo.recurring_invoices.payload |
| unit_cost | DECIMAL(28,10) | Cost per unit and period | halo.recurring_invoices.payload |
| is_live | BOOLEAN not null | The line bills: not inactive, inside its dates, invoice not disabled | halo.recurring_invoices.payload |
| off_because | VARCHAR | Why it does not bill | halo.recurring_invoices.payload |
| is_inactive | BOOLEAN not null | The switch `isinactive` | halo.recurring_invoices.payload |
| pending_pro_rata | BIGINT not null | Part-period entries not invoiced yet | halo.recurring_invoices.payload |
| linked_price | BOOLEAN not null | The price follows the licence | halo.recurring_invoices.payload |
*/
WITH headers AS (
  SELECT object_id, payload, from_json(payload, '{"id":"VARCHAR","disabled":"VARCHAR","lines":[{"id":"VARCHAR",
    "_itemid":"VARCHAR","item_shortdescription":"VARCHAR","recurring_invoice_quantity_type":"VARCHAR",
    "qty_order":"VARCHAR","unit_price":"VARCHAR","unit_cost":"VARCHAR","isinactive":"VARCHAR","isActive":"VARCHAR",
    "startdate":"VARCHAR","enddate":"VARCHAR","isgroupdesc":"VARCHAR","is_bundled_line":"VARCHAR",
    "bundle_id":"VARCHAR","is_meter":"VARCHAR","consumption_line_type":"VARCHAR","onetimecharge":"VARCHAR",
    "quantity_custom":"VARCHAR","prorata_data":[{"isinvoiced":"VARCHAR"}],
    "quantity_licences":[{"use_linked_subscription_price":"VARCHAR"}],
    "quantity_subscriptions":[{"use_linked_subscription_price":"VARCHAR"}]}]}') AS j
  FROM newest.halo_recurring_invoices
), lines AS (
  SELECT object_id, try_cast(j.id AS BIGINT) AS recurring_invoice_id, meta.flag(j.disabled) AS disabled, unnest(j.lines) AS l
  FROM headers
)
SELECT try_cast(l.id AS BIGINT) AS line_id, recurring_invoice_id, meta.halo_id(l._itemid) AS item_id,
       meta.txt(l.item_shortdescription) AS description,
       coalesce(try_cast(l.recurring_invoice_quantity_type AS BIGINT), 0) AS quantity_type,
       CASE WHEN meta.flag(l.isgroupdesc) THEN 'group_heading'
            WHEN meta.flag(l.is_bundled_line) OR coalesce(meta.halo_id(l.bundle_id), 0) > 0 THEN 'bundle'
            WHEN meta.flag(l.is_meter) THEN 'meter'
            WHEN coalesce(meta.halo_id(l.consumption_line_type), 0) > 0 THEN 'consumption'
            WHEN meta.flag(l.onetimecharge) THEN 'one_time_charge'
            WHEN coalesce(meta.halo_id(l.quantity_custom), 0) > 0 THEN 'custom_sql'
            WHEN coalesce(try_cast(l.recurring_invoice_quantity_type AS BIGINT), 0) IN (1, 4) THEN 'licence'
            WHEN coalesce(try_cast(l.recurring_invoice_quantity_type AS BIGINT), 0) = 0 THEN 'manual'
            WHEN try_cast(l.recurring_invoice_quantity_type AS BIGINT) = 2 THEN 'users'
            WHEN try_cast(l.recurring_invoice_quantity_type AS BIGINT) = 3 THEN 'assets'
            ELSE 'unknown_type' END AS quantity_source,
       meta.num(l.qty_order) AS qty_order, meta.num(l.unit_price) AS unit_price, meta.num(l.unit_cost) AS unit_cost,
       CASE WHEN disabled THEN 'recurring_invoice_disabled'
            WHEN meta.flag(l.isinactive) THEN 'line_inactive'
            WHEN meta.halo_day(l.enddate) < getvariable('today') THEN 'line_ended'
            WHEN meta.halo_day(l.startdate) > getvariable('today') THEN 'line_not_started'
            WHEN try_cast(l.isActive AS BOOLEAN) = false THEN 'line_inactive' END AS off_because,
       off_because IS NULL AS is_live,
       meta.flag(l.isinactive) AS is_inactive,
       coalesce(len(list_filter(l.prorata_data, lambda p: NOT meta.flag(p.isinvoiced))), 0) AS pending_pro_rata,
       len(list_filter(coalesce(l.quantity_licences, []) || coalesce(l.quantity_subscriptions, []),
                       lambda q: meta.flag(q.use_linked_subscription_price))) > 0 AS linked_price,
       CASE WHEN try_cast(l.id AS BIGINT) IS NULL THEN 'line without id'
            WHEN meta.txt(l.qty_order) IS NOT NULL AND meta.num(l.qty_order) IS NULL THEN 'qty_order is not a number: ' || l.qty_order
            WHEN meta.txt(l.unit_price) IS NOT NULL AND meta.num(l.unit_price) IS NULL
              THEN 'unit_price is not a number: ' || l.unit_price
       END AS reject, object_id, to_json(l)::VARCHAR AS payload
FROM lines WHERE recurring_invoice_id IS NOT NULL
