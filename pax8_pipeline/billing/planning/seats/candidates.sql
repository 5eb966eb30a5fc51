/* The changes of seats, as decisions.sql takes them.

key: row_id
reads: seat_changes, price_changes, reconciled.prices
| row_id | VARCHAR | Row of the plan | seat_changes.subscription_id |
| client_id | BIGINT | Halo client | seat_changes.client_id |
| verdict | VARCHAR | Its verdict | seat_changes.verdict |
| action | VARCHAR | Kind of write, or none | seat_changes.action |
| stop | VARCHAR | Why it must not be written, before all else | |
| last_stop | VARCHAR | The same, after the client's trust mode and Halo's integration | |
| first_wait | VARCHAR | Why it waits for a person, before any other reason to wait | seat_changes.goes_on_date,
  seat_changes.pro_rata_money, seat_changes.moves_to, seat_changes.action |
| wait | VARCHAR | Why it waits for a person although its verdict is safe | seat_changes.reason |
| direction | VARCHAR | As policy trust.auto.directions names it | seat_changes.verdict |
| seats | DECIMAL(29,10) | Seats that it moves | seat_changes.moved |
| money | DECIMAL(35,6) | Money that it moves | seat_changes.moved_money |
| kind | VARCHAR | Kind of write that a client must have had before | seat_changes.action |
*/
SELECT subscription_id AS row_id, client_id, verdict, action, NULL::VARCHAR AS stop, NULL::VARCHAR AS last_stop,
       CASE WHEN moves_to IS NOT NULL AND action IN ('end_line', 'end_licence') AND getvariable('hold_endings')
              THEN 'move_proposed'
            WHEN goes_on_date IS NOT NULL THEN 'freeze_window'
            WHEN pro_rata_money < 0 AND NOT getvariable('negative_pro_rata') THEN 'negative_pro_rata'
            WHEN action = 'add_pro_rata_entry' THEN 'pro_rata_entry' END AS first_wait,
       reason AS wait, verdict AS direction, moved AS seats, moved_money AS money, action AS kind
FROM seat_changes
UNION ALL BY NAME
SELECT c.row_id, p.client_id, 'price_update' AS verdict, 'set_line_price' AS action, NULL AS stop, NULL AS last_stop,
       CASE WHEN c.goes_on_date IS NOT NULL THEN 'freeze_window' END AS first_wait, NULL AS wait,
       'price' AS direction, 0 AS seats, c.moved_money AS money, 'set_line_price' AS kind
FROM price_changes c JOIN reconciled.prices p ON p.subscription_id = c.subscription_id
