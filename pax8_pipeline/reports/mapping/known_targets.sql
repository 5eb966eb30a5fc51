-- Every id of Halo that a mapping may name, by kind, as the last run read them.
SELECT 'client' AS kind, client_id AS halo_id FROM staging.clients WHERE client_id IS NOT NULL
UNION ALL SELECT 'item', item_id FROM staging.items
UNION ALL SELECT 'licence', licence_id FROM staging.licences WHERE licence_id IS NOT NULL
UNION ALL SELECT 'line', line_id FROM staging.recurring_invoice_lines WHERE line_id IS NOT NULL
UNION ALL SELECT 'recurring_invoice', recurring_invoice_id FROM staging.recurring_invoices
          WHERE recurring_invoice_id IS NOT NULL;
