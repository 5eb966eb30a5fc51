-- Clients whose Pax8 recurring invoice is set: Halo's own sync adds lines there (docs/vendors/halo.md#client,
-- #native-integration, likely). Read from what Halo sent, since only this report needs it; a list row may lack members
-- that a client's detail has.
WITH details AS (
  SELECT object_id, payload FROM halo.client_details
  QUALIFY row_number() OVER (PARTITION BY object_id ORDER BY loaded_at DESC) = 1
), set_ AS (
  SELECT c.object_id, unnest([
    {'member': 'pax8monthlyinvoice',
     'id': meta.recurring_id(coalesce(json_extract_string(c.payload, '$.pax8monthlyinvoice'),
                                      json_extract_string(d.payload, '$.pax8monthlyinvoice')))},
    {'member': 'pax8annualinvoice',
     'id': meta.recurring_id(coalesce(json_extract_string(c.payload, '$.pax8annualinvoice'),
                                      json_extract_string(d.payload, '$.pax8annualinvoice')))}]) AS s
  FROM newest.halo_clients c LEFT JOIN details d USING (object_id)
)
SELECT k.client_id, k.name AS client_name, s.s.member AS member, s.s.id AS recurring_invoice_id, r.reference,
       CASE WHEN r.recurring_invoice_id IS NULL THEN 'not among the recurring invoices read'
            WHEN r.disabled THEN 'disabled' ELSE 'live' END AS state
FROM set_ s JOIN staging.clients k ON k.client_id = meta.halo_id(s.object_id)
LEFT JOIN staging.recurring_invoices r ON r.recurring_invoice_id = s.s.id
WHERE s.s.id IS NOT NULL ORDER BY k.name, k.client_id, member DESC;
