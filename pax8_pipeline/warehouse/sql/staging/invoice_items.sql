/* One row per item of a Pax8 invoice. Usage is the items whose term is Arrears (docs/vendors/pax8.md#invoice-items).

key: invoice_id, item_no
reads: newest.pax8_invoice_items
| invoice_id | VARCHAR not null | Pax8 invoice, taken from the path asked | pax8.invoice_items.endpoint |
| item_no | VARCHAR not null | The item's id, or its position where it has none | pax8.invoice_items.object_id |
| item_id | VARCHAR | Pax8 item id where sent | pax8.invoice_items.payload |
| type | VARCHAR | subscription, prorate, one-time, rebate, payment-credit, ... | pax8.invoice_items.payload |
| term | VARCHAR | Monthly, Annual, Arrears, ... as sent | pax8.invoice_items.payload |
| is_arrears | BOOLEAN not null | True for metered usage, and for what may be: its term is not known
  | pax8.invoice_items.payload |
| company_id | VARCHAR | Company charged; empty when Pax8 shows none | pax8.invoice_items.payload |
| company_name | VARCHAR | Its name | pax8.invoice_items.payload |
| subscription_id | VARCHAR | Subscription, empty for one-off work | pax8.invoice_items.payload |
| product_id | VARCHAR | Product | pax8.invoice_items.payload |
| product_name | VARCHAR | Its name | pax8.invoice_items.payload |
| description | VARCHAR | Text on the invoice | pax8.invoice_items.payload |
| details | VARCHAR | Second text, the resource group for usage | pax8.invoice_items.payload |
| azure_subscription_id | VARCHAR | The GUID in the texts of Azure usage: which Azure subscription the charge is of
  | pax8.invoice_items.payload |
| start_period | DATE | First day covered | pax8.invoice_items.payload |
| end_period | DATE | Last day covered, inclusive or exclusive | pax8.invoice_items.payload |
| quantity | DECIMAL(28,10) | Units | pax8.invoice_items.payload |
| unit_of_measure | VARCHAR | Unit | pax8.invoice_items.payload |
| price | DECIMAL(28,10) | Client price per unit | pax8.invoice_items.payload |
| total | DECIMAL(28,10) | Client total as Pax8 states it | pax8.invoice_items.payload |
| cost | DECIMAL(28,10) | Partner cost per unit | pax8.invoice_items.payload |
| cost_total | DECIMAL(28,10) | Partner total as Pax8 states it | pax8.invoice_items.payload |
| billed_by_pax8 | BOOLEAN | True when Pax8 bills the client itself | pax8.invoice_items.payload |
| currency | VARCHAR | ISO 4217 | pax8.invoice_items.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing | pax8.invoice_items.payload
  |
*/
SELECT meta.idtext(regexp_extract(endpoint, 'invoices/([^/?]+)', 1)) AS invoice_id, object_id AS item_no,
       meta.idtext(j.id) AS item_id,
       meta.txt(j.type) AS type, meta.txt(j.term) AS term, lower(trim(j.term)) IS NOT DISTINCT FROM 'arrears'
         OR unknown_term AS is_arrears,
       meta.idtext(j.companyId) AS company_id, meta.clean(j.companyName) AS company_name,
         meta.idtext(j.subscriptionId) AS subscription_id,
       meta.idtext(j.productId) AS product_id, meta.clean(j.productName) AS product_name,
         meta.clean(j.description) AS description,
       meta.txt(j.details) AS details,
       -- Parts of such a text are joined by " - ": plan, kind of charge, name, GUID, meter.
       nullif(regexp_extract(lower(concat_ws(' - ', '', j.details, j.description, '')),
         ' - ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) - ', 1), '') AS azure_subscription_id,
       meta.day(j.startPeriod) AS start_period, meta.day(j.endPeriod) AS end_period,
       meta.num(j.quantity) AS quantity, meta.clean(j.unitOfMeasure) AS unit_of_measure, meta.num(j.price) AS price,
         meta.num(j.total) AS total, meta.num(j.cost) AS cost,
       meta.num(j.costTotal) AS cost_total, CASE WHEN meta.txt(j.billedByPax8) IS NULL THEN false
         ELSE meta.flag_or_null(j.billedByPax8) END AS billed_by_pax8, meta.currency(j.currencyCode) AS currency,
       coalesce(CASE WHEN nullif(regexp_extract(endpoint, 'invoices/([^/?]+)', 1), '') IS NULL THEN 'no invoice' END,
                meta.bad_num('total', j.total), meta.bad_num('costTotal', j.costTotal), meta.missing('total', j.total),
                meta.missing('costTotal', j.costTotal),
                CASE WHEN unknown_term THEN coalesce(meta.missing('term', j.term), 'term is not known here: '
                  || left(j.term, 80)) END,
                CASE WHEN lower(trim(j.term)) = 'arrears'
                  THEN coalesce(meta.bad_num('quantity', j.quantity), meta.bad_day('startPeriod', j.startPeriod),
                     CASE WHEN meta.currency(j.currencyCode) IS NULL
                       THEN coalesce('currencyCode is not a currency: ' || left(j.currencyCode, 80),
                         'no currencyCode') END,
                     meta.bad_flag('billedByPax8', j.billedByPax8)) END) AS reject, object_id, payload
FROM (SELECT *,
        -- What is no credit and has no known term may be usage.
        NOT list_contains(getvariable('known_item_terms')::VARCHAR[], coalesce(lower(trim(j.term)), ''))
        AND coalesce(lower(trim(j.type)), '') NOT IN ('rebate', 'payment-credit', 'service-charge', 'service-credit',
          'invoice-credit') AS unknown_term
      FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","type":"VARCHAR","term":"VARCHAR","companyId":"VARCHAR",
        "companyName":"VARCHAR","subscriptionId":"VARCHAR","productId":"VARCHAR","productName":"VARCHAR",
        "description":"VARCHAR","details":"VARCHAR","startPeriod":"VARCHAR","endPeriod":"VARCHAR","quantity":"VARCHAR",
        "unitOfMeasure":"VARCHAR","price":"VARCHAR","total":"VARCHAR","cost":"VARCHAR","costTotal":"VARCHAR",
              "billedByPax8":"VARCHAR",
        "currencyCode":"VARCHAR"}') AS j FROM newest.pax8_invoice_items))
