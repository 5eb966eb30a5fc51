/* What Halo bills for each subscription in the month, over all lines that stand for it.

key: subscription_id
reads: line_shares, line_bills
| subscription_id | VARCHAR | Pax8 subscription | line_shares.subscription_id |
| line_ids | BIGINT[] | The lines | line_shares.line_id |
| share_expected | DECIMAL(28,10) | Units that should be billed | line_shares.share_expected |
| billed | DECIMAL(28,10) | Units billed; empty when that cannot be told | line_shares.share_billed |
| first_billed | DECIMAL(28,10) | Units on the first of several invoices | line_bills.first_billed |
| line_quantity | DECIMAL(28,10) | Units that the lines would bill now | line_bills.quantity |
| billing_lines | BIGINT | Lines that bill something | line_shares.share_billed |
| is_bundle | BOOLEAN | A line is for several products | line_shares.is_bundle |
| sharers | BIGINT | Most subscriptions on one of the lines | line_shares.sharers |
| is_live | BOOLEAN | A line bills now | line_bills.is_live |
| state | VARCHAR | How the month was billed, see line_bills | line_bills.state |
| invoices | VARCHAR[] | Halo's invoices | line_bills.invoices |
| invoice_date | DATE | Date of the first | line_bills.invoice_date |
| posted | BOOLEAN | One was sent to accounts | line_bills.posted |
| halo_currency | VARCHAR | Currency of the recurring invoice where Halo names it | line_bills.currency |
| bill_price | DECIMAL(28,10) | Halo's price per unit and period | line_bills.bill_price |
| bill_cost | DECIMAL(28,10) | Halo's cost per unit and period | line_bills.bill_cost |
| period_months | DECIMAL(18,6) | Months that these cover | line_bills.period_months |
| billed_money | DECIMAL(28,10) | Money of a month's share | line_bills.bill_price, line_shares.money_share,
  line_bills.period_months |
| pending_pro_rata | HUGEINT | Part periods that wait for the next invoice | line_bills.pending_pro_rata |
*/
WITH lines AS (
  SELECT s.*, b.* EXCLUDE (line_id, billed), meta.per_month((s.money_share::DECIMAL(18,6)
           * b.bill_price::DECIMAL(18,6))::DECIMAL(28,10), b.period_months) AS money,
         row_number() OVER (PARTITION BY s.subscription_id ORDER BY s.share_billed > 0 DESC NULLS LAST, b.is_live DESC,
           b.state = 'made' DESC, s.line_id) AS place
  FROM line_shares s JOIN line_bills b USING (line_id)
)
SELECT subscription_id, list(line_id ORDER BY place) AS line_ids,
       max(share_expected) FILTER (place = 1) AS share_expected,
       CASE WHEN count(*) = count(share_billed) THEN sum(share_billed) END::DECIMAL(28,10) AS billed,
       sum(first_billed)::DECIMAL(28,10) AS first_billed, sum(quantity)::DECIMAL(28,10) AS line_quantity,
       count(*) FILTER (share_billed > 0) AS billing_lines, bool_or(is_bundle) AS is_bundle, max(sharers) AS sharers,
       bool_or(is_live) AS is_live, max(state) FILTER (place = 1) AS state,
       list_sort(list_distinct(flatten(list(coalesce(invoices, []))))) AS invoices, min(invoice_date) AS invoice_date,
       bool_or(posted) AS posted, max(currency) AS halo_currency, max(bill_price) FILTER (place = 1) AS bill_price,
       max(bill_cost) FILTER (place = 1) AS bill_cost, max(period_months) FILTER (place = 1) AS period_months,
       sum(money)::DECIMAL(28,10) AS billed_money, sum(pending_pro_rata) AS pending_pro_rata
FROM lines GROUP BY subscription_id
