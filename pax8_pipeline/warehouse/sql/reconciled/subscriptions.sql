/* Each Pax8 subscription beside its Halo licence and recurring invoice line, with a verdict. The verdicts and what
each leads to stand in billing/verdicts.py.

key: subscription_id
| subscription_id | VARCHAR not null | Pax8 subscription | staging.subscriptions.subscription_id |
| company_id | VARCHAR | Pax8 company | staging.subscriptions.company_id |
| company_name | VARCHAR | Its name | reconciled.client_matches.company_name |
| client_id | BIGINT | Halo client | reconciled.client_matches.client_id |
| client_name | VARCHAR | Its name | reconciled.client_matches.client_name |
| product_id | VARCHAR | Pax8 product | staging.subscriptions.product_id |
| product_name | VARCHAR | Its name | staging.subscriptions.product_name, staging.products.name |
| status | VARCHAR | Pax8 status as sent | staging.subscriptions.status |
| lifecycle | VARCHAR not null | unreadable, billing, pending_cancel, ended, ended_not_cancelled, trial, not_started or unknown_status: what dates and status say today | staging.subscriptions.status, staging.subscriptions.end_date, staging.subscriptions.billing_start |
| billing_term | VARCHAR | Pax8 billing term | staging.subscriptions.billing_term |
| commitment_term | VARCHAR | Lock-in | staging.subscriptions.commitment_term |
| commitment_end_date | DATE | End of the lock-in | staging.subscriptions.commitment_end_date |
| start_date | DATE | First day | staging.subscriptions.start_date |
| end_date | DATE | Last day | staging.subscriptions.end_date |
| quantity | DECIMAL(28,10) | Seats Pax8 states | staging.subscriptions.quantity |
| price | DECIMAL(28,10) | Pax8 client price per unit and billing term | staging.subscriptions.price |
| partner_cost | DECIMAL(28,10) | Pax8 partner cost per unit and billing term | staging.subscriptions.partner_cost |
| currency | VARCHAR | Pax8 currency | staging.subscriptions.currency |
| halo_currency | VARCHAR | Currency of the Halo client or recurring invoice where known | reconciled.client_matches.client_currency, staging.recurring_invoices.currency |
| licence_id | BIGINT | Halo licence that stands for the subscription | reconciled.licence_keys.licence_id, staging.mapping_subscriptions.licence_id |
| licence_count | BIGINT | Its count | staging.licences.count |
| matched_by | VARCHAR | How the licence or line is known: mapping (a row of the mapping file), licence_id (the licence carries the Pax8 id) or vendor_id (the Microsoft subscription id) | staging.mapping_subscriptions.subscription_id, reconciled.licence_keys.matched_by |
| licence_active | BOOLEAN | Its flag | staging.licences.is_active |
| licence_requested | VARCHAR | Quantity of a change ordered from Halo that is still under way on it | staging.licences.requested_quantity |
| recurring_invoice_id | BIGINT | Halo recurring invoice | staging.recurring_invoice_lines.recurring_invoice_id |
| line_id | BIGINT | Halo line that bills it | staging.recurring_invoice_lines.line_id |
| line_live | BOOLEAN | The line bills today | staging.recurring_invoice_lines.is_live |
| line_inactive | BOOLEAN | The line's own switch is off | staging.recurring_invoice_lines.is_inactive |
| off_because | VARCHAR | Why the line does not bill | staging.recurring_invoice_lines.off_because |
| quantity_source | VARCHAR | manual or licence, or why the line is not ours | staging.recurring_invoice_lines.quantity_source |
| line_licences | BIGINT | Licences the line follows | staging.line_licences.licence_id |
| halo_quantity | DECIMAL(28,10) | Quantity in Halo that this subscription sets: licence count, or the manual quantity | staging.licences.count, staging.recurring_invoice_lines.qty_order |
| billed_before | DECIMAL(28,10) | Quantity the line bills now (all licences, free and minimum quantity counted in) | staging.licences.count, staging.line_licences.qty_free, staging.line_licences.minimum_qty |
| billed_after | DECIMAL(28,10) | Quantity the line would bill when in step | staging.subscriptions.quantity, staging.line_licences.qty_free, staging.line_licences.minimum_qty |
| qty_free | DECIMAL(28,10) | Units of the line not billed | staging.line_licences.qty_free |
| minimum_qty | DECIMAL(28,10) | Least quantity the line bills | staging.line_licences.minimum_qty |
| unit_price | DECIMAL(28,10) | Halo price per unit and period | staging.recurring_invoice_lines.unit_price, staging.licences.price |
| period_months | DECIMAL(18,6) | Months the Halo price covers, empty where the period is not known for certain | staging.recurring_invoices.period |
| pending_pro_rata | BIGINT | Part-period entries on the line not invoiced yet | staging.recurring_invoice_lines.pending_pro_rata |
| rebuy_of | VARCHAR | A cancelled subscription of the same company and product that this one seems to follow | staging.subscriptions.subscription_id |
| has_usage | BOOLEAN not null | Pax8 shows usage for it | staging.usage_summaries.subscription_id, staging.invoice_items.subscription_id |
| unbilled_money_per_month | DECIMAL(28,10) not null | Pax8 client price a month for which no live Halo line exists | staging.subscriptions.price, staging.subscriptions.quantity |
| verdict | VARCHAR not null | What is so, see billing/verdicts.py | staging.subscriptions.quantity, staging.licences.count |
| reason | VARCHAR | The finer reason behind the verdict | staging.recurring_invoice_lines.quantity_source |
*/
WITH usage_seen AS (
  SELECT subscription_id FROM staging.usage_summaries
  UNION SELECT subscription_id FROM staging.invoice_items WHERE is_arrears AND subscription_id IS NOT NULL
), nameless AS (
  -- Subscriptions of which nobody can tell which ones they are.
  SELECT count(*) AS subscriptions FROM staging.subscriptions WHERE meta.pax8_id(subscription_id) IS NULL
), unlisted AS (
  -- While there are such, an id that Halo or the mapping file names and Pax8 does not list may be theirs.
  SELECT subscription_id FROM staging.mapping_subscriptions WHERE (SELECT subscriptions FROM nameless) > 0
  UNION SELECT subscription_id FROM staging.licences WHERE subscription_id IS NOT NULL AND (SELECT subscriptions FROM nameless) > 0
  EXCEPT SELECT subscription_id FROM staging.subscriptions
), listed AS (
  SELECT *, true AS is_listed FROM staging.subscriptions
  UNION ALL BY NAME
  SELECT subscription_id, false AS is_listed, 'it may be a subscription that Pax8 lists without a readable id' AS problem FROM unlisted
), subs AS (
  SELECT s.*, coalesce(s.product_name, p.name, s.product_id) AS product,
         CASE WHEN s.problem IS NOT NULL THEN 'unreadable'
              WHEN s.status IS NULL OR lower(s.status) NOT IN ('active', 'cancelled', 'pendingmanual', 'pendingautomated',
                'pendingcancel', 'waitingfordetails', 'trial', 'converted', 'pendingactivation', 'activated')
                THEN 'unknown_status'
              WHEN lower(s.status) = 'cancelled'
                THEN CASE WHEN s.end_date < getvariable('today') THEN 'ended' ELSE 'pending_cancel' END
              WHEN lower(s.status) = 'trial' OR lower(coalesce(s.billing_term, '')) = 'trial' THEN 'trial'
              WHEN s.end_date < getvariable('today') THEN 'ended_not_cancelled'
              WHEN lower(s.status) = 'pendingcancel' THEN 'pending_cancel'
              WHEN coalesce(s.billing_start, s.start_date) > getvariable('today') THEN 'not_started'
              -- Status does not drive billing, dates do: a Pending status may stay stuck while charges run
              -- (docs/vendors/pax8.md#subscriptions).
              ELSE 'billing' END AS lifecycle
  FROM listed s LEFT JOIN staging.products p USING (product_id)
), lines AS (
  SELECT l.*, r.client_id AS invoice_client_id, r.currency AS invoice_currency, r.period,
         meta.period_months(r.period)::DECIMAL(18,6) AS period_months,
         CASE WHEN l.problem IS NOT NULL THEN coalesce('line ' || l.line_id, 'a line') || ': ' || l.problem
              WHEN r.recurring_invoice_id IS NULL THEN 'its recurring invoice has no readable id'
              WHEN r.problem IS NOT NULL THEN 'recurring invoice ' || r.recurring_invoice_id || ': ' || r.problem END AS line_problem
  FROM staging.recurring_invoice_lines l LEFT JOIN staging.recurring_invoices r USING (recurring_invoice_id)
), open_lines AS (
  -- Lines that may follow any licence of a client (of anybody, where the client cannot be read).
  SELECT client_id, coalesce('recurring invoice ' || recurring_invoice_id, 'a recurring invoice without a readable id') AS what
  FROM staging.recurring_invoices WHERE lines_unread AND NOT coalesce(disabled, false)
  UNION ALL
  SELECT header_client_id, coalesce('line ' || line_id, 'a line without a readable id') FROM staging.recurring_invoice_lines
  WHERE links_unread AND is_live
), open_licences AS (
  SELECT client_id, coalesce('licence ' || licence_id, 'a licence without a readable id') AS what
  FROM staging.licences
  WHERE any_subscription AND NOT coalesce(deleted, false) AND subscription_id NOT IN (SELECT subscription_id FROM staging.subscriptions)
), line_totals AS (
  SELECT k.line_id, count(*) AS line_licences, sum(c.count) AS count_sum, sum(k.qty_free) AS qty_free,
         max(k.minimum_qty) AS minimum_qty, count(*) FILTER (c.licence_id IS NULL AND k.licence_id IS NOT NULL) AS unread,
         coalesce(max(k.problem), max('licence ' || c.licence_id || ': ' || c.problem)) AS unreadable_licence
  FROM staging.line_licences k LEFT JOIN staging.licences c USING (licence_id) GROUP BY k.line_id
), licence_lines AS (
  -- How many lines bill a licence, and the one to look at: a live one before a dead one.
  SELECT k.licence_id, count(*) FILTER (coalesce(l.is_live, true)) AS live_lines, count(*) FILTER (k.line_id IS NULL) AS nameless_lines,
         arg_min(l.line_id, (CASE WHEN l.is_live THEN 0 ELSE 1 END, l.line_id)) AS line_id
  FROM staging.line_licences k LEFT JOIN lines l ON l.line_id = k.line_id WHERE k.licence_id IS NOT NULL GROUP BY k.licence_id
), by_id AS (
  -- The first key wins; what its conflict with the second one is stands in key_conflicts.
  SELECT subscription_id, matched_by, count(*) FILTER (is_active) AS active_licences, count(*) AS licences,
         max(CASE WHEN licence_id IS NULL THEN 'a Halo licence: ' || problem END) AS nameless_problem,
         arg_min(licence_id, (CASE WHEN is_active THEN 0 ELSE 1 END, licence_id)) AS licence_id
  FROM reconciled.licence_keys WHERE NOT is_taken GROUP BY subscription_id, matched_by
  QUALIFY row_number() OVER (
    PARTITION BY subscription_id ORDER BY CASE matched_by WHEN 'licence_id' THEN 1 ELSE 2 END) = 1
), key_conflicts AS (
  SELECT subscription_id, min(conflict) AS key_conflict, bool_or(is_on) AS conflict_is_on
  FROM reconciled.licence_keys WHERE conflict IS NOT NULL GROUP BY subscription_id
), only_link AS (
  SELECT line_id, any_value(licence_id) AS licence_id FROM staging.line_licences GROUP BY line_id HAVING count(*) = 1
), linked AS (
  SELECT s.*, m.line_id AS mapped_line, m.recurring_invoice_id AS mapped_invoice, m.licence_id AS mapped_licence,
         m.subscription_id IS NOT NULL AS mapped, m.licence_id IS NULL AND b.subscription_id IS NOT NULL AS by_licence_id,
         CASE WHEN m.licence_id IS NULL THEN b.nameless_problem END AS nameless_problem,
         b.matched_by AS key_used, x.key_conflict, coalesce(x.conflict_is_on, false) AS conflict_is_on,
         coalesce(m.licence_id, b.licence_id, CASE WHEN ml.quantity_source = 'licence' THEN o.licence_id END) AS want_licence,
         m.licence_id IS NULL AND (coalesce(b.active_licences, 0) > 1
           OR (coalesce(b.active_licences, 0) = 0 AND coalesce(b.licences, 0) > 1)) AS two_licences
  FROM subs s
  LEFT JOIN staging.mapping_subscriptions m USING (subscription_id)
  LEFT JOIN by_id b USING (subscription_id)
  LEFT JOIN key_conflicts x USING (subscription_id)
  LEFT JOIN lines ml ON ml.line_id = m.line_id
  LEFT JOIN only_link o ON o.line_id = m.line_id
), placed AS (
  SELECT n.*, c.licence_id, c.count AS licence_count, c.is_active AND NOT c.deleted AS licence_active,
         c.client_id AS licence_client_id, c.price AS licence_price, c.requested_quantity AS licence_requested, coalesce(ll.live_lines, 0) AS live_lines,
         coalesce(ll.nameless_lines, 0) AS nameless_lines,
         coalesce('Halo licence ' || c.licence_id || ': ' || c.problem, n.nameless_problem) AS licence_problem,
         coalesce(n.mapped_line, ll.line_id) AS want_line
  FROM linked n
  LEFT JOIN staging.licences c ON c.licence_id = n.want_licence
  LEFT JOIN licence_lines ll ON ll.licence_id = c.licence_id
), joined AS (
  SELECT p.*, l.line_id, l.recurring_invoice_id, l.is_live, l.off_because, l.is_inactive AS line_inactive, l.quantity_source,
         l.qty_order,
         l.line_problem, l.pending_pro_rata, l.period, l.period_months, l.invoice_client_id, l.invoice_currency,
         CASE WHEN l.linked_price THEN p.licence_price ELSE l.unit_price END AS line_price,
         t.line_licences, t.count_sum, t.qty_free, t.minimum_qty, t.unread, t.unreadable_licence,
         m.company_name, m.client_id, m.client_name, m.client_currency, m.billed_client_id, m.bill_on_behalf,
         m.state AS match_state, m.problem AS match_problem, m.contradiction, coalesce(m.client_currency, l.invoice_currency) AS halo_currency,
         l.quantity_source = 'licence' AND p.licence_id IS NOT NULL AND k.licence_id IS NULL AS not_linked
  FROM placed p
  LEFT JOIN lines l ON l.line_id = p.want_line
  LEFT JOIN line_totals t ON t.line_id = l.line_id
  LEFT JOIN staging.line_licences k ON k.line_id = l.line_id AND k.licence_id = p.licence_id
  LEFT JOIN reconciled.client_matches m ON m.company_id = p.company_id
), shared AS (
  -- Two subscriptions that would write one thing fight each other for ever. Ended ones count as long as they still
  -- have something to switch off, and those of which it cannot be told whether they bill.
  SELECT *, count(*) FILTER (claims) OVER on_one_licence AS on_licence, count(*) FILTER (claims) OVER on_one_line AS on_line,
         count(*) FILTER (lifecycle = 'unreadable') OVER on_one_licence AS unreadable_on_licence,
         count(*) FILTER (lifecycle = 'unreadable') OVER on_one_line AS unreadable_on_line
  FROM (SELECT *, lifecycle NOT IN ('trial', 'not_started') AS claims FROM joined)
  WINDOW on_one_licence AS (PARTITION BY licence_id),
         on_one_line AS (PARTITION BY CASE WHEN quantity_source = 'manual' THEN line_id END)
), figured AS (
  SELECT *, CASE quantity_source WHEN 'licence' THEN licence_count::DECIMAL(28,10) WHEN 'manual' THEN qty_order END AS halo_quantity,
         CASE quantity_source
           WHEN 'licence' THEN greatest(count_sum - qty_free, minimum_qty, 0) WHEN 'manual' THEN qty_order
         END::DECIMAL(28,10) AS billed_before,
         CASE WHEN lifecycle = 'ended' THEN
             CASE WHEN quantity_source = 'licence' AND line_licences > 1
                  THEN greatest(count_sum - licence_count - qty_free, minimum_qty, 0) ELSE 0 END
           WHEN quantity_source = 'licence' THEN greatest(count_sum - licence_count + quantity - qty_free, minimum_qty, 0)
           WHEN quantity_source = 'manual' THEN quantity END::DECIMAL(28,10) AS billed_after,
         coalesce(lower(billing_term) IN ('monthly', 'annual', '2-year', '3-year'), false) AS known_recurring_term,
         (licence_id IS NOT NULL AND on_licence > 1) OR (quantity_source = 'manual' AND line_id IS NOT NULL AND on_line > 1)
           AS target_shared,
         (licence_id IS NOT NULL AND unreadable_on_licence > 0) OR (quantity_source = 'manual' AND line_id IS NOT NULL AND unreadable_on_line > 0)
           AS shares_unreadable,
         (SELECT min(o.what) FROM open_lines o WHERE licence_id IS NOT NULL
            AND (o.client_id IS NULL OR o.client_id IN (client_id, billed_client_id, licence_client_id, invoice_client_id))) AS open_line,
         (SELECT min(o.what) FROM open_licences o WHERE by_licence_id
            AND (o.client_id IS NULL OR o.client_id IN (client_id, licence_client_id))) AS open_licence
  FROM shared
), rebuys AS (
  SELECT n.subscription_id, arg_max(o.subscription_id, o.end_date) AS rebuy_of
  FROM subs n JOIN subs o ON o.company_id = n.company_id AND o.product_id = n.product_id AND o.lifecycle = 'ended'
    AND n.lifecycle = 'billing' AND o.subscription_id <> n.subscription_id
    AND n.start_date BETWEEN o.end_date - 30 AND o.end_date + 30
  GROUP BY n.subscription_id
), faults AS (
  -- What stands in the way of writing anything for this subscription, most basic first.
  SELECT *, CASE
      WHEN match_state IS NULL THEN 'unmatched_company: the company is not in the Pax8 company list'
      WHEN match_problem IS NOT NULL THEN 'unreadable: ' || match_problem
      WHEN licence_problem IS NOT NULL THEN 'unreadable: ' || licence_problem
      WHEN line_problem IS NOT NULL THEN 'unreadable: ' || line_problem
      WHEN match_state = 'contradicted' THEN 'client_mismatch: ' || contradiction
      WHEN match_state <> 'matched' THEN 'unmatched_company: ' || match_state
      WHEN key_conflict IS NOT NULL THEN 'ambiguous: ' || key_conflict
      WHEN two_licences THEN 'ambiguous: several licences carry this subscription id'
      WHEN mapped AND mapped_licence IS NOT NULL AND licence_id IS NULL
        THEN 'mapping_error: the mapped licence ' || mapped_licence || ' is not in Halo'
      WHEN mapped AND mapped_line IS NOT NULL AND line_id IS NULL
        THEN 'mapping_error: the mapped line ' || mapped_line || ' is not in Halo'
      WHEN mapped_invoice IS NOT NULL AND recurring_invoice_id IS NOT NULL AND mapped_invoice <> recurring_invoice_id
        THEN 'mapping_error: line ' || line_id || ' stands on recurring invoice ' || recurring_invoice_id || ', not ' || mapped_invoice
      WHEN not_linked THEN 'mapping_error: line ' || line_id || ' does not follow licence ' || licence_id
      WHEN shares_unreadable THEN 'shares_unreadable: another subscription that cannot be read points at the same licence or line'
      WHEN nameless_lines > 0 THEN 'shares_unreadable: a line without a readable id follows licence ' || licence_id
      WHEN open_line IS NOT NULL THEN 'shares_unreadable: ' || open_line || ' cannot be read and may follow licence ' || licence_id || ' too'
      WHEN open_licence IS NOT NULL
        THEN 'shares_unreadable: ' || open_licence || ' carries no readable subscription id and may stand for this subscription too'
      WHEN unreadable_licence IS NOT NULL THEN 'shares_unreadable: line ' || line_id || ' also follows what cannot be read: ' || unreadable_licence
      WHEN quantity_source = 'manual' AND live_lines > 0
        THEN 'ambiguous: the mapped manual line ' || line_id || ' and a line that follows licence ' || licence_id
      WHEN live_lines > 1 THEN 'ambiguous: ' || live_lines || ' lines follow licence ' || licence_id
      WHEN target_shared THEN 'ambiguous: another subscription points at the same licence or line'
      WHEN licence_client_id IS NOT NULL AND licence_client_id NOT IN (client_id, billed_client_id)
        THEN 'client_mismatch: licence ' || licence_id || ' belongs to client ' || licence_client_id
      WHEN invoice_client_id IS NOT NULL AND invoice_client_id NOT IN (client_id, billed_client_id)
        THEN 'client_mismatch: recurring invoice ' || recurring_invoice_id || ' bills client ' || invoice_client_id
      WHEN currency IS NULL AND (licence_id IS NOT NULL OR line_id IS NOT NULL) THEN 'unknown_currency: Pax8 names no currency'
      WHEN halo_currency IS NULL AND line_id IS NOT NULL AND (SELECT count(currency) FROM staging.clients) > 0
        THEN 'unknown_currency: Halo names none for client ' || client_id || ', and does for others; set it there or in policy matching.default_currency'
      WHEN price IS NULL AND (licence_id IS NOT NULL OR line_id IS NOT NULL) THEN 'unknown_price: Pax8 states no price'
      WHEN line_id IS NOT NULL
           AND (client_currency <> currency OR invoice_currency <> currency)
        THEN 'currency_mismatch: Pax8 ' || currency || ', Halo ' ||
             CASE WHEN client_currency <> currency THEN client_currency ELSE invoice_currency END
    END AS fault,
    CASE WHEN line_id IS NULL THEN NULL
      WHEN quantity_source NOT IN ('manual', 'licence') THEN 'computed_elsewhere: ' || quantity_source
      WHEN quantity_source = 'licence' AND licence_id IS NULL
        THEN 'ambiguous: line ' || line_id || ' follows ' || coalesce(line_licences, 0) || ' licences and none is known as this subscription'
      WHEN quantity_source = 'licence' AND unread > 0 THEN 'mapping_error: the line follows a licence that Halo did not list'
      WHEN line_price IS NULL THEN 'unknown_price: Halo states no price for line ' || line_id
      WHEN period_months IS NULL THEN 'unknown_period: recurring invoice ' || recurring_invoice_id || ' has ' || coalesce('period ' || period, 'no period')
    END AS line_fault
  FROM figured
), judged AS (
  SELECT f.*, CASE
      WHEN lifecycle = 'unreadable' THEN 'unreadable: ' || problem
      WHEN lifecycle = 'unknown_status' THEN 'unknown_status: ' || coalesce(status, '(none)')
      WHEN lifecycle = 'trial' THEN 'trial'
      WHEN lifecycle = 'not_started' THEN 'not_started'
      WHEN lifecycle = 'ended_not_cancelled' THEN 'ended_not_cancelled: end date ' || end_date || ' has passed, status is ' || status
      WHEN lifecycle = 'ended' THEN CASE
        WHEN licence_id IS NULL AND line_id IS NULL AND NOT coalesce(mapped, false) AND NOT two_licences
             AND licence_problem IS NULL AND match_problem IS NULL THEN 'ended'
        WHEN fault LIKE 'unreadable%' OR fault LIKE 'shares_unreadable%' THEN fault
        WHEN conflict_is_on THEN fault
        -- Nothing is left on: Halo's own setting or an earlier run did it, which counts as done.
        WHEN line_id IS NULL AND licence_id IS NOT NULL AND NOT two_licences THEN 'ended: no line follows the licence'
        WHEN NOT is_live AND NOT coalesce(licence_active, false) AND live_lines = 0 THEN 'ended'
        WHEN line_inactive AND licence_id IS NULL THEN 'ended'
        WHEN line_licences > 1 AND licence_count = 0 AND NOT licence_active THEN 'ended'
        WHEN fault IS NOT NULL THEN fault
        WHEN line_fault IS NOT NULL THEN line_fault
        WHEN coalesce(lower(billing_term), '') NOT IN ('monthly', 'annual', '2-year', '3-year', 'one-time', 'trial', 'activation')
          THEN 'unknown_term: ' || coalesce(billing_term, '(none)')
        WHEN NOT is_live AND NOT line_inactive THEN 'line_inactive: ' || off_because
        WHEN quantity_source = 'manual' AND pending_pro_rata > 0 AND is_live THEN 'cancel: pending_pro_rata'
        WHEN licence_requested IS NOT NULL THEN 'cancel: quantity_requested'
        ELSE 'cancel' END
      -- From here on Pax8 bills the subscription today.
      WHEN bill_on_behalf THEN 'billed_by_pax8'
      WHEN lower(billing_term) IN ('one-time', 'activation') THEN 'one_time: ' || billing_term
      WHEN NOT known_recurring_term THEN 'unknown_term: ' || coalesce(billing_term, '(none)')
      WHEN match_state IS DISTINCT FROM 'matched' THEN fault
      WHEN licence_id IS NULL AND line_id IS NULL AND fault IS NULL AND has_use AND price = 0 THEN 'metered'
      WHEN fault IS NOT NULL THEN fault
      WHEN licence_id IS NULL AND line_id IS NULL THEN 'unbilled: no licence and no line'
      WHEN line_id IS NULL THEN 'unbilled: no line follows licence ' || licence_id
      WHEN NOT is_live THEN 'line_inactive: ' || off_because
      WHEN line_fault IS NOT NULL THEN line_fault
      WHEN quantity_source = 'licence' AND NOT licence_active THEN 'licence_inactive: licence ' || licence_id
      WHEN quantity_source = 'licence' AND quantity <> floor(quantity) THEN 'fractional_quantity: ' || quantity::DOUBLE
      -- The count moves when the order is done; until then ours and theirs would overwrite each other.
      WHEN quantity_source = 'licence' AND licence_requested IS NOT NULL AND quantity IS DISTINCT FROM halo_quantity
        THEN 'quantity_requested: ' || licence_requested || ' is ordered for licence ' || licence_id || ', its count is ' || licence_count
      WHEN lifecycle = 'pending_cancel' THEN 'pending_cancel' || CASE
        WHEN quantity IS DISTINCT FROM halo_quantity THEN ': quantity differs'
        WHEN lower(status) = 'cancelled' AND end_date IS NULL THEN ': cancelled without an end date' ELSE '' END
      WHEN quantity IS NOT DISTINCT FROM halo_quantity THEN 'in_step'
      WHEN quantity_source = 'manual' AND pending_pro_rata > 0 THEN 'pending_pro_rata'
      WHEN quantity = 0 THEN 'zero_quantity'
      WHEN halo_quantity IS NULL OR quantity > halo_quantity THEN 'increase'
      ELSE 'decrease' END AS judgement
  FROM (SELECT f.*, u.subscription_id IS NOT NULL AS has_use
        FROM faults f LEFT JOIN usage_seen u USING (subscription_id)) f
)
SELECT j.subscription_id, company_id, company_name, client_id, client_name, product_id, product AS product_name, status,
       lifecycle, billing_term, commitment_term, commitment_end_date, start_date, end_date, quantity, price, partner_cost,
       currency, halo_currency, licence_id, licence_count, licence_active, licence_requested,
       CASE WHEN mapped THEN 'mapping' WHEN licence_id IS NOT NULL THEN key_used END AS matched_by,
       recurring_invoice_id, line_id, is_live AS line_live, line_inactive, off_because, quantity_source, line_licences,
       halo_quantity, billed_before, billed_after, qty_free, minimum_qty, line_price AS unit_price, period_months,
       pending_pro_rata, b.rebuy_of, has_use AS has_usage,
       CASE WHEN lifecycle IN ('billing', 'pending_cancel', 'unreadable') AND known_recurring_term AND NOT coalesce(bill_on_behalf, false)
              AND NOT coalesce(is_live, false) AND judgement NOT LIKE 'metered%' AND live_lines = 0
            THEN coalesce(meta.per_month(quantity * coalesce(price, 0), meta.term_months(billing_term)), 0) ELSE 0
       END AS unbilled_money_per_month,
       regexp_extract(judgement, '^[a-z_0-9]+') AS verdict,
       nullif(regexp_replace(judgement, '^[a-z_0-9]+:? ?', ''), '') AS reason
FROM judged j LEFT JOIN rebuys b ON b.subscription_id = j.subscription_id WHERE is_listed
