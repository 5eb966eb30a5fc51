WITH items AS (
  SELECT i.*, v.invoice_date, try_cast(quantity AS DECIMAL(18,6)) * try_cast(price AS DECIMAL(18,6)) AS product,
         try_cast(quantity AS DECIMAL(18,6)) * try_cast(i.cost AS DECIMAL(18,6)) AS cost_product
  FROM staging.invoice_items i JOIN staging.invoices v USING (invoice_id)
  WHERE i.is_arrears AND v.is_live AND v.invoice_date >= $since
)
SELECT invoice_date, coalesce(company_name, company_id) AS company, product_name, details AS resource_group, quantity,
       price, total, round(product, 4) AS quantity_times_price, cost, cost_total,
       round(cost_product, 4) AS quantity_times_cost, currency,
       total - product AS money, subscription_id, invoice_id, item_no
FROM items WHERE abs(total - product) > 0.01 OR abs(cost_total - cost_product) > 0.01
ORDER BY abs(total - product) DESC, invoice_id, item_no
