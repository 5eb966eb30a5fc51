/* One row per Pax8 subscription, dates as calendar dates, money as stated by Pax8 in `currency`.

key: subscription_id
reads: newest.pax8_subscriptions
| subscription_id | VARCHAR not null | Pax8 subscription id, lower case; of a subscription without id its place in the
  read | pax8.subscriptions.payload |
| company_id | VARCHAR | Pax8 company that owns it | pax8.subscriptions.payload |
| product_id | VARCHAR | Pax8 product | pax8.subscriptions.payload |
| product_name | VARCHAR | Product name where Pax8 sends it | pax8.subscriptions.payload |
| parent_subscription_id | VARCHAR | Base subscription of an add-on | pax8.subscriptions.payload |
| vendor_subscription_id | VARCHAR | The vendor's own id | pax8.subscriptions.payload |
| quantity | DECIMAL(28,10) | Seats Pax8 states | pax8.subscriptions.payload |
| status | VARCHAR | Pax8 status as sent | pax8.subscriptions.payload |
| billing_term | VARCHAR | How often Pax8 bills: Monthly, Annual, 2-Year, 3-Year, One-Time, Trial, Activation
  | pax8.subscriptions.payload |
| commitment_term | VARCHAR | How long it is locked in | pax8.subscriptions.payload |
| commitment_end_date | DATE | End of the lock-in | pax8.subscriptions.payload |
| start_date | DATE | First day | pax8.subscriptions.payload |
| end_date | DATE | Last day, empty while open | pax8.subscriptions.payload |
| billing_start | DATE | First day Pax8 bills | pax8.subscriptions.payload |
| created_date | DATE | When it was created in Pax8 | pax8.subscriptions.payload |
| price | DECIMAL(28,10) | Client price per unit and billing term | pax8.subscriptions.payload |
| partner_cost | DECIMAL(28,10) | Partner cost per unit and billing term, often not sent | pax8.subscriptions.payload |
| currency | VARCHAR | ISO 4217 | pax8.subscriptions.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing | pax8.subscriptions.payload
  |
*/
SELECT coalesce(meta.idtext(j.id), object_id) AS subscription_id, meta.idtext(j.companyId) AS company_id,
       meta.idtext(j.productId) AS product_id,
       meta.clean(j.productName) AS product_name, meta.idtext(j.parentSubscriptionId) AS parent_subscription_id,
       meta.txt(j.vendorSubscriptionId) AS vendor_subscription_id,
       meta.exact(j.quantity) AS quantity, meta.txt(j.status) AS status, meta.txt(j.billingTerm) AS billing_term,
       -- Three spellings are known of the same thing (docs/vendors/pax8.md#subscriptions).
       coalesce(meta.txt(j.commitmentTerm.term), meta.txt(j.commitment.term)) AS commitment_term,
       coalesce(meta.day(j.commitmentTerm.endDate), meta.day(j.commitment.endDate),
         meta.day(j.commitmentTermEndDate)) AS commitment_end_date,
       meta.day(j.startDate) AS start_date, meta.day(j.endDate) AS end_date, meta.day(j.billingStart) AS billing_start,
       meta.day(j.createdDate) AS created_date, meta.num(j.price) AS price, meta.num(j.partnerCost) AS partner_cost,
       meta.currency(j.currencyCode) AS currency,
       coalesce(meta.missing('id', j.id), meta.missing('quantity', j.quantity),
                CASE WHEN meta.exact(j.quantity) IS NULL THEN 'quantity is not a number: ' || left(j.quantity, 80)
                     WHEN meta.exact(j.quantity) < 0 THEN 'quantity is negative: ' || j.quantity END,
                meta.bad_num('price', j.price), meta.bad_day('startDate', j.startDate),
                  meta.bad_day('endDate', j.endDate),
                meta.bad_day('billingStart', j.billingStart),
                CASE WHEN meta.txt(j.startDate) IS NULL AND meta.txt(j.billingStart) IS NULL
                  THEN 'no startDate and no billingStart' END,
                CASE WHEN meta.txt(j.currencyCode) IS NOT NULL AND meta.currency(j.currencyCode) IS NULL
                     THEN 'currencyCode is not a currency: ' || left(j.currencyCode, 80) END
       ) AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","companyId":"VARCHAR","productId":"VARCHAR","productName":"VARCHAR",
        "parentSubscriptionId":"VARCHAR","vendorSubscriptionId":"VARCHAR","quantity":"VARCHAR","status":"VARCHAR",
        "billingTerm":"VARCHAR","commitmentTerm":{"term":"VARCHAR","endDate":"VARCHAR"},
        "commitment":{"term":"VARCHAR","endDate":"VARCHAR"},"commitmentTermEndDate":"VARCHAR","startDate":"VARCHAR",
        "endDate":"VARCHAR","billingStart":"VARCHAR","createdDate":"VARCHAR","price":"VARCHAR","partnerCost":"VARCHAR",
        "currencyCode":"VARCHAR"}') AS j FROM newest.pax8_subscriptions)
