-- What the ledger says was, or may have been, billed for usage: one row per line of each document. An entry whose end is
-- not known counts too: what may have been billed is not billed again. Earlier versions billed a month by setting the price
-- of a licence (set_usage_licence); what they set counts as billed. A document that went missing and was made again counts
-- once.
CREATE OR REPLACE VIEW billing.usage_billed AS
SELECT s.plan_id, s.row_id AS usage_key, s.action, s.state, s.recorded_at, u.month AS month, u.company_id AS company_id,
       s.client_id, s.currency, line.ref AS ref, try_cast(line.amount AS DECIMAL(28,10)) AS amount,
       try_cast(line.cost AS DECIMAL(28,10)) AS cost, line.charges AS charges
FROM (
  SELECT l.*, from_json(json_extract(p.expect, '$.usage'), '{"month":"VARCHAR","company_id":"VARCHAR",
           "lines":[{"ref":"VARCHAR","amount":"VARCHAR","cost":"VARCHAR","charges":["VARCHAR"]}]}') AS u
  FROM billing.ledger_state l JOIN billing.plan p ON p.plan_id = l.plan_id AND p.row_id = l.row_id
  WHERE l.action IN ('create_invoice', 'set_usage_licence') AND l.state IN ('verified', 'claimed', 'sent', 'unknown', 'duplicate')
  QUALIFY l.state <> 'verified' OR row_number() OVER (PARTITION BY lower(l.row_id), l.action, l.state ORDER BY l.entry DESC) = 1
) s, unnest(s.u.lines) AS t(line);
