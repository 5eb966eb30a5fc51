/* Rows that could not be typed, with the reason and the object as it came. Nothing is dropped in silence.

| table_name | VARCHAR not null | Staging table the row was meant for |
| object_id | VARCHAR | The object's id or position |
| reason | VARCHAR not null | What is wrong with it |
| payload | VARCHAR | The object |
*/
