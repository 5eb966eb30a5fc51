/* Which Halo answered in each run. One row per run that asked.

| run_id | VARCHAR not null | Dagster run |
| asked_at | TIMESTAMP not null | When it was asked, UTC |
| app_version | VARCHAR | Version of the application |
| database_version | VARCHAR | Version of its database |
| hosted_group | VARCHAR | Group of hosted tenants it belongs to |
| tenant_id | VARCHAR | The tenant as Halo names it |
| problem | VARCHAR | Why it is not known |
*/
