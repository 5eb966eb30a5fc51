/* data/mappings/clients.csv as read by this run.

key: company_id
| company_id | VARCHAR not null | Pax8 company id, lower case |
| client_id | BIGINT not null | Halo client id |
| note | VARCHAR | The operator's note |
*/
