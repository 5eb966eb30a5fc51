/* One row per Halo client.

key: client_id
| client_id | BIGINT not null | Halo client id | halo.clients.payload |
| name | VARCHAR | Name in Halo | halo.clients.payload |
| inactive | BOOLEAN not null | Switched off in Halo | halo.clients.payload |
| currency | VARCHAR | The client's currency where Halo names one | halo.clients.payload |
| billed_client_id | BIGINT | Another client that gets the recurring invoices | halo.clients.payload |
| billing_blocked | BOOLEAN not null | Halo is told not to invoice this client | halo.clients.payload |
*/
SELECT meta.halo_id(j.id) AS client_id, meta.clean(j.name) AS name, meta.flag(j.inactive) AS inactive,
       coalesce(meta.currency(j.currencyisocode), meta.currency(j.clientcurrency), meta.currency(j.default_currency_code_name),
                meta.currency(j.default_currency_code)) AS currency,
       coalesce(meta.halo_id(j.client_to_invoice_recurring), meta.halo_id(j.client_to_invoice)) AS billed_client_id,
       meta.flag(j.dontinvoice) OR meta.kind(j.stopped) NOT IN (0, -1) AS billing_blocked,
       CASE WHEN meta.txt(j.id) IS NULL THEN 'no id' WHEN meta.halo_id(j.id) IS NULL THEN 'id is not a Halo id: ' || j.id
            WHEN meta.bad_halo_id(j.client_to_invoice_recurring) THEN 'client_to_invoice_recurring is not a Halo id: ' || j.client_to_invoice_recurring
            WHEN meta.bad_halo_id(j.client_to_invoice) THEN 'client_to_invoice is not a Halo id: ' || j.client_to_invoice
       END AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","name":"VARCHAR","inactive":"VARCHAR","currencyisocode":"VARCHAR",
        "clientcurrency":"VARCHAR","default_currency_code_name":"VARCHAR","default_currency_code":"VARCHAR",
        "client_to_invoice_recurring":"VARCHAR","client_to_invoice":"VARCHAR","dontinvoice":"VARCHAR",
        "stopped":"VARCHAR"}') AS j FROM newest.halo_clients)
