/* One row per ordinary Halo invoice of the last weeks.

key: invoice_id
| invoice_id | BIGINT not null | Halo invoice id, positive | halo.invoices.payload |
| client_id | BIGINT | Client billed | halo.invoices.payload |
| invoice_date | DATE | Date | halo.invoices.payload |
| reference | VARCHAR | Reference; our usage key stands here | halo.invoices.payload |
| posted | BOOLEAN not null | Sent to accounts | halo.invoices.payload |
| voided | BOOLEAN not null | Cancelled by a person | halo.invoices.payload |
| total | DECIMAL(28,10) | Total as Halo states it | halo.invoices.payload |
*/
SELECT try_cast(j.id AS BIGINT) AS invoice_id, meta.halo_id(j.client_id) AS client_id, meta.halo_day(j.invoice_date) AS invoice_date,
       meta.txt(j.reference) AS reference, meta.flag(j.posted) AS posted, meta.flag(j.voided) AS voided, meta.num(j.total) AS total,
       CASE WHEN try_cast(j.id AS BIGINT) IS NULL THEN 'no id' END AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","client_id":"VARCHAR","invoice_date":"VARCHAR","reference":"VARCHAR",
        "posted":"VARCHAR","voided":"VARCHAR","total":"VARCHAR"}') AS j FROM newest.halo_invoices)
