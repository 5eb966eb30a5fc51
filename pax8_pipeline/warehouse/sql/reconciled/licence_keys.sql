/* Which Halo licence carries the id of which Pax8 subscription, by two exact keys: the Pax8 subscription id, and for
Microsoft's products the Microsoft subscription id (Pax8's vendorSubscriptionId), which Halo's Microsoft sync brings in.
The first key wins. The second one finds a licence only where its id is unique on both sides, with unreadable rows
counted in.

reads: staging.rejects, staging.licences, staging.subscriptions, staging.line_licences, staging.mapping_subscriptions,
  staging.recurring_invoice_lines, staging.products
| subscription_id | VARCHAR not null | Pax8 subscription, listed or not | staging.licences.subscription_id,
  staging.subscriptions.subscription_id |
| licence_id | BIGINT | Halo licence that carries the id, empty where its own id cannot be read
  | staging.licences.licence_id |
| matched_by | VARCHAR not null | licence_id (it carries the Pax8 id) or vendor_id (the Microsoft subscription id)
  | staging.licences.subscription_id, staging.licences.third_party_id |
| vendor_id | VARCHAR | The Microsoft subscription id that both carry | staging.subscriptions.vendor_subscription_id,
  staging.products.vendor_name |
| is_active | BOOLEAN not null | The licence is active, or may be | staging.licences.is_active |
| is_on | BOOLEAN not null | It is active or a live line follows it | staging.line_licences.licence_id,
  staging.recurring_invoice_lines.is_live |
| is_taken | BOOLEAN not null | It carries another id in the place of the Pax8 id: it is not this subscription's licence
  | staging.licences.subscription_id |
| sharers | BIGINT not null | Subscriptions that carry the id | staging.subscriptions.vendor_subscription_id |
| conflict | VARCHAR | Why the two keys decide nothing; a row of the mapping file decides
  | staging.mapping_subscriptions.licence_id |
| problem | VARCHAR | What of the licence cannot be read | staging.licences.problem |
*/
WITH lost AS (
  -- Of several records with one id the table keeps the first one; what the others carry counts too.
  SELECT licence_id, subscription_id, meta.idtext(json_extract_string(payload, '$.snowid')) AS third_party_id
  FROM staging.rejects WHERE table_name = 'staging.licences' AND licence_id IS NOT NULL
  EXCEPT SELECT licence_id, subscription_id, third_party_id FROM staging.licences
), carried AS (
  -- What cannot be read may be active and may not be deleted.
  SELECT licence_id, subscription_id, third_party_id, coalesce(is_active, true) AS is_active, problem
  FROM staging.licences WHERE NOT coalesce(deleted, false)
  UNION ALL BY NAME
  SELECT *, true AS is_active, 'same key twice' AS problem FROM lost
), by_pax8_id AS (
  SELECT * FROM carried WHERE subscription_id IS NOT NULL
), first_licences AS (
  SELECT subscription_id, min(coalesce('licence ' || licence_id, 'a licence without a readable id')) AS first_licence
  FROM by_pax8_id GROUP BY subscription_id
), vendor_ids AS (
  -- Rejected rows too: their copies may carry another id.
  SELECT subscription_id, meta.pax8_id(vendor_subscription_id) AS vendor_id FROM staging.subscriptions
  UNION
  SELECT subscription_id, meta.pax8_id(json_extract_string(payload, '$.vendorSubscriptionId')) FROM staging.rejects
  WHERE table_name = 'staging.subscriptions' AND subscription_id IS NOT NULL
), sharing AS (
  SELECT vendor_id, count(*) AS sharers FROM vendor_ids WHERE vendor_id IS NOT NULL GROUP BY vendor_id
), only_link AS (
  SELECT line_id, any_value(licence_id) AS licence_id FROM staging.line_licences GROUP BY line_id HAVING count(*) = 1
), decided AS (
  -- A row of the mapping file is a person's decision on its subscription and on its licence.
  SELECT m.subscription_id, coalesce(m.licence_id, o.licence_id) AS licence_id
  FROM staging.mapping_subscriptions m
  LEFT JOIN staging.recurring_invoice_lines l ON l.line_id = m.line_id AND l.quantity_source = 'licence'
  LEFT JOIN only_link o ON o.line_id = l.line_id
  WHERE coalesce(m.licence_id, o.licence_id) IS NOT NULL
), of_microsoft AS (
  -- Of no other vendor it is known that the id is the one that others keep too (docs/vendors/pax8.md#subscriptions).
  SELECT s.subscription_id, meta.pax8_id(s.vendor_subscription_id) AS vendor_id
  FROM staging.subscriptions s JOIN staging.products p USING (product_id)
  WHERE lower(p.vendor_name) = 'microsoft' AND s.subscription_id NOT IN (SELECT subscription_id FROM decided)
), candidates AS (
  -- An import writes its id where the Pax8 id would stand, or in `snowid` (docs/vendors/halo.md#licence).
  SELECT *, unnest(list_distinct([meta.pax8_id(subscription_id), meta.pax8_id(third_party_id)])) AS vendor_id
  FROM carried
  WHERE licence_id IS NULL OR licence_id NOT IN (SELECT licence_id FROM decided)
), by_vendor_id AS (
  SELECT s.subscription_id, s.vendor_id, n.sharers, c.licence_id, c.is_active, c.problem, f.first_licence,
         coalesce('licence ' || c.licence_id, 'a licence without a readable id') AS licence,
         CASE WHEN meta.pax8_id(c.subscription_id) IS DISTINCT FROM s.vendor_id OR o.subscription_id IS NOT NULL
              THEN c.subscription_id END AS other_id
  FROM of_microsoft s
  JOIN candidates c USING (vendor_id)
  JOIN sharing n USING (vendor_id)
  LEFT JOIN first_licences f ON f.subscription_id = s.subscription_id
  -- The id may be another subscription's Pax8 id.
  LEFT JOIN (SELECT DISTINCT subscription_id FROM vendor_ids) o ON o.subscription_id = c.subscription_id
  WHERE c.subscription_id IS DISTINCT FROM s.subscription_id
), found AS (
  SELECT subscription_id, licence_id, 'licence_id' AS matched_by, is_active, false AS is_taken, 1 AS sharers, problem
  FROM by_pax8_id
  UNION ALL BY NAME
  SELECT subscription_id, licence_id, 'vendor_id' AS matched_by, vendor_id, is_active, other_id IS NOT NULL AS is_taken,
         sharers, problem, CASE
           WHEN first_licence IS NOT NULL
             THEN first_licence || ' carries its Pax8 id and ' || licence || ' its ' || the_id
           WHEN other_id IS NOT NULL
             THEN licence || ' carries its ' || the_id || ' and another subscription''s id ' || other_id
           WHEN sharers > 1 THEN sharers || ' subscriptions have the ' || the_id || ' that ' || licence || ' carries'
           WHEN count(*) OVER (PARTITION BY subscription_id) > 1 THEN 'several licences carry its ' || the_id
         END AS conflict
  FROM (SELECT *, 'Microsoft subscription id ' || vendor_id AS the_id FROM by_vendor_id)
), live AS (
  SELECT DISTINCT k.licence_id FROM staging.line_licences k LEFT JOIN staging.recurring_invoice_lines l USING (line_id)
  WHERE k.licence_id IS NOT NULL AND coalesce(l.is_live, true)
)
SELECT f.*, f.is_active OR l.licence_id IS NOT NULL AS is_on FROM found f LEFT JOIN live l USING (licence_id)
