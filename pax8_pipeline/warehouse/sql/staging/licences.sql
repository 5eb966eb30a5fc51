/* One row per Halo licence or subscription record (table Licence).

key: licence_id
reads: newest.halo_licences
| licence_id | BIGINT | Halo licence id, empty where it cannot be read | halo.licences.payload |
| subscription_id | VARCHAR | Pax8 subscription id the record carries (column set by matching.licence_id_field)
  | halo.licences.payload |
| third_party_id | VARCHAR | Id that an import of another system left in `snowid`, lower case | halo.licences.payload |
| type | BIGINT | 0 licence, 1 subscription | halo.licences.payload |
| name | VARCHAR | Name | halo.licences.payload |
| client_id | BIGINT | Halo client it belongs to | halo.licences.payload |
| count | BIGINT | Quantity that linked lines bill | halo.licences.payload |
| price | DECIMAL(28,10) | Sell price per unit | halo.licences.payload |
| cost | DECIMAL(28,10) | Cost per unit | halo.licences.payload |
| billing_cycle | VARCHAR | Free text | halo.licences.payload |
| status | VARCHAR | Free text | halo.licences.payload |
| is_active | BOOLEAN | The flag that matters | halo.licences.payload |
| deleted | BOOLEAN | Soft-deleted | halo.licences.payload |
| end_date | DATE | End | halo.licences.payload |
| distributor | VARCHAR | Free text, Pax8 for ours | halo.licences.payload |
| requested_quantity | VARCHAR | Quantity of a change that was ordered from Halo and is still under way; empty when
  there is none | halo.licences.payload |
| any_subscription | BOOLEAN not null | It may stand for any subscription of its client: a licence of Pax8 whose
  subscription id is no Pax8 id, or one that cannot be read | halo.licences.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing | halo.licences.payload |
*/
SELECT meta.halo_id(j.id) AS licence_id,
       meta.idtext(json_extract_string(payload, '$.' || getvariable('licence_id_field'))) AS subscription_id,
       meta.idtext(j.snowid) AS third_party_id,
       meta.whole(j.type) AS type, meta.clean(j.name) AS name, meta.halo_id(j.client_id) AS client_id,
       meta.whole(j.count) AS count, meta.num(j.price) AS price, meta.num(j.purchase_price) AS cost,
       meta.txt(j.billing_cycle) AS billing_cycle, meta.txt(j.status) AS status,
       meta.flag_or_null(j.is_active) AS is_active, meta.flag_or_null(j.deleted) AS deleted,
       meta.halo_day(j.end_date) AS end_date, meta.txt(j.distributor) AS distributor,
       meta.requested(j.requested_quantity, j.requested_quantity_date, j.count) AS requested_quantity,
       lower(coalesce(meta.txt(j.distributor), '')) = 'pax8'
         AND meta.idtext(json_extract_string(payload, '$.' || getvariable('licence_id_field'))) IS NOT NULL
         AND meta.pax8_id(json_extract_string(payload, '$.'
           || getvariable('licence_id_field'))) IS NULL AS any_subscription,
       coalesce(meta.bad_own_id(j.id, meta.halo_id(j.id)),
                meta.missing('client_id', j.client_id), meta.bad_id('client_id', j.client_id),
                  meta.missing('count', j.count),
                CASE WHEN meta.whole(j.count) IS NULL THEN 'count is not a whole number: ' || left(j.count, 80) END,
                meta.bad_num('price', j.price), meta.missing('is_active', j.is_active),
                  meta.bad_flag('is_active', j.is_active),
                meta.missing('deleted', j.deleted), meta.bad_flag('deleted', j.deleted),
                  meta.bad_day('end_date', j.end_date),
                meta.bad_day('requested_quantity_date', j.requested_quantity_date)) AS reject,
       object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","type":"VARCHAR","name":"VARCHAR","client_id":"VARCHAR",
        "snowid":"VARCHAR",
        "count":"VARCHAR","price":"VARCHAR","purchase_price":"VARCHAR","billing_cycle":"VARCHAR","status":"VARCHAR",
        "is_active":"VARCHAR","deleted":"VARCHAR","end_date":"VARCHAR","distributor":"VARCHAR",
        "requested_quantity":"VARCHAR","requested_quantity_date":"VARCHAR"}') AS j
      FROM newest.halo_licences)
