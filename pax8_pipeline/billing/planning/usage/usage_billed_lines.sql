/* What the ledger says was billed of each line, over all documents of a company's month.

key: month, company_id, ref
reads: billing.usage_billed
| month | VARCHAR | Usage month | billing.usage_billed.month |
| company_id | VARCHAR | Pax8 company | billing.usage_billed.company_id |
| ref | VARCHAR | The line | billing.usage_billed.ref |
| client_id | BIGINT | Halo client that was billed | billing.usage_billed.client_id |
| currency | VARCHAR | ISO 4217 | billing.usage_billed.currency |
| amount | DECIMAL(38,10) | Billed for certain | billing.usage_billed.amount |
| cost | DECIMAL(38,10) | What Pax8 charged for it | billing.usage_billed.cost |
| unsettled | BOOLEAN | More may have been billed: a write has no known end | billing.usage_billed.state |
*/
SELECT month, company_id, ref, any_value(client_id) AS client_id, any_value(currency) AS currency,
       coalesce(sum(amount) FILTER (state = 'verified'), 0) AS amount,
       coalesce(sum(cost) FILTER (state = 'verified'), 0) AS cost, bool_or(state <> 'verified') AS unsettled
FROM billing.usage_billed GROUP BY month, company_id, ref
