/* The rows of each closed month as they were when it was closed. Rows are only added.

key: closing, row_id
| closing | BIGINT not null | The closing |
| row_id | VARCHAR not null | Name of the row | monthly.rows.row_id |
| kind | VARCHAR not null | Kind of charge | monthly.rows.kind |
| class | VARCHAR not null | Its class | monthly.rows.class |
| subscription_id | VARCHAR | Pax8 subscription | monthly.rows.subscription_id |
| company_id | VARCHAR | Pax8 company | monthly.rows.company_id |
| company_name | VARCHAR | Its name | monthly.rows.company_name |
| client_id | BIGINT | Halo client | monthly.rows.client_id |
| client_name | VARCHAR | Its name | monthly.rows.client_name |
| product_name | VARCHAR | Product | monthly.rows.product_name |
| pax8_invoiced | DECIMAL(28,10) | Units on Pax8's invoices | monthly.rows.pax8_invoiced |
| pax8_total | DECIMAL(28,10) not null | Client total, as invoiced | monthly.rows.pax8_total |
| pax8_cost | DECIMAL(28,10) not null | What Pax8 invoiced the partner | monthly.rows.pax8_cost |
| halo_billed | DECIMAL(28,10) | Units that Halo billed | monthly.rows.halo_billed |
| halo_money | DECIMAL(28,10) not null | What Halo billed, a month | monthly.rows.halo_money |
| difference | DECIMAL(28,10) | Money that the client was billed too much, below 0 too little
  | monthly.rows.difference |
| margin | DECIMAL(28,10) | What Halo billed less what Pax8 charged, a month | monthly.rows.margin |
| currency | VARCHAR | ISO 4217 | monthly.rows.currency |
| reached_bill | VARCHAR not null | Whether it was on the client's bill | monthly.rows.reached_bill |
| ack_who | VARCHAR | Who had acknowledged it | billing.acknowledged.who |
| ack_reason | VARCHAR | Why | billing.acknowledged.reason |
*/
