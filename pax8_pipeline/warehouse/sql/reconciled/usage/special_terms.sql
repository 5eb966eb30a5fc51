/* Terms of policy usage.clients and usage.products: what differs from the general ones.

key: kind, id
reads:
| kind | VARCHAR | client or product | |
| id | VARCHAR | Halo client, or Pax8 product | |
| price | VARCHAR | cost or client_price | |
| markup_pct | DECIMAL(9,4) | Percent on top of cost | |
*/
SELECT kind, lower(key) AS id, value->>'price' AS price, try_cast(value->>'markup_pct' AS DECIMAL(9,4)) AS markup_pct
FROM (SELECT 'client' AS kind, key, value FROM json_each(getvariable('usage_policy'), '$.clients')
      UNION ALL SELECT 'product', key, value FROM json_each(getvariable('usage_policy'), '$.products'))
