-- Each active Halo client whose id can be read.
SELECT client_id, name FROM staging.clients
WHERE client_id IS NOT NULL AND name IS NOT NULL AND NOT coalesce(inactive, false) ORDER BY client_id;
