-- Every id of Pax8 that a mapping may name, by kind, as the last run read them.
SELECT 'client' AS kind, company_id AS pax8_id FROM staging.companies
UNION ALL SELECT 'subscription', subscription_id FROM staging.subscriptions
UNION ALL SELECT 'item', product_id FROM staging.products
UNION ALL SELECT DISTINCT 'item', product_id FROM reconciled.usage WHERE product_id IS NOT NULL;
