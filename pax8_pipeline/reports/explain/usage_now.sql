-- How the charges of a story stood when usage was last reconciled.
SELECT u.charge_id, u.month, u.state, u.product_name, u.resource_group, u.vendor_name, u.company_name, u.client_id,
       u.client_name,
       u.quantity, u.unit_of_measure, u.charges, u.cost, u.amount, u.currency, u.bucket, u.verdict, u.sentence,
         u.subscription_id, u.summary_id
FROM reconciled.usage u WHERE u.charge_id IN (SELECT charge_id FROM story_charges)
ORDER BY u.month, u.client_name, u.product_name, u.charge_id;
