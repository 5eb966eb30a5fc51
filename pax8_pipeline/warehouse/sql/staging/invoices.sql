/* One row per Pax8 invoice (to the partner). `total` may hold carried money: sum the items instead.

key: invoice_id
reads: newest.pax8_invoices
| invoice_id | VARCHAR not null | Pax8 invoice id, lower case; of an invoice without id its place in the read
  | pax8.invoices.payload |
| invoice_date | DATE | Date of the invoice | pax8.invoices.payload |
| due_date | DATE | When it is due | pax8.invoices.payload |
| status | VARCHAR | Unpaid, Paid, Void, Carried, Nothing Due, Credited | pax8.invoices.payload |
| is_live | BOOLEAN not null | False for Void and Credited | pax8.invoices.payload |
| total | DECIMAL(28,10) | As stated by Pax8 | pax8.invoices.payload |
| balance | DECIMAL(28,10) | As stated by Pax8 | pax8.invoices.payload |
| currency | VARCHAR | ISO 4217 | pax8.invoices.payload |
| partner_name | VARCHAR | The partner billed | pax8.invoices.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing | pax8.invoices.payload |
*/
SELECT coalesce(meta.idtext(j.id), object_id) AS invoice_id, meta.day(j.invoiceDate) AS invoice_date,
       meta.day(j.dueDate) AS due_date, meta.txt(j.status) AS status,
       coalesce(lower(meta.txt(j.status)) NOT IN ('void', 'credited'), true) AS is_live,
       meta.num(j.total) AS total, meta.num(j.balance) AS balance, meta.currency(j.currencyCode) AS currency,
       meta.clean(j.partnerName) AS partner_name,
       coalesce(meta.missing('id', j.id), CASE WHEN meta.day(j.invoiceDate) IS NULL THEN 'invoiceDate is not a date: '
         || coalesce(j.invoiceDate, '(none)') END,
                -- Whether it counts hangs on its status: Void and Credited ones do not (docs/vendors/pax8.md#invoices).
                meta.missing('status', j.status),
                CASE WHEN NOT list_contains(getvariable('known_invoice_statuses')::VARCHAR[],
                                            lower(meta.txt(j.status)))
                     THEN 'status is not known here: ' || left(j.status, 80) END) AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","invoiceDate":"VARCHAR","dueDate":"VARCHAR","status":"VARCHAR",
        "total":"VARCHAR","balance":"VARCHAR","currencyCode":"VARCHAR","partnerName":"VARCHAR"}') AS j
      FROM newest.pax8_invoices)
