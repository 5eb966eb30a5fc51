-- The rows of the newest complete read of one raw table; an incomplete read is never among them.
CREATE OR REPLACE VIEW newest.{name} AS
SELECT r.*, s.scope
FROM {table} AS r
JOIN (
  SELECT snapshot_id, scope FROM meta.snapshots
  WHERE table_name = '{table}' AND complete
  QUALIFY row_number() OVER (PARTITION BY scope ORDER BY loaded_at DESC, snapshot_id DESC) = 1
) AS s USING (snapshot_id);
