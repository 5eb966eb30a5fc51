/* What would be made, as decisions.sql takes it. The class of its verdicts is needs_approval: a person agrees to each,
whatever the trust mode says.

key: row_id
reads: new_things
| row_id | VARCHAR | Row of the plan | new_things.row_id |
| client_id | BIGINT | Halo client | new_things.client_id |
| verdict | VARCHAR | Its verdict | new_things.verdict |
| action | VARCHAR | Kind of write | new_things.action |
| stop | VARCHAR | Why it cannot be made | new_things.stop |
| last_stop | VARCHAR | The same, after the client's trust mode and Halo's integration: none | |
| first_wait | VARCHAR | Why it waits for a person, before the trust mode: none | |
| wait | VARCHAR | Why it waits for a person although its verdict is safe: none | |
| direction | VARCHAR | As policy trust.auto.directions names it | |
| seats | DECIMAL(29,10) | Seats that it moves | new_things.quantity |
| money | DECIMAL(38,10) | Money that it moves: counted by the guardrails | |
| kind | VARCHAR | Kind of write that a client must have had before | new_things.action |
*/
SELECT row_id, client_id, verdict, action, stop, NULL::VARCHAR AS last_stop, NULL::VARCHAR AS first_wait,
       NULL::VARCHAR AS wait, 'increase' AS direction, coalesce(quantity, 0)::DECIMAL(29,10) AS seats,
       0::DECIMAL(38,10) AS money,
       action AS kind
FROM new_things
