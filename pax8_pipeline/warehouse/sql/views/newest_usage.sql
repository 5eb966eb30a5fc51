-- Usage of a month stands in many reads, each of them whole for what it asked; these views replace the plain newest
-- ones.

-- Each summary as the month's last read that listed it: one that is no longer listed is charged all the same
-- (docs/vendors/pax8.md#usage-timing). All rows of that read stay, so that an id that came twice in it is seen.
CREATE OR REPLACE VIEW newest.pax8_usage_summaries AS
SELECT r.*, s.scope
FROM pax8.usage_summaries AS r
JOIN meta.snapshots AS s ON s.snapshot_id = r.snapshot_id AND s.table_name = 'pax8.usage_summaries' AND s.complete
QUALIFY dense_rank() OVER (PARTITION BY s.scope, CASE WHEN r.object_id NOT LIKE '#%' THEN r.object_id END
                           ORDER BY s.loaded_at DESC, s.snapshot_id DESC) = 1;

-- Lines are totals of the month so far. Of each (summary, day) the newest answer counts, whole: a vendor may have
-- appended rows to it. Then of each (summary, product) the last day it was posted: one that stops is charged at its
-- last
-- total (docs/vendors/pax8.md#usage-lines). Summary and day stand in the path that was asked,
-- `.../usage-summaries/<id>/usage-lines?usageDate=`. Ranked by narrow rows, for there are a million of them in a year.
CREATE OR REPLACE VIEW newest.pax8_usage_lines AS
WITH answers AS (
  SELECT r.rowid AS place, s.scope, s.loaded_at, s.snapshot_id,
         lower(CASE WHEN r.endpoint LIKE '%?usageDate=%' THEN split_part(r.endpoint, '/', 3)
                    ELSE json_extract_string(r.payload, '$.usageSummaryId') END) AS asked_summary,
         CASE WHEN r.endpoint LIKE '%?usageDate=%' THEN right(r.endpoint, 10)
              ELSE substr(json_extract_string(r.payload, '$.usageDate'), 1, 10) END AS asked_day,
         lower(coalesce(nullif(trim(json_extract_string(r.payload, '$.productId')), ''),
                        trim(json_extract_string(r.payload, '$.productName')), '')) AS product
  FROM pax8.usage_lines AS r
  JOIN meta.snapshots AS s ON s.snapshot_id = r.snapshot_id AND s.table_name = 'pax8.usage_lines' AND s.complete
), days AS (
  SELECT * FROM answers
  QUALIFY dense_rank() OVER (PARTITION BY scope, asked_summary, asked_day ORDER BY loaded_at DESC, snapshot_id DESC) = 1
), last_days AS (
  SELECT * FROM days QUALIFY asked_day IS NULL OR asked_day = max(asked_day)
         OVER (PARTITION BY scope, asked_summary, product)
)
SELECT r.*, l.scope, l.asked_summary, try_cast(l.asked_day AS DATE) AS asked_day
FROM last_days AS l JOIN pax8.usage_lines AS r ON r.rowid = l.place;
