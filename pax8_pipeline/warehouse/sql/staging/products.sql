/* One row per Pax8 product.

key: product_id
reads: newest.pax8_products
| product_id | VARCHAR not null | Pax8 product id, lower case | pax8.products.payload |
| name | VARCHAR | Name in the catalogue | pax8.products.payload |
| vendor_name | VARCHAR | Vendor | pax8.products.payload |
| sku | VARCHAR | Pax8 SKU | pax8.products.payload |
*/
SELECT meta.idtext(j.id) AS product_id, meta.clean(j.name) AS name, meta.clean(j.vendorName) AS vendor_name,
       meta.clean(j.sku) AS sku,
       CASE WHEN meta.idtext(j.id) IS NULL THEN 'no id' END AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","name":"VARCHAR","vendorName":"VARCHAR","sku":"VARCHAR"}') AS j
      FROM newest.pax8_products)
