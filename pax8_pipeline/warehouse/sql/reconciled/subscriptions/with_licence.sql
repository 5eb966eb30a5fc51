/* Each subscription with its Halo licence: the one of the mapping file, else the one that carries its id.

key: subscription_id
extends: listed_subscriptions
reads: listed_subscriptions, halo_lines, licence_lines, staging.mapping_subscriptions, staging.line_licences,
  staging.licences, reconciled.licence_keys
| mapped_line | BIGINT | Line that the mapping file names | staging.mapping_subscriptions.line_id |
| mapped_invoice | BIGINT | Recurring invoice that it names | staging.mapping_subscriptions.recurring_invoice_id |
| mapped_licence | BIGINT | Licence that it names | staging.mapping_subscriptions.licence_id |
| mapped | BOOLEAN | The mapping file names its line or its licence | staging.mapping_subscriptions.line_id,
  staging.mapping_subscriptions.licence_id |
| by_licence_id | BOOLEAN | Its licence is known by an id that it carries | reconciled.licence_keys.subscription_id |
| key_used | VARCHAR | By which of the two ids | reconciled.licence_keys.matched_by |
| key_conflict | VARCHAR | Why the two ids decide nothing | reconciled.licence_keys.conflict |
| conflict_is_on | BOOLEAN | A licence of that conflict is on | reconciled.licence_keys.is_on |
| two_licences | BOOLEAN | Several licences carry its id | reconciled.licence_keys.licence_id |
| licence_id | BIGINT | Its licence | staging.licences.licence_id |
| licence_count | BIGINT | Count of it | staging.licences.count |
| licence_active | BOOLEAN | It is active and not deleted | staging.licences.is_active, staging.licences.deleted |
| licence_client_id | BIGINT | Client of it | staging.licences.client_id |
| licence_price | DECIMAL(28,10) | Price of it | staging.licences.price |
| licence_requested | VARCHAR | Quantity ordered for it that is under way | staging.licences.requested_quantity |
| licence_problem | VARCHAR | What of it cannot be read | staging.licences.problem, reconciled.licence_keys.problem |
| live_lines | BIGINT | Lines that bill it | licence_lines.live_lines |
| nameless_lines | BIGINT | Lines without a readable id that follow it | licence_lines.nameless_lines |
| wanted_line | BIGINT | Line to look for | staging.mapping_subscriptions.line_id, licence_lines.line_id |
*/
WITH carriers AS (
  -- The id that Pax8 gives wins over the Microsoft subscription id; a conflict of the two is in key_conflicts.
  SELECT subscription_id, matched_by, count(*) FILTER (is_active) AS active_licences, count(*) AS licences,
         max('a Halo licence: ' || problem) FILTER (licence_id IS NULL) AS nameless_problem,
         coalesce(min(licence_id) FILTER (is_active), min(licence_id)) AS licence_id
  FROM reconciled.licence_keys
  WHERE NOT is_taken AND (matched_by = 'licence_id' OR subscription_id NOT IN (
    SELECT subscription_id FROM reconciled.licence_keys WHERE NOT is_taken AND matched_by = 'licence_id'))
  GROUP BY subscription_id, matched_by
), key_conflicts AS (
  SELECT subscription_id, min(conflict) AS key_conflict, bool_or(is_on) AS conflict_is_on
  FROM reconciled.licence_keys WHERE conflict IS NOT NULL GROUP BY subscription_id
), only_link AS (
  SELECT line_id, any_value(licence_id) AS licence_id FROM staging.line_licences
  GROUP BY line_id HAVING count(*) = 1
)
SELECT s.*, m.line_id AS mapped_line, m.recurring_invoice_id AS mapped_invoice, m.licence_id AS mapped_licence,
       coalesce(m.line_id, m.licence_id) IS NOT NULL AS mapped,
       m.licence_id IS NULL AND b.subscription_id IS NOT NULL AS by_licence_id,
       b.matched_by AS key_used, x.key_conflict, coalesce(x.conflict_is_on, false) AS conflict_is_on,
       m.licence_id IS NULL AND (coalesce(b.active_licences, 0) > 1
         OR (coalesce(b.active_licences, 0) = 0 AND coalesce(b.licences, 0) > 1)) AS two_licences,
       c.licence_id, c.count AS licence_count, c.is_active AND NOT c.deleted AS licence_active,
       c.client_id AS licence_client_id, c.price AS licence_price, c.requested_quantity AS licence_requested,
       coalesce('Halo licence ' || c.licence_id || ': ' || c.problem,
                CASE WHEN m.licence_id IS NULL THEN b.nameless_problem END) AS licence_problem,
       coalesce(f.live_lines, 0) AS live_lines, coalesce(f.nameless_lines, 0) AS nameless_lines,
       coalesce(m.line_id, f.line_id) AS wanted_line
FROM listed_subscriptions s
LEFT JOIN staging.mapping_subscriptions m USING (subscription_id)
LEFT JOIN carriers b USING (subscription_id)
LEFT JOIN key_conflicts x USING (subscription_id)
LEFT JOIN halo_lines n ON n.line_id = m.line_id AND n.quantity_source = 'licence'
LEFT JOIN only_link o ON o.line_id = n.line_id
LEFT JOIN staging.licences c ON c.licence_id = coalesce(m.licence_id, b.licence_id, o.licence_id)
LEFT JOIN licence_lines f ON f.licence_id = c.licence_id
