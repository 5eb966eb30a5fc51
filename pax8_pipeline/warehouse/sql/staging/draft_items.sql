/* One row per item of a draft of a Pax8 invoice: the newest draft that was read of each month. Usage is not in it
(docs/vendors/pax8.md#invoice-items).

key: invoice_month, item_no
reads: newest.pax8_draft_items, meta.snapshots
| invoice_month | VARCHAR not null | Month of the invoice to come, yyyy-mm | |
| item_no | VARCHAR not null | Position in the draft: its items have no ids | pax8.draft_items.object_id |
| read_on | DATE not null | Day as of which Pax8 made the draft | |
| type | VARCHAR | subscription, prorate, ... | pax8.draft_items.payload |
| company_id | VARCHAR | Company charged | pax8.draft_items.payload |
| company_name | VARCHAR | Its name | pax8.draft_items.payload |
| subscription_id | VARCHAR | Subscription | pax8.draft_items.payload |
| total | DECIMAL(28,10) | Client total as Pax8 states it | pax8.draft_items.payload |
| cost_total | DECIMAL(28,10) | Partner total as Pax8 states it | pax8.draft_items.payload |
| currency | VARCHAR | ISO 4217 | pax8.draft_items.payload |
| problem | VARCHAR | What of it cannot be read; its month has no forecast | pax8.draft_items.payload |
*/
SELECT d.scope AS invoice_month, d.object_id AS item_no, s.covers_from AS read_on, meta.txt(j.type) AS type,
       meta.idtext(j.companyId) AS company_id, meta.clean(j.companyName) AS company_name,
       meta.idtext(j.subscriptionId) AS subscription_id, meta.num(j.total) AS total,
       meta.num(j.costTotal) AS cost_total, meta.currency(j.currencyCode) AS currency,
       coalesce(meta.bad_num('total', j.total), meta.bad_num('costTotal', j.costTotal),
                meta.missing('total', j.total), meta.missing('costTotal', j.costTotal),
                CASE WHEN meta.currency(j.currencyCode) IS NULL
                     THEN coalesce('currencyCode is not a currency: ' || left(j.currencyCode, 80),
                       'no currencyCode') END) AS reject, d.object_id, payload
FROM (SELECT *, from_json(payload, '{"type":"VARCHAR","companyId":"VARCHAR","companyName":"VARCHAR",
        "subscriptionId":"VARCHAR","total":"VARCHAR","costTotal":"VARCHAR","currencyCode":"VARCHAR"}') AS j
      FROM newest.pax8_draft_items) d
JOIN meta.snapshots s ON s.snapshot_id = d.snapshot_id AND s.table_name = 'pax8.draft_items'
