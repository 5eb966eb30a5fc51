/* One row per item of a Pax8 invoice. Usage is the items whose term is Arrears (api/pax8.md section 12).

key: invoice_id, item_no
| invoice_id | VARCHAR not null | Pax8 invoice, taken from the path asked | pax8.invoice_items.endpoint |
| item_no | VARCHAR not null | The item's id, or its position where it has none | pax8.invoice_items.object_id |
| item_id | VARCHAR | Pax8 item id where sent | pax8.invoice_items.payload |
| type | VARCHAR | subscription, prorate, one-time, rebate, payment-credit, ... | pax8.invoice_items.payload |
| term | VARCHAR | Monthly, Annual, Arrears, ... as sent | pax8.invoice_items.payload |
| is_arrears | BOOLEAN not null | True for metered usage | pax8.invoice_items.payload |
| company_id | VARCHAR | Company charged; empty when Pax8 shows none | pax8.invoice_items.payload |
| company_name | VARCHAR | Its name | pax8.invoice_items.payload |
| subscription_id | VARCHAR | Subscription, empty for one-off work | pax8.invoice_items.payload |
| product_id | VARCHAR | Product | pax8.invoice_items.payload |
| product_name | VARCHAR | Its name | pax8.invoice_items.payload |
| description | VARCHAR | Text on the invoice | pax8.invoice_items.payload |
| details | VARCHAR | Second text, the resource group for usage | pax8.invoice_items.payload |
| azure_subscription_id | VARCHAR | The GUID in the texts of Azure usage: which Azure subscription the charge is of (api/pax8.md section 19a) | pax8.invoice_items.payload |
| start_period | DATE | First day covered | pax8.invoice_items.payload |
| end_period | DATE | Last day covered, inclusive or exclusive | pax8.invoice_items.payload |
| quantity | DECIMAL(28,10) | Units | pax8.invoice_items.payload |
| unit_of_measure | VARCHAR | Unit | pax8.invoice_items.payload |
| price | DECIMAL(28,10) | Client price per unit | pax8.invoice_items.payload |
| total | DECIMAL(28,10) not null | Client total as Pax8 states it | pax8.invoice_items.payload |
| cost | DECIMAL(28,10) | Partner cost per unit | pax8.invoice_items.payload |
| cost_total | DECIMAL(28,10) not null | Partner total as Pax8 states it | pax8.invoice_items.payload |
| billed_by_pax8 | BOOLEAN not null | True when Pax8 bills the client itself | pax8.invoice_items.payload |
| currency | VARCHAR | ISO 4217 | pax8.invoice_items.payload |
*/
SELECT meta.idtext(regexp_extract(endpoint, 'invoices/([^/?]+)', 1)) AS invoice_id, object_id AS item_no, meta.idtext(j.id) AS item_id,
       meta.txt(j.type) AS type, meta.txt(j.term) AS term, coalesce(lower(trim(j.term)) = 'arrears', false) AS is_arrears,
       meta.idtext(j.companyId) AS company_id, meta.clean(j.companyName) AS company_name, meta.idtext(j.subscriptionId) AS subscription_id,
       meta.idtext(j.productId) AS product_id, meta.clean(j.productName) AS product_name, meta.clean(j.description) AS description,
       meta.txt(j.details) AS details,
       -- Parts of such a text are joined by " - ": plan, kind of charge, name, GUID, meter.
       nullif(regexp_extract(lower(concat_ws(' - ', '', j.details, j.description, '')),
         ' - ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) - ', 1), '') AS azure_subscription_id,
       meta.day(j.startPeriod) AS start_period, meta.day(j.endPeriod) AS end_period,
       meta.num(j.quantity) AS quantity, meta.clean(j.unitOfMeasure) AS unit_of_measure, meta.num(j.price) AS price, coalesce(meta.num(j.total), 0) AS total, meta.num(j.cost) AS cost,
       coalesce(meta.num(j.costTotal), 0) AS cost_total, meta.flag(j.billedByPax8) AS billed_by_pax8, meta.currency(j.currencyCode) AS currency,
       CASE WHEN nullif(regexp_extract(endpoint, 'invoices/([^/?]+)', 1), '') IS NULL THEN 'no invoice'
            WHEN meta.txt(j.total) IS NOT NULL AND meta.num(j.total) IS NULL THEN 'total is not a number: ' || j.total
            WHEN meta.txt(j.costTotal) IS NOT NULL AND meta.num(j.costTotal) IS NULL THEN 'costTotal is not a number: ' || j.costTotal
       END AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","type":"VARCHAR","term":"VARCHAR","companyId":"VARCHAR",
        "companyName":"VARCHAR","subscriptionId":"VARCHAR","productId":"VARCHAR","productName":"VARCHAR",
        "description":"VARCHAR","details":"VARCHAR","startPeriod":"VARCHAR","endPeriod":"VARCHAR","quantity":"VARCHAR",
        "unitOfMeasure":"VARCHAR","price":"VARCHAR","total":"VARCHAR","cost":"VARCHAR","costTotal":"VARCHAR","billedByPax8":"VARCHAR",
        "currencyCode":"VARCHAR"}') AS j FROM newest.pax8_invoice_items)
