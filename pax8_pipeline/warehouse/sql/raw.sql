/* Objects exactly as the vendor sent them, one row each, kept per run. A number of more than 15 significant digits is
kept as a quoted string with all its digits, because JSON readers turn numbers into doubles.

| snapshot_id | VARCHAR not null | The read these rows came with, see meta.snapshots |
| run_id | VARCHAR not null | Dagster run that loaded them |
| loaded_at | TIMESTAMP not null | When the read ended, UTC |
| endpoint | VARCHAR not null | The vendor path that answered |
| object_id | VARCHAR not null | The object's own id in lower case; its position where it has none |
| payload | VARCHAR not null | The object as JSON text |
*/
