/* data/mappings/subscriptions.csv as read by this run.

key: subscription_id
| subscription_id | VARCHAR not null | Pax8 subscription id, lower case |
| recurring_invoice_id | BIGINT | Halo recurring invoice |
| line_id | BIGINT | Halo line |
| licence_id | BIGINT | Halo licence |
| note | VARCHAR | The operator's note |
*/
