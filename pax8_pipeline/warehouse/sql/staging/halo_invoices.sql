/* One row per ordinary Halo invoice of the last weeks.

key: invoice_id
reads: newest.halo_invoices
| invoice_id | BIGINT | Halo invoice id, positive; empty where it cannot be read | halo.invoices.payload |
| client_id | BIGINT | Client billed | halo.invoices.payload |
| invoice_date | DATE | Date | halo.invoices.payload |
| reference | VARCHAR | Reference; our usage key stands here | halo.invoices.payload |
| posted | BOOLEAN | Sent to accounts | halo.invoices.payload |
| voided | BOOLEAN | Cancelled by a person | halo.invoices.payload |
| total | DECIMAL(28,10) | Total as Halo states it | halo.invoices.payload |
| line_count | BIGINT not null | Lines it has | halo.invoices.payload |
| lines_net | DECIMAL(28,10) | Sum of quantity times price of its lines, empty where one of them cannot be read
  | halo.invoices.payload |
| usage_keys | VARCHAR[] not null | Usage keys that stand in its reference or the texts of its lines, lower case
  | halo.invoices.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing | halo.invoices.payload |
*/
SELECT meta.halo_id(j.id) AS invoice_id, meta.halo_id(j.client_id) AS client_id,
       meta.halo_day(j.invoice_date) AS invoice_date,
       meta.txt(j.reference) AS reference, CASE WHEN meta.txt(j.posted) IS NULL THEN false
         ELSE meta.flag_or_null(j.posted) END AS posted,
       CASE WHEN meta.txt(j.voided) IS NULL THEN false ELSE meta.flag_or_null(j.voided) END AS voided,
         meta.num(j.total) AS total,
       coalesce(len(j.lines), 0) AS line_count,
       CASE WHEN len(list_filter(coalesce(j.lines, []),
                                 lambda l: meta.num(l.qty_order) IS NULL OR meta.num(l.unit_price) IS NULL)) = 0
            THEN coalesce(list_sum([try_cast(try_cast(meta.num(l.qty_order) AS DECIMAL(18,6))
                                             * try_cast(meta.num(l.unit_price) AS DECIMAL(18,6)) AS DECIMAL(28,10))
                                    for l in j.lines]), 0) END AS lines_net,
       -- The words by which billing/actions/usage_documents.py finds them: a key ends where its company's id and its
       -- -adjN
       -- end.
       list_sort(list_distinct(regexp_extract_all(
         regexp_replace(lower(concat_ws(' | ', j.reference, array_to_string(coalesce(
           [concat_ws(' | ', l.item_shortdescription, l.item_longdescription) for l in j.lines], []), ' | '))),
           '\s+', ' ', 'g'),
         'pax8-usage \d{4}-\d{2} '
         || '(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-adj\d+)?|[0-9a-z]+(?:-[0-9a-z]+)*)'))) AS usage_keys,
       coalesce(meta.bad_own_id(j.id, meta.halo_id(j.id)), meta.bad_id('client_id', j.client_id),
         meta.bad_flag('posted', j.posted),
                meta.bad_flag('voided', j.voided), meta.bad_list('lines', json_type(payload, '$.lines')),
                CASE WHEN len(list_filter(coalesce(j.lines, []),
                  lambda l: (meta.txt(l.qty_order) IS NOT NULL AND meta.num(l.qty_order) IS NULL)
                                                  OR (meta.txt(l.unit_price) IS NOT NULL
                                                    AND meta.num(l.unit_price) IS NULL))) > 0
                     THEN 'a quantity or price of its lines is not a number' END) AS reject, object_id, payload
FROM (SELECT *, from_json(payload,
  '{"id":"VARCHAR","client_id":"VARCHAR","invoice_date":"VARCHAR","reference":"VARCHAR",
        "posted":"VARCHAR","voided":"VARCHAR","total":"VARCHAR","lines":[{"qty_order":"VARCHAR","unit_price":"VARCHAR",
        "item_shortdescription":"VARCHAR","item_longdescription":"VARCHAR"}]}') AS j FROM newest.halo_invoices)
