/* One row per Halo client.

key: client_id
reads: newest.halo_clients
| client_id | BIGINT | Halo client id, empty where it cannot be read | halo.clients.payload |
| name | VARCHAR | Name in Halo | halo.clients.payload |
| inactive | BOOLEAN | Switched off in Halo | halo.clients.payload |
| currency | VARCHAR | The client's currency where Halo names one | halo.clients.payload |
| billed_client_id | BIGINT | Another client that gets the recurring invoices | halo.clients.payload |
| pax8_monthly_invoice_id | BIGINT | Recurring invoice that Halo names for its monthly Pax8 lines
  | halo.clients.payload |
| pax8_annual_invoice_id | BIGINT | The same for annual ones | halo.clients.payload |
| billing_blocked | BOOLEAN not null | Halo is told not to invoice this client | halo.clients.payload |
| links_unread | BOOLEAN not null | Its custom fields or links are no list, so which Pax8 companies it carries is not
  known | halo.clients.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing | halo.clients.payload |
*/
WITH typed AS (
  SELECT *, coalesce(meta.currency(j.currencyisocode), meta.currency(j.clientcurrency),
         meta.currency(j.default_currency_code_name),
                     meta.currency(j.default_currency_code)) AS currency,
         coalesce(meta.txt(j.currencyisocode), meta.txt(j.clientcurrency),
           meta.txt(j.default_currency_code_name)) AS currency_sent
  FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","name":"VARCHAR","inactive":"VARCHAR","currencyisocode":"VARCHAR",
          "clientcurrency":"VARCHAR","default_currency_code_name":"VARCHAR","default_currency_code":"VARCHAR",
          "client_to_invoice_recurring":"VARCHAR","client_to_invoice":"VARCHAR","dontinvoice":"VARCHAR",
          "stopped":"VARCHAR","pax8monthlyinvoice":"VARCHAR","pax8annualinvoice":"VARCHAR"}') AS j
        FROM newest.halo_clients)
)
SELECT meta.halo_id(j.id) AS client_id, meta.clean(j.name) AS name, meta.flag_or_null(j.inactive) AS inactive, currency,
       coalesce(meta.halo_id(j.client_to_invoice_recurring), meta.halo_id(j.client_to_invoice)) AS billed_client_id,
       meta.recurring_id(j.pax8monthlyinvoice) AS pax8_monthly_invoice_id,
       meta.recurring_id(j.pax8annualinvoice) AS pax8_annual_invoice_id,
       coalesce(meta.flag_or_null(j.dontinvoice), meta.txt(j.dontinvoice) IS NOT NULL)
         OR meta.kind(j.stopped) NOT IN (0, -1) AS billing_blocked,
       coalesce(json_type(payload, '$.customfields'), 'NULL') NOT IN ('ARRAY', 'NULL')
         OR coalesce(json_type(payload, '$.external_links'), 'NULL') NOT IN ('ARRAY', 'NULL') AS links_unread,
       coalesce(meta.bad_own_id(j.id, meta.halo_id(j.id)), meta.missing('inactive', j.inactive),
         meta.bad_flag('inactive', j.inactive),
                meta.bad_id('client_to_invoice_recurring', j.client_to_invoice_recurring),
                  meta.bad_id('client_to_invoice', j.client_to_invoice),
                CASE WHEN currency IS NULL AND currency_sent IS NOT NULL THEN 'its currency is not readable: '
                  || left(currency_sent, 80) END,
                meta.bad_flag('dontinvoice', j.dontinvoice),
                meta.bad_list('customfields', json_type(payload, '$.customfields')),
                meta.bad_list('external_links', json_type(payload, '$.external_links'))) AS reject, object_id, payload
FROM typed
