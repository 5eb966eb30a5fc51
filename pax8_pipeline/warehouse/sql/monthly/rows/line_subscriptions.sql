/* Which Halo lines bill which subscription, by ids: the mapping file, the licence that carries its id, and every
line that
follows such a licence, also one that is off by now.

key: line_id, subscription_id
reads: month_subscriptions, staging.line_licences, staging.licences, staging.mapping_subscriptions
| line_id | BIGINT | Halo line | staging.line_licences.line_id, staging.mapping_subscriptions.line_id |
| subscription_id | VARCHAR | Pax8 subscription | staging.licences.subscription_id |
*/
WITH licences AS (
  SELECT subscription_id, licence_id FROM month_subscriptions WHERE licence_id IS NOT NULL
  UNION
  SELECT c.subscription_id, c.licence_id FROM staging.licences c SEMI JOIN month_subscriptions m USING (subscription_id)
  WHERE c.licence_id NOT IN (SELECT licence_id FROM staging.mapping_subscriptions WHERE licence_id IS NOT NULL)
)
SELECT k.line_id, l.subscription_id FROM licences l JOIN staging.line_licences k USING (licence_id)
WHERE k.line_id IS NOT NULL
UNION
SELECT line_id, subscription_id FROM month_subscriptions WHERE line_id IS NOT NULL
UNION
SELECT m.line_id, m.subscription_id FROM staging.mapping_subscriptions m
SEMI JOIN month_subscriptions s USING (subscription_id) WHERE m.line_id IS NOT NULL
