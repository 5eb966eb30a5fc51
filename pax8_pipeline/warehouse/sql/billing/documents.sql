/* Every usage document that this installation made, or that an earlier run saw in Halo whoever made it, and how Halo
showed it last. Each whole read of Halo's invoices is compared with it. One row per usage key.

key: usage_key
| usage_key | VARCHAR not null | Usage key, lower case: what a document is known by, never its number |
| origin | VARCHAR not null | ledger (made and verified here), answered (Halo said that it took it) or seen (a run saw
  it) |
| plan_id | VARCHAR | Plan that made it |
| client_id | BIGINT | Client it must be billed to |
| net | DECIMAL(28,10) | Net amount it must have |
| lines | VARCHAR not null | JSON: reference, net amount and item of each line it must have |
| invoice_date | DATE | Its date, by which a read has it or not |
| was_voided | BOOLEAN not null | It was voided already when it was first seen |
| writer | VARCHAR | Data folder that made it, where it says so |
| first_seen | TIMESTAMP not null | When it was first known, UTC |
| last_seen | TIMESTAMP | When Halo last showed it, UTC |
| invoice_id | VARCHAR | Number it was last shown under, for people |
| state | VARCHAR not null | present, changed, voided, missing, or unread (no read covers its date) |
| detail | VARCHAR | What differs |
| shown_net | DECIMAL(28,10) | Net amount Halo showed last |
| missing_since | TIMESTAMP | First read that did not show it, UTC |
| accepted_at | TIMESTAMP | When a person accepted that it is missing together with others, UTC |
*/
