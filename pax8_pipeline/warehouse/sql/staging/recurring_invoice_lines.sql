/* One row per line of a Halo recurring invoice.

key: line_id
reads: newest.halo_recurring_invoices
| line_id | BIGINT | Halo line id, empty where it cannot be read | halo.recurring_invoices.payload |
| recurring_invoice_id | BIGINT | Its recurring invoice, empty where its id cannot be read
  | halo.recurring_invoices.payload |
| header_client_id | BIGINT | Client that the recurring invoice bills | halo.recurring_invoices.payload |
| item_id | BIGINT | Halo item | halo.recurring_invoices.payload |
| description | VARCHAR | Text on the invoice | halo.recurring_invoices.payload |
| quantity_type | BIGINT not null | 0 manual, 1 licences, 2 users, 3 assets, 4 subscriptions
  | halo.recurring_invoices.payload |
| quantity_source | VARCHAR not null | manual, licence, or the reason why this line is not ours to change
  | halo.recurring_invoices.payload |
| qty_order | DECIMAL(28,10) | Stated quantity; billing ignores it on computed lines | halo.recurring_invoices.payload |
| unit_price | DECIMAL(28,10) | Price per unit and period | halo.recurring_invoices.payload |
| unit_cost | DECIMAL(28,10) | Cost per unit and period | halo.recurring_invoices.payload |
| is_live | BOOLEAN not null | The line bills, or may bill: nothing that can be read says inactive, outside its dates or
  disabled | halo.recurring_invoices.payload |
| off_because | VARCHAR | Why it does not bill | halo.recurring_invoices.payload |
| is_inactive | BOOLEAN | The switch `isinactive` | halo.recurring_invoices.payload |
| pending_pro_rata | BIGINT not null | Part-period entries not invoiced yet | halo.recurring_invoices.payload |
| pro_rata_quantity | DECIMAL(28,10) | Quantity that these entries add to a manual line with the next invoice
  | halo.recurring_invoices.payload |
| linked_price | BOOLEAN not null | The price follows the licence | halo.recurring_invoices.payload |
| links_unread | BOOLEAN not null | Which licences it follows cannot be told: it may be any licence of the client
  | halo.recurring_invoices.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing
  | halo.recurring_invoices.payload |
*/
WITH headers AS (
  SELECT object_id, from_json(payload,
         '{"id":"VARCHAR","client_id":"VARCHAR","disabled":"VARCHAR","lines":["JSON"]}') AS j
  FROM newest.halo_recurring_invoices
), lines AS (
  SELECT object_id, meta.own_recurring_id(j.id) AS recurring_invoice_id, meta.halo_id(j.client_id) AS client_id,
         meta.flag_or_null(j.disabled) AS disabled, unnest(j.lines) AS sent FROM headers
), typed AS (
  -- Each question to a document reads all of it again, so the lists come out of the line once, as JSON.
  SELECT object_id, recurring_invoice_id, client_id, disabled, sent::VARCHAR AS payload,
         from_json(sent, '{"id":"VARCHAR","_itemid":"VARCHAR","item_shortdescription":"VARCHAR",
               "recurring_invoice_quantity_type":"VARCHAR",
           "qty_order":"VARCHAR","unit_price":"VARCHAR","unit_cost":"VARCHAR","isinactive":"VARCHAR",
                 "isActive":"VARCHAR",
           "startdate":"VARCHAR","enddate":"VARCHAR","isgroupdesc":"VARCHAR","is_bundled_line":"VARCHAR",
           "bundle_id":"VARCHAR","is_meter":"VARCHAR","consumption_line_type":"VARCHAR","onetimecharge":"VARCHAR",
           "quantity_custom":"VARCHAR","prorata_data":"JSON","quantity_licences":"JSON",
           "quantity_subscriptions":"JSON"}') AS l
  FROM lines WHERE json_type(sent) = 'OBJECT'
), listed AS (
  SELECT *, coalesce(json_type(l.quantity_licences), 'NULL') AS licences_kind,
         coalesce(json_type(l.quantity_subscriptions), 'NULL') AS subscriptions_kind,
         json_type(l.prorata_data) AS pro_rata_kind,
         from_json(l.prorata_data, '[{"isinvoiced":"VARCHAR","quantity":"VARCHAR"}]') AS pro_rata,
         coalesce(from_json(l.quantity_licences,
                            '[{"licence_id":"VARCHAR","use_linked_subscription_price":"VARCHAR"}]'), [])
         || coalesce(from_json(l.quantity_subscriptions,
                               '[{"licence_id":"VARCHAR","use_linked_subscription_price":"VARCHAR"}]'), []) AS links
  FROM typed
), linked AS (
  SELECT *,
         meta.halo_id(l.id) AS line_id,
         meta.kind(l.recurring_invoice_quantity_type) AS quantity_type,
         list_transform([l.isgroupdesc, l.is_bundled_line, l.is_meter, l.onetimecharge, l.isinactive, l.isActive],
           lambda f: meta.flag_or_null(f)) AS flags,
         list_transform([l.bundle_id, l.consumption_line_type, l.quantity_custom],
           lambda k: meta.kind(k) NOT IN (0, -1)) AS kinds,
         list_transform([l.qty_order, l.unit_price, l.unit_cost], lambda n: meta.num(n)) AS numbers,
         list_transform([l.startdate, l.enddate], lambda d: meta.halo_day(d)) AS days
  FROM listed
), known AS (
  SELECT *, CASE WHEN disabled THEN 'recurring_invoice_disabled'
                 WHEN flags[5] THEN 'line_inactive'
                 WHEN days[2] < getvariable('today') THEN 'line_ended'
                 WHEN days[1] > getvariable('today') THEN 'line_not_started'
                 WHEN flags[6] = false THEN 'line_inactive' END AS off_because,
         licences_kind NOT IN ('ARRAY', 'NULL') OR subscriptions_kind NOT IN ('ARRAY', 'NULL')
              -- A licence that cannot be named may be any; 0 and -1 are Halo's words for none
              -- (docs/vendors/halo.md#formats).
              OR len(list_filter(links, lambda q: meta.halo_id(q.licence_id) IS NULL
                                                  AND coalesce(meta.as_written(q.licence_id), '') NOT IN ('0',
                                                    '-1'))) > 0
              OR (quantity_type NOT IN (0, 2, 3) AND len(links) = 0
                AND 'NULL' IN (licences_kind, subscriptions_kind)) AS links_unread
  FROM linked
)
SELECT line_id, recurring_invoice_id, client_id AS header_client_id, meta.halo_id(l._itemid) AS item_id,
       meta.clean(l.item_shortdescription) AS description, quantity_type,
       CASE WHEN flags[1] THEN 'group_heading'
            WHEN flags[2] OR kinds[1] THEN 'bundle'
            WHEN flags[3] THEN 'meter'
            WHEN kinds[2] THEN 'consumption'
            WHEN flags[4] THEN 'one_time_charge'
            WHEN kinds[3] THEN 'custom_sql'
            WHEN quantity_type IN (1, 4) THEN 'licence'
            WHEN quantity_type = 0 THEN 'manual'
            WHEN quantity_type = 2 THEN 'users'
            WHEN quantity_type = 3 THEN 'assets'
            ELSE 'unknown_type' END AS quantity_source,
       numbers[1] AS qty_order, numbers[2] AS unit_price, numbers[3] AS unit_cost, off_because,
         off_because IS NULL AS is_live, flags[5] AS is_inactive,
       coalesce(len(list_filter(pro_rata, lambda p: NOT meta.flag(p.isinvoiced))), 0) AS pending_pro_rata,
       -- One quantity that cannot be read makes the sum unknown.
       CASE WHEN len(list_filter(pro_rata, lambda p: NOT meta.flag(p.isinvoiced)
                                                             AND meta.num(p.quantity) IS NULL)) = 0
            THEN list_sum(list_transform(list_filter(pro_rata, lambda p: NOT meta.flag(p.isinvoiced)),
                                         lambda p: meta.num(p.quantity)))::DECIMAL(28,10) END AS pro_rata_quantity,
       len(list_filter(links, lambda q: meta.flag(q.use_linked_subscription_price))) > 0 AS linked_price,
       links_unread,
       coalesce(CASE WHEN meta.txt(l.id) IS NULL THEN 'line without id' END, meta.bad_own_id(l.id, line_id),
                meta.missing('recurring_invoice_quantity_type', l.recurring_invoice_quantity_type),
                CASE WHEN quantity_type = -99 THEN 'recurring_invoice_quantity_type is not a kind: '
                  || left(l.recurring_invoice_quantity_type, 80) END,
                meta.bad_nums([{'name': 'qty_order', 'value': l.qty_order},
                  {'name': 'unit_price', 'value': l.unit_price}]),
                CASE WHEN quantity_type = 0 THEN meta.missing('qty_order', l.qty_order) END,
                  meta.missing('isinactive', l.isinactive),
                meta.bad_flags([{'name': 'isinactive', 'value': l.isinactive},
                  {'name': 'isActive', 'value': l.isActive},
                                {'name': 'isgroupdesc', 'value': l.isgroupdesc},
                                  {'name': 'is_bundled_line', 'value': l.is_bundled_line},
                                {'name': 'is_meter', 'value': l.is_meter},
                                  {'name': 'onetimecharge', 'value': l.onetimecharge}]),
                meta.bad_days([{'name': 'startdate', 'value': l.startdate}, {'name': 'enddate', 'value': l.enddate}]),
                meta.bad_list('quantity_licences', licences_kind),
                  meta.bad_list('quantity_subscriptions', subscriptions_kind),
                meta.bad_list('prorata_data', pro_rata_kind),
                CASE WHEN links_unread THEN 'a licence it follows cannot be told' END) AS reject,
       object_id, payload
FROM known
