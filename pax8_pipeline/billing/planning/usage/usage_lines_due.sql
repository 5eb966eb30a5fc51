/* Lines of the next document of a company's month: all of it the first time, the difference after that.

key: month, company_id, ref
reads: usage_expected_lines, usage_billed_lines, usage_scope
| month | VARCHAR | Usage month | usage_expected_lines.month, usage_billed_lines.month |
| company_id | VARCHAR | Pax8 company | usage_expected_lines.company_id, usage_billed_lines.company_id |
| ref | VARCHAR | The line | usage_expected_lines.ref, usage_billed_lines.ref |
| amount | DECIMAL(38,10) | What is to be charged now, once | usage_expected_lines.amount, usage_billed_lines.amount |
| cost | DECIMAL(38,10) | What Pax8 charges for it | usage_expected_lines.cost, usage_billed_lines.cost |
| item_id | BIGINT | Halo item | usage_expected_lines.item_id |
| text | VARCHAR | Short text of the line | usage_expected_lines.text, usage_billed_lines.ref |
| note | VARCHAR | Long text of the line | usage_expected_lines.note |
| charges | VARCHAR[] | The charges in it | usage_expected_lines.charges |
*/
WITH billed AS (
  SELECT b.* FROM usage_billed_lines b JOIN usage_scope s ON s.month = b.month AND s.considered AND s.final
), any_item AS (
  SELECT month, company_id, any_value(item_id) AS item_id FROM usage_expected_lines GROUP BY month, company_id
)
SELECT month, company_id, ref, coalesce(w.amount, 0) - coalesce(h.amount, 0) AS amount,
       coalesce(w.cost, 0) - coalesce(h.cost, 0) AS cost, coalesce(w.item_id, a.item_id) AS item_id,
       coalesce(w.text, wording('correction_texts', 'text')) AS text,
       coalesce(w.note, wording('correction_texts', 'note')) AS note, coalesce(w.charges, []) AS charges
FROM usage_expected_lines w
FULL JOIN billed h USING (month, company_id, ref)
LEFT JOIN any_item a USING (month, company_id)
WHERE coalesce(w.amount, 0) <> coalesce(h.amount, 0)
