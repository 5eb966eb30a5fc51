/* One row per Halo recurring invoice (header, negative id).

key: recurring_invoice_id
reads: newest.halo_recurring_invoices
| recurring_invoice_id | BIGINT | Halo id, negative; empty where it cannot be read | halo.recurring_invoices.payload |
| client_id | BIGINT | Halo client billed | halo.recurring_invoices.payload |
| reference | VARCHAR | Text people know it by | halo.recurring_invoices.payload |
| contract_id | BIGINT | Contract that it belongs to | halo.recurring_invoices.payload |
| disabled | BOOLEAN | Superseded or stopped | halo.recurring_invoices.payload |
| period | BIGINT | 1 weekly, 2 monthly, 3 yearly, 4 quarterly, 5 six-monthly, 7 three-yearly; what 8, 9 and others are
  is not certain | halo.recurring_invoices.payload |
| next_creation_date | DATE | When the next invoice is made | halo.recurring_invoices.payload |
| last_creation_date | DATE | When the last invoice was made | halo.recurring_invoices.payload |
| period_start_date | DATE | First day of the period of the last invoice | halo.recurring_invoices.payload |
| pro_rata_period | BIGINT | Which period a part-period entry is for: 0 previous, 1 current, 2 next
  | halo.recurring_invoices.payload |
| currency | VARCHAR | Currency where Halo names one | halo.recurring_invoices.payload |
| line_count | BIGINT not null | Lines read | halo.recurring_invoices.payload |
| lines_unread | BOOLEAN not null | Its lines, or the line of one of them, cannot be told: it may bill any licence of
  its client | halo.recurring_invoices.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing
  | halo.recurring_invoices.payload |
*/
WITH typed AS (
  SELECT *, coalesce(meta.currency(j.currency_code_name), meta.currency(j.currency),
         meta.currency(j.currency_code)) AS currency_,
         coalesce(meta.txt(j.currency_code_name), meta.txt(j.currency)) AS currency_sent,
         coalesce(json_type(payload, '$.lines'), 'NULL') <> 'ARRAY' AS no_lines,
         -- Each question to a document reads all of it again, and these are the longest.
         json_type(payload, '$.lines[*]') AS kinds
  FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","client_id":"VARCHAR","reference":"VARCHAR","disabled":"VARCHAR",
          "period":"VARCHAR","nextcreationdate":"VARCHAR","lastcreated":"VARCHAR","period_start_date":"VARCHAR",
          "invoice_prorata_periods_ahead":"VARCHAR",
          "currency_code_name":"VARCHAR","currency":"VARCHAR",
          "currency_code":"VARCHAR","contract_id":"VARCHAR"}') AS j FROM newest.halo_recurring_invoices)
)
SELECT meta.own_recurring_id(j.id) AS recurring_invoice_id, meta.halo_id(j.client_id) AS client_id,
       meta.txt(j.reference) AS reference, meta.halo_id(j.contract_id) AS contract_id,
       meta.flag_or_null(j.disabled) AS disabled, meta.whole(j.period) AS period,
         meta.halo_day(j.nextcreationdate) AS next_creation_date, meta.halo_day(j.lastcreated) AS last_creation_date,
       meta.halo_day(j.period_start_date) AS period_start_date,
       meta.whole(j.invoice_prorata_periods_ahead) AS pro_rata_period,
       currency_ AS currency, len(kinds) AS line_count,
       no_lines OR len(list_filter(kinds, lambda kind: kind NOT IN ('OBJECT', 'NULL'))) > 0 AS lines_unread,
       coalesce(CASE WHEN meta.txt(j.id) IS NULL THEN 'no id'
                     WHEN meta.own_recurring_id(j.id) IS NULL THEN 'id is not a recurring invoice id: '
                       || left(j.id, 80) END,
                meta.missing('client_id', j.client_id), meta.bad_id('client_id', j.client_id),
                CASE WHEN no_lines THEN 'no lines were sent' END,
                meta.missing('disabled', j.disabled), meta.bad_flag('disabled', j.disabled),
                CASE WHEN currency_ IS NULL AND currency_sent IS NOT NULL THEN 'its currency is not readable: '
                  || left(currency_sent, 80) END) AS reject,
       object_id, payload
FROM typed
