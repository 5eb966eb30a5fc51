/* What the vendors' answers told of the time, beside this machine's clock and the day of the run. Several rows a run.

| run_id | VARCHAR not null | Dagster run |
| vendor | VARCHAR not null | Pax8 or Halo |
| vendor_time | TIMESTAMP not null | The Date header of an answer, UTC |
| local_time | TIMESTAMP not null | This machine's clock when that answer came, UTC |
| read_at | TIMESTAMP not null | When the run read its settings by this machine's clock, UTC |
| today | DATE not null | The day the run works with |
| stated | BOOLEAN not null | PAX8_PIPELINE_TODAY named that day |
*/
