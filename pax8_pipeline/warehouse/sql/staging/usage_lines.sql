/* One row per usage line: a metered product of a usage summary on one day, as a month-to-date total.

| month | VARCHAR not null | Usage month, yyyy-mm | pax8.usage_lines.snapshot_id |
| usage_date | DATE not null | Day the total stands at | pax8.usage_lines.payload |
| summary_id | VARCHAR not null | Usage summary | pax8.usage_lines.payload, pax8.usage_lines.endpoint |
| product_id | VARCHAR | Metered product | pax8.usage_lines.payload |
| product_name | VARCHAR | Its name | pax8.usage_lines.payload |
| unit_of_measure | VARCHAR | Unit | pax8.usage_lines.payload |
| quantity | DECIMAL(28,10) not null | Units this month to date, may be fractional | pax8.usage_lines.payload |
| unit_price | DECIMAL(28,10) | Client price per unit | pax8.usage_lines.payload |
| charges | DECIMAL(28,10) not null | Client-side charges this month to date | pax8.usage_lines.payload |
| cost | DECIMAL(28,10) not null | Partner cost this month to date | pax8.usage_lines.payload |
| currency | VARCHAR | ISO 4217 | pax8.usage_lines.payload |
| is_trial | BOOLEAN not null | Trial rows are never billed | pax8.usage_lines.payload |
*/
SELECT scope AS month, meta.day(j.usageDate) AS usage_date,
       coalesce(meta.idtext(j.usageSummaryId), meta.idtext(regexp_extract(endpoint, 'usage-summaries/([^/?]+)', 1))) AS summary_id,
       meta.idtext(j.productId) AS product_id, meta.clean(j.productName) AS product_name, meta.clean(j.unitOfMeasure) AS unit_of_measure,
       coalesce(meta.num(j.quantity), 0) AS quantity, meta.num(j.unitPrice) AS unit_price,
       coalesce(meta.num(j.currentCharges), 0) AS charges, coalesce(meta.num(j.partnerTotal), 0) AS cost,
       meta.currency(j.currencyCode) AS currency, meta.flag(j.isTrial) AS is_trial,
       CASE WHEN meta.day(j.usageDate) IS NULL THEN 'usageDate is not a date: ' || coalesce(j.usageDate, '(none)')
            WHEN coalesce(meta.idtext(j.usageSummaryId), meta.idtext(regexp_extract(endpoint, 'usage-summaries/([^/?]+)', 1))) IS NULL
              THEN 'no usage summary'
            WHEN meta.txt(j.quantity) IS NOT NULL AND meta.num(j.quantity) IS NULL THEN 'quantity is not a number: ' || j.quantity
            WHEN meta.txt(j.currentCharges) IS NOT NULL AND meta.num(j.currentCharges) IS NULL
              THEN 'currentCharges is not a number: ' || j.currentCharges
            WHEN meta.txt(j.partnerTotal) IS NOT NULL AND meta.num(j.partnerTotal) IS NULL
              THEN 'partnerTotal is not a number: ' || j.partnerTotal
       END AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"usageSummaryId":"VARCHAR","usageDate":"VARCHAR","productId":"VARCHAR",
        "productName":"VARCHAR","unitOfMeasure":"VARCHAR","quantity":"VARCHAR","unitPrice":"VARCHAR",
        "currentCharges":"VARCHAR","partnerTotal":"VARCHAR","currencyCode":"VARCHAR","isTrial":"VARCHAR"}') AS j
      FROM newest.pax8_usage_lines)
