/* One row per usage summary and month read. Amounts are month-to-date totals, never to be added up over days.

key: summary_id, month
reads: newest.pax8_usage_summaries
| summary_id | VARCHAR not null | Pax8 usage summary id, lower case | pax8.usage_summaries.payload |
| month | VARCHAR not null | Usage month, yyyy-mm | pax8.usage_summaries.snapshot_id |
| subscription_id | VARCHAR | Subscription that was asked | pax8.usage_summaries.endpoint, pax8.usage_summaries.payload
  |
| company_id | VARCHAR | Company the usage is assigned to; empty when Pax8 shows none | pax8.usage_summaries.payload |
| company_sent | VARCHAR not null | How the company came: sent, missing, null or empty | pax8.usage_summaries.payload |
| product_id | VARCHAR | The subscription's product | pax8.usage_summaries.payload |
| resource_group | VARCHAR | The vendor's name for the group | pax8.usage_summaries.payload |
| vendor_name | VARCHAR | Vendor | pax8.usage_summaries.payload |
| charges | DECIMAL(28,10) | Client-side charges this month to date | pax8.usage_summaries.payload |
| cost | DECIMAL(28,10) | Partner cost this month to date | pax8.usage_summaries.payload |
| currency | VARCHAR | ISO 4217 | pax8.usage_summaries.payload |
| is_trial | BOOLEAN | Trial rows carry charges that are never billed | pax8.usage_summaries.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing
  | pax8.usage_summaries.payload |
*/
SELECT coalesce(meta.idtext(j.id), object_id) AS summary_id, scope AS month,
       coalesce(meta.idtext(j.subscriptionId),
         meta.idtext(regexp_extract(endpoint, 'subscriptions/([^/?]+)', 1))) AS subscription_id,
       meta.idtext(j.companyId) AS company_id,
       CASE WHEN meta.idtext(j.companyId) IS NOT NULL THEN 'sent'
            WHEN json_type(payload, '$.companyId') IS NULL THEN 'missing'
            WHEN json_type(payload, '$.companyId') = 'NULL' THEN 'null' ELSE 'empty' END AS company_sent,
       meta.idtext(j.productId) AS product_id, meta.txt(j.resourceGroup) AS resource_group,
         meta.clean(j.vendorName) AS vendor_name,
       meta.num(j.currentCharges) AS charges, meta.num(j.partnerTotal) AS cost,
       meta.currency(j.currencyCode) AS currency, CASE WHEN meta.txt(j.isTrial) IS NULL THEN false
         ELSE meta.flag_or_null(j.isTrial) END AS is_trial,
       CASE WHEN meta.idtext(j.id) IS NULL THEN 'no id'
            WHEN coalesce(meta.idtext(j.subscriptionId),
              meta.idtext(regexp_extract(endpoint, 'subscriptions/([^/?]+)', 1))) IS NULL
              THEN 'no subscription'
            ELSE coalesce(meta.bad_num('currentCharges', j.currentCharges),
              meta.bad_num('partnerTotal', j.partnerTotal),
                          meta.missing('currentCharges', j.currentCharges),
                            meta.missing('partnerTotal', j.partnerTotal), meta.bad_flag('isTrial', j.isTrial))
       END AS reject, object_id, payload
FROM (SELECT *, from_json(payload,
  '{"id":"VARCHAR","subscriptionId":"VARCHAR","companyId":"VARCHAR","productId":"VARCHAR",
        "resourceGroup":"VARCHAR","vendorName":"VARCHAR","currentCharges":"VARCHAR","partnerTotal":"VARCHAR",
        "currencyCode":"VARCHAR","isTrial":"VARCHAR"}') AS j FROM newest.pax8_usage_summaries)
