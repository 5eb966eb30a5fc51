-- Each Halo item with the UUIDs in its record, one of which may be a Pax8 product's id.
SELECT i.item_id, i.name, i.supplier_part_code AS part_code,
       regexp_extract_all(lower(h.payload), '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}') AS ids
FROM staging.items i
JOIN newest.halo_items h ON meta.halo_id(json_extract_string(h.payload, '$.id')) = i.item_id
WHERE i.name IS NOT NULL ORDER BY i.item_id;
