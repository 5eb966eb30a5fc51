/* Every read of every vendor list, whole or not. Only a complete one is ever used.

key: snapshot_id
| snapshot_id | VARCHAR not null | Id of the read |
| table_name | VARCHAR not null | Raw table it belongs to, schema.name |
| scope | VARCHAR not null | What part of the table it replaces: a month, an invoice id, or empty for all of it |
| run_id | VARCHAR not null | Dagster run |
| loaded_at | TIMESTAMP not null | When the read ended, UTC |
| endpoint | VARCHAR not null | The vendor path |
| row_count | BIGINT not null | Objects read |
| expected | BIGINT | Objects the vendor said there are |
| requests | BIGINT not null | Calls it took |
| repeats | BIGINT not null | Objects seen on more than one page |
| complete | BOOLEAN not null | True when the read was whole |
| problem | VARCHAR | Why it was not |
| covers_from | DATE | First date asked for, of lists that are read by date; of a draft, the day of the read |
| covers_to | DATE | Last date asked for |
| whole_from | DATE | First date from which all objects are stored; empty where all of them are |
*/
