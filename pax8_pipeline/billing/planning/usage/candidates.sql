/* The usage documents that would be made, or made again, as decisions.sql takes them.

key: row_id
reads: document_verdicts, known_documents
| row_id | VARCHAR | Row of the plan | document_verdicts.usage_key, known_documents.row_id |
| client_id | BIGINT | Halo client | document_verdicts.client_id, known_documents.client_id |
| verdict | VARCHAR | Its verdict | document_verdicts.verdict, known_documents.verdict |
| action | VARCHAR | create_invoice or none | document_verdicts.action, known_documents.again |
| stop | VARCHAR | Why it must not be written, before all else | document_verdicts.not_begun,
  document_verdicts.other_state |
| last_stop | VARCHAR | The same, after the client's trust mode and Halo's integration
  | known_documents.billing_blocked, known_documents.moved_client |
| first_wait | VARCHAR | Why it waits for a person, before any other reason to wait | |
| wait | VARCHAR | Why it waits for a person although its verdict is safe | document_verdicts.billed_client_id |
| direction | VARCHAR | As policy trust.auto.directions names it | |
| seats | DECIMAL(29,10) | Seats that it moves: none | |
| money | DECIMAL(38,10) | What it charges, once | document_verdicts.due, known_documents.net |
| kind | VARCHAR | Kind of write that a client must have had before | |
*/
WITH changes AS (
  SELECT usage_key AS row_id, client_id, verdict, action,
         CASE WHEN not_begun THEN 'usage_held' END AS first_stop,
         CASE WHEN other_state IS NOT NULL THEN 'usage_' || other_state END AS next_stop, NULL AS last_stop,
         CASE WHEN getvariable('bill_from') IS NOT NULL THEN 'usage_backfill'
              WHEN billed_client_id IS NOT NULL THEN 'usage_other_payer' END AS wait,
         due AS money
  FROM document_verdicts
  UNION ALL BY NAME
  SELECT row_id, client_id, verdict, CASE WHEN again THEN 'create_invoice' ELSE 'none' END AS action,
         CASE WHEN billing_blocked THEN 'usage_client_blocked' WHEN moved_client THEN 'usage_other_client'
         END AS last_stop, net AS money
  FROM known_documents
)
SELECT row_id, client_id, verdict, action,
       coalesce(first_stop, CASE WHEN getvariable('usage_hold') IS NOT NULL THEN getvariable('usage_hold_reason') END,
                next_stop, CASE WHEN NOT getvariable('usage_reads_ok') THEN 'usage_not_read' END) AS stop,
       last_stop, NULL::VARCHAR AS first_wait, wait, 'increase' AS direction, 0::DECIMAL(29,10) AS seats,
       money::DECIMAL(38,10) AS money, 'usage' AS kind
FROM changes
