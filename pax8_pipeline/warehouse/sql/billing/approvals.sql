/* Append-only record of what people agreed to. An approval is for one plan as it was seen (checksum).

key: approval
| approval | BIGINT not null | Number, rising |
| approved_at | TIMESTAMP not null | When, UTC |
| approved_by | VARCHAR not null | Who |
| plan_id | VARCHAR not null | The plan |
| checksum | VARCHAR not null | Its checksum when it was approved |
| kind | VARCHAR not null | approve (changes that wait) or acknowledge (changes a guardrail holds) |
| client_id | BIGINT | Only this Halo client |
| row_id | VARCHAR | Only this row |
*/
