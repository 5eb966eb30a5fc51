/* How many lines bill each Halo licence, and the one to look at: a line that bills before one that does not.

key: licence_id
reads: staging.line_licences, staging.recurring_invoice_lines
| licence_id | BIGINT | Halo licence | staging.line_licences.licence_id |
| live_lines | BIGINT | Lines that follow it and bill, or may bill | staging.recurring_invoice_lines.is_live |
| nameless_lines | BIGINT | Lines without a readable id that follow it | staging.line_licences.line_id |
| line_id | BIGINT | The line to look at | staging.recurring_invoice_lines.line_id |
*/
SELECT k.licence_id, count(*) FILTER (coalesce(l.is_live, true)) AS live_lines,
       count(*) FILTER (k.line_id IS NULL) AS nameless_lines,
       coalesce(min(l.line_id) FILTER (l.is_live), min(l.line_id)) AS line_id
FROM staging.line_licences k LEFT JOIN staging.recurring_invoice_lines l ON l.line_id = k.line_id
WHERE k.licence_id IS NOT NULL GROUP BY k.licence_id
