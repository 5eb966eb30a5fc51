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
    "quantity_licences":[{"licence_id":"VARCHAR","use_linked_subscription_price":"VARCHAR"}],
    "quantity_subscriptions":[{"licence_id":"VARCHAR","use_linked_subscription_price":"VARCHAR"}]}]}') AS j
  FROM newest.halo_recurring_invoices
), lines AS (
  SELECT object_id, meta.own_recurring_id(j.id) AS recurring_invoice_id, meta.flag(j.disabled) AS disabled, unnest(j.lines) AS l
  FROM headers
), read_ AS (
  SELECT *, meta.kind(l.recurring_invoice_quantity_type) AS kind,
         len(list_filter(coalesce(l.quantity_licences, []) || coalesce(l.quantity_subscriptions, []),
                         lambda q: meta.bad_halo_id(q.licence_id))) AS unnamed_licences
  FROM lines
)
SELECT meta.halo_id(l.id) AS line_id, recurring_invoice_id, meta.halo_id(l._itemid) AS item_id,
       meta.clean(l.item_shortdescription) AS description,
       kind AS quantity_type,
       CASE WHEN meta.flag(l.isgroupdesc) THEN 'group_heading'
            WHEN meta.flag(l.is_bundled_line) OR meta.kind(l.bundle_id) NOT IN (0, -1) THEN 'bundle'
            WHEN meta.flag(l.is_meter) THEN 'meter'
            WHEN meta.kind(l.consumption_line_type) NOT IN (0, -1) THEN 'consumption'
            WHEN meta.flag(l.onetimecharge) THEN 'one_time_charge'
            WHEN meta.kind(l.quantity_custom) NOT IN (0, -1) THEN 'custom_sql'
            -- A licence that cannot be named may be any: the line is not ours to change.
            WHEN unnamed_licences > 0 THEN 'unknown_type'
            WHEN kind IN (1, 4) THEN 'licence'
            WHEN kind = 0 THEN 'manual'
            WHEN kind = 2 THEN 'users'
            WHEN kind = 3 THEN 'assets'
            ELSE 'unknown_type' END AS quantity_source,
       meta.num(l.qty_order) AS qty_order, meta.num(l.unit_price) AS unit_price, meta.num(l.unit_cost) AS unit_cost,
       CASE WHEN disabled THEN 'recurring_invoice_disabled'
            WHEN meta.flag(l.isinactive) THEN 'line_inactive'
            WHEN meta.halo_day(l.enddate) < getvariable('today') THEN 'line_ended'
            WHEN meta.halo_day(l.startdate) > getvariable('today') THEN 'line_not_started'
            WHEN meta.flag_or_null(l.isActive) = false THEN 'line_inactive' END AS off_because,
       off_because IS NULL AS is_live,
       meta.flag(l.isinactive) AS is_inactive,
       coalesce(len(list_filter(l.prorata_data, lambda p: NOT meta.flag(p.isinvoiced))), 0) AS pending_pro_rata,
       len(list_filter(coalesce(l.quantity_licences, []) || coalesce(l.quantity_subscriptions, []),
                       lambda q: meta.flag(q.use_linked_subscription_price))) > 0 AS linked_price,
       CASE WHEN meta.txt(l.id) IS NULL THEN 'line without id'
            WHEN meta.halo_id(l.id) IS NULL THEN 'id is not a Halo id: ' || l.id
            WHEN meta.txt(l.qty_order) IS NOT NULL AND meta.num(l.qty_order) IS NULL THEN 'qty_order is not a number: ' || l.qty_order
            WHEN meta.txt(l.unit_price) IS NOT NULL AND meta.num(l.unit_price) IS NULL
              THEN 'unit_price is not a number: ' || l.unit_price
       END AS reject, object_id, to_json(l)::VARCHAR AS payload
FROM read_ WHERE recurring_invoice_id IS NOT NULL
