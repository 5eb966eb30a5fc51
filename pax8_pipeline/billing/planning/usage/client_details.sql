/* How finely the usage of some clients is billed (policy usage.clients).

key: client_id
reads:
| client_id | BIGINT | Halo client | |
| detail | VARCHAR | product, subscription or collapsed | |
*/
SELECT meta.halo_id(key) AS client_id, value->>'detail' AS detail
FROM json_each(getvariable('usage_policy'), '$.clients')
