/* Rows that could not be read, with the reason, the object as it came, and what it points at as far as that can be
read. Nothing is dropped in silence: most of them stay in their own table too, with the reason in `problem`.

| table_name | VARCHAR not null | Staging table the row is of |
| object_id | VARCHAR | The object's id or position |
| reason | VARCHAR not null | What is wrong with it |
| payload | VARCHAR | The object |
| company_id | VARCHAR | Pax8 company it names |
| subscription_id | VARCHAR | Pax8 subscription it names |
| licence_id | BIGINT | Halo licence it names |
| line_id | BIGINT | Halo line it names |
| recurring_invoice_id | BIGINT | Halo recurring invoice it names |
| client_id | BIGINT | Halo client it names |
*/
