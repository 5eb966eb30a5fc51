/* One row per usage line: a metered product of a usage summary on one day, as a month-to-date total.

reads: newest.pax8_usage_lines
| month | VARCHAR not null | Usage month, yyyy-mm | pax8.usage_lines.snapshot_id |
| usage_date | DATE | Day the total stands at | pax8.usage_lines.payload |
| summary_id | VARCHAR | Usage summary | pax8.usage_lines.payload, pax8.usage_lines.endpoint |
| product_id | VARCHAR | Metered product | pax8.usage_lines.payload |
| product_name | VARCHAR | Its name | pax8.usage_lines.payload |
| unit_of_measure | VARCHAR | Unit | pax8.usage_lines.payload |
| quantity | DECIMAL(28,10) | Units this month to date, may be fractional | pax8.usage_lines.payload |
| unit_price | DECIMAL(28,10) | Client price per unit | pax8.usage_lines.payload |
| charges | DECIMAL(28,10) | Client-side charges this month to date | pax8.usage_lines.payload |
| cost | DECIMAL(28,10) | Partner cost this month to date | pax8.usage_lines.payload |
| currency | VARCHAR | ISO 4217 | pax8.usage_lines.payload |
| is_trial | BOOLEAN | Trial rows are never billed | pax8.usage_lines.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing | pax8.usage_lines.payload |
*/
SELECT scope AS month, meta.day(j.usageDate) AS usage_date,
       coalesce(meta.idtext(j.usageSummaryId),
         meta.idtext(regexp_extract(endpoint, 'usage-summaries/([^/?]+)', 1))) AS summary_id,
       meta.idtext(j.productId) AS product_id, meta.clean(j.productName) AS product_name,
         meta.clean(j.unitOfMeasure) AS unit_of_measure,
       meta.num(j.quantity) AS quantity, meta.num(j.unitPrice) AS unit_price,
       meta.num(j.currentCharges) AS charges, meta.num(j.partnerTotal) AS cost,
       meta.currency(j.currencyCode) AS currency, CASE WHEN meta.txt(j.isTrial) IS NULL THEN false
         ELSE meta.flag_or_null(j.isTrial) END AS is_trial,
       CASE WHEN meta.day(j.usageDate) IS NULL THEN 'usageDate is not a date: ' || coalesce(j.usageDate, '(none)')
            WHEN coalesce(meta.idtext(j.usageSummaryId),
              meta.idtext(regexp_extract(endpoint, 'usage-summaries/([^/?]+)', 1))) IS NULL
              THEN 'no usage summary'
            ELSE coalesce(meta.bad_num('quantity', j.quantity), meta.bad_num('currentCharges', j.currentCharges),
              meta.bad_num('partnerTotal', j.partnerTotal),
                          meta.missing('currentCharges', j.currentCharges),
                            meta.missing('partnerTotal', j.partnerTotal), meta.bad_flag('isTrial', j.isTrial))
       END AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"usageSummaryId":"VARCHAR","usageDate":"VARCHAR","productId":"VARCHAR",
        "productName":"VARCHAR","unitOfMeasure":"VARCHAR","quantity":"VARCHAR","unitPrice":"VARCHAR",
        "currentCharges":"VARCHAR","partnerTotal":"VARCHAR","currencyCode":"VARCHAR","isTrial":"VARCHAR"}') AS j
      FROM newest.pax8_usage_lines)
