/* How many rows of each core list a run could read and how many it could use. A run whose usable rows were not believed
is not the measure of the next one.

| run_id | VARCHAR not null | Dagster run |
| table_name | VARCHAR not null | Staging table |
| counted_at | TIMESTAMP not null | When, UTC |
| row_count | BIGINT not null | Rows read |
| usable | BIGINT not null | Rows of which everything that matters could be read |
| problem | VARCHAR | Why so few are not believed |
*/
