-- What Pax8 said of each subscription, and when it said something else: of the whole reads kept, the first one and
-- every one that differs from the read before. A read without the subscription is told too: absence is no cancellation.
WITH parsed AS (
  SELECT r.snapshot_id, r.object_id,
         from_json(r.payload, '{"quantity":"VARCHAR","status":"VARCHAR","startDate":"VARCHAR",
           "endDate":"VARCHAR","price":"VARCHAR","partnerCost":"VARCHAR","currencyCode":"VARCHAR",
           "billingTerm":"VARCHAR","productName":"VARCHAR","companyId":"VARCHAR"}') AS j
  FROM pax8.subscriptions r WHERE r.object_id IN (SELECT id FROM story_subjects WHERE kind = 'subscription')
), reads AS (
  SELECT snapshot_id, run_id, loaded_at FROM meta.snapshots WHERE table_name = 'pax8.subscriptions' AND complete
), seen AS (
  SELECT s.id, r.loaded_at, r.run_id, r.snapshot_id, p.snapshot_id IS NOT NULL AS listed,
         meta.txt(p.j.status) AS status, meta.num(p.j.quantity) AS quantity, meta.day(p.j.startDate) AS start_date,
         meta.day(p.j.endDate) AS end_date, meta.num(p.j.price) AS price, meta.num(p.j.partnerCost) AS partner_cost,
         meta.currency(p.j.currencyCode) AS currency, meta.txt(p.j.billingTerm) AS billing_term,
         meta.clean(p.j.productName) AS product_name,
         concat_ws(', ', meta.bad_nums([{'name': 'quantity', 'value': p.j.quantity},
           {'name': 'price', 'value': p.j.price}]),
                   meta.bad_days([{'name': 'startDate', 'value': p.j.startDate},
                     {'name': 'endDate', 'value': p.j.endDate}])) AS unreadable,
                       meta.idtext(p.j.companyId) AS company_id
  FROM reads r CROSS JOIN (SELECT id FROM story_subjects WHERE kind = 'subscription') s
  LEFT JOIN parsed p ON p.snapshot_id = r.snapshot_id AND p.object_id = s.id
), marked AS (
  SELECT *, (listed, status, quantity, start_date, end_date, price, partner_cost, currency, billing_term, company_id,
         unreadable) AS shown_state,
         -- Reads before it was first listed say nothing of it.
         bool_or(listed) OVER (PARTITION BY id ORDER BY loaded_at, snapshot_id) AS known
  FROM seen
)
SELECT * EXCLUDE (shown_state, known) FROM marked WHERE known
QUALIFY lag(shown_state) OVER (PARTITION BY id ORDER BY loaded_at, snapshot_id) IS DISTINCT FROM shown_state
ORDER BY loaded_at, id;
