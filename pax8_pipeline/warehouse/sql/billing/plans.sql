/* One row per plan: what it was made from, its checksum, how long it is good for, and its figures.

key: plan_id
| plan_id | VARCHAR not null | The plan |
| made_at | TIMESTAMP not null | When it was made, UTC |
| expires_at | TIMESTAMP not null | Not to be applied after this, UTC |
| run_id | VARCHAR not null | Dagster run |
| today | DATE not null | The calendar day it was made for |
| snapshot_id | VARCHAR not null | Hash over the reads it was made from |
| snapshot_ids | VARCHAR not null | JSON: every read it was made from |
| policy_fingerprint | VARCHAR not null | Hash of policy.yaml |
| mapping_fingerprint | VARCHAR not null | Hash of the mapping files |
| checksum | VARCHAR not null | SHA-256 over the rows; the same rows give the same sum on any machine |
| complete | BOOLEAN not null | All lists were read whole in this very run |
| problem | VARCHAR | Why it may not be applied |
| write_mode | VARCHAR not null | dry_run or apply, when it was made |
| rows_considered | BIGINT not null | Rows in it |
| rows_safe | BIGINT not null | Changes that may be written |
| rows_waiting | BIGINT not null | Changes that wait for a person |
| rows_blocked | BIGINT not null | Rows held back |
| held | VARCHAR | The guardrail that holds the whole run |
| money | VARCHAR not null | JSON: money a month by currency: up, down, unbilled |
*/
