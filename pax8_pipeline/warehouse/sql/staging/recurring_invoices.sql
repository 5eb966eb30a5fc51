/* One row per Halo recurring invoice (header, negative id).

key: recurring_invoice_id
| recurring_invoice_id | BIGINT not null | Halo id, negative | halo.recurring_invoices.payload |
| client_id | BIGINT | Halo client billed | halo.recurring_invoices.payload |
| reference | VARCHAR | Text people know it by | halo.recurring_invoices.payload |
| disabled | BOOLEAN not null | Superseded or stopped | halo.recurring_invoices.payload |
| period | BIGINT | 1 weekly, 2 monthly, 3 yearly, 4 quarterly, 5 six-monthly, 7 three-yearly; what 8, 9 and others are is not certain | halo.recurring_invoices.payload |
| next_creation_date | DATE | When the next invoice is made | halo.recurring_invoices.payload |
| currency | VARCHAR | Currency where Halo names one | halo.recurring_invoices.payload |
| line_count | BIGINT not null | Lines read | halo.recurring_invoices.payload |
*/
SELECT meta.own_recurring_id(j.id) AS recurring_invoice_id, meta.halo_id(j.client_id) AS client_id, meta.txt(j.reference) AS reference,
       meta.flag(j.disabled) AS disabled, meta.whole(j.period) AS period, meta.halo_day(j.nextcreationdate) AS next_creation_date,
       coalesce(meta.currency(j.currency_code_name), meta.currency(j.currency), meta.currency(j.currency_code)) AS currency,
       coalesce(json_array_length(payload, '$.lines'), 0) AS line_count,
       CASE WHEN meta.txt(j.id) IS NULL THEN 'no id'
            WHEN meta.own_recurring_id(j.id) IS NULL THEN 'id is not a recurring invoice id: ' || j.id
            WHEN meta.bad_halo_id(j.client_id) THEN 'client_id is not a Halo id: ' || j.client_id
            WHEN coalesce(json_type(payload, '$.lines'), 'NULL') <> 'ARRAY' THEN 'no lines were sent' END AS reject,
       object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","client_id":"VARCHAR","reference":"VARCHAR","disabled":"VARCHAR",
        "period":"VARCHAR","nextcreationdate":"VARCHAR","currency_code_name":"VARCHAR","currency":"VARCHAR",
        "currency_code":"VARCHAR"}') AS j FROM newest.halo_recurring_invoices)
