/* A cancelled subscription of the same company and product that a running one seems to follow.

key: subscription_id
reads: listed_subscriptions
| subscription_id | VARCHAR | The running subscription | listed_subscriptions.subscription_id |
| rebuy_of | VARCHAR | The cancelled one | listed_subscriptions.subscription_id |
*/
SELECT n.subscription_id, arg_max(o.subscription_id, o.end_date) AS rebuy_of
FROM listed_subscriptions n
JOIN listed_subscriptions o ON o.company_id = n.company_id AND o.product_id = n.product_id AND o.lifecycle = 'ended'
  AND n.lifecycle = 'billing' AND o.subscription_id <> n.subscription_id
  AND n.start_date BETWEEN o.end_date - 30 AND o.end_date + 30
GROUP BY n.subscription_id
