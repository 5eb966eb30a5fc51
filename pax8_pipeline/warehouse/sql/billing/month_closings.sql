/* Append-only record of months that a person closed. The newest closing of a month counts.

key: closing
| closing | BIGINT not null | Number, rising |
| month | VARCHAR not null | Month of the Pax8 invoice date, yyyy-mm |
| closed_at | TIMESTAMP not null | When, UTC |
| closed_by | VARCHAR not null | Who |
| why | VARCHAR | Why it was closed although something was open; empty when nothing was |
| today | DATE not null | Day on which the month was compared |
| invoices | BIGINT not null | Pax8 invoices of the month that counted |
| ties | BOOLEAN not null | The sums of every client and currency agreed |
| rows_closed | BIGINT not null | Rows of the month |
| rows_open | BIGINT not null | Rows that waited for a person |
| rows_acknowledged | BIGINT not null | Rows that a person had acknowledged |
| checksum | VARCHAR not null | SHA-256 over its rows; the same rows give the same sum on any machine |
*/
