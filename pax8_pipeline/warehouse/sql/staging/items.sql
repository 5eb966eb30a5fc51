/* One row per Halo item (product).

key: item_id
reads: newest.halo_items
| item_id | BIGINT not null | Halo item id | halo.items.payload |
| name | VARCHAR | Name | halo.items.payload |
| price | DECIMAL(28,10) | Sell price | halo.items.payload |
| cost | DECIMAL(28,10) | Cost price | halo.items.payload |
| supplier_part_code | VARCHAR | Supplier's part code | halo.items.payload |
*/
SELECT meta.halo_id(j.id) AS item_id, meta.clean(j.name) AS name, meta.num(j.baseprice) AS price,
       meta.num(j.costprice) AS cost,
       meta.txt(j.supplier_part_code) AS supplier_part_code,
       meta.bad_own_id(j.id, meta.halo_id(j.id)) AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","name":"VARCHAR","baseprice":"VARCHAR","costprice":"VARCHAR",
        "supplier_part_code":"VARCHAR"}') AS j FROM newest.halo_items)
