-- Figures the steps name: live lines whose quantity Halo computes from licences, and what the newest plan would still
-- write.
SELECT (SELECT count(*) FROM staging.recurring_invoice_lines WHERE is_live
       AND quantity_source = 'licence') AS computed_lines,
       (SELECT count(*) FROM staging.subscriptions) AS subscriptions,
       (SELECT arg_max(plan_id, made_at) FROM billing.plans) AS plan_id,
       (SELECT count(*) FROM billing.plan p WHERE action <> 'none'
          AND plan_id = (SELECT arg_max(plan_id, made_at) FROM billing.plans)
          AND NOT EXISTS (SELECT 1 FROM billing.ledger_state l
                          WHERE l.plan_id = p.plan_id AND l.row_id = p.row_id
                            AND l.state = 'verified')) AS plan_changes,
       (SELECT max(loaded_at) FROM meta.snapshots WHERE table_name = 'halo.integration' AND complete) AS asked_at;
