/* data/mappings/items.csv as read by this run.

key: product_id
| product_id | VARCHAR not null | Pax8 product id, lower case |
| item_id | BIGINT not null | Halo item id |
| note | VARCHAR | The operator's note |
*/
