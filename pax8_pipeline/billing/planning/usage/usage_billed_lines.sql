/* What the ledger says was billed of each line, over all documents of a company's month.

key: month, company_id, ref
reads: usage_ledger_lines
| month | VARCHAR | Usage month | usage_ledger_lines.month |
| company_id | VARCHAR | Pax8 company | usage_ledger_lines.company_id |
| ref | VARCHAR | The line | usage_ledger_lines.ref |
| client_id | BIGINT | Halo client that was billed | usage_ledger_lines.client_id |
| currency | VARCHAR | ISO 4217 | usage_ledger_lines.currency |
| amount | DECIMAL(38,10) | Billed for certain | usage_ledger_lines.amount |
| cost | DECIMAL(38,10) | What Pax8 charged for it | usage_ledger_lines.cost |
| unsettled | BOOLEAN | More may have been billed: a write has no known end | usage_ledger_lines.state |
*/
SELECT month, company_id, ref, any_value(client_id) AS client_id, any_value(currency) AS currency,
       coalesce(sum(amount) FILTER (state = 'verified'), 0) AS amount,
       coalesce(sum(cost) FILTER (state = 'verified'), 0) AS cost, bool_or(state <> 'verified') AS unsettled
FROM usage_ledger_lines GROUP BY month, company_id, ref
