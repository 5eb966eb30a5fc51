WITH billed AS (
  SELECT month, company_id, sum(amount) AS amount, min(recorded_at) AS billed_at,
         list_distinct(flatten(list(list_transform(coalesce(charges, []),
           lambda c: split_part(c, '/', 1))))) AS invoices
  FROM billing.usage_billed GROUP BY month, company_id
), wanted AS (
  SELECT month, company_id, sum(amount) AS amount, count(*) AS charges FROM reconciled.usage
  WHERE counts AND bucket = 'billable' GROUP BY month, company_id
), months AS (
  SELECT b.month, min(b.billed_at) AS billed_at, sum(b.amount) AS billed,
         list_distinct(flatten(list(b.invoices))) AS invoices,
         -- Lines are rounded one by one, so the sums of a company may lie half a cent a charge apart.
         bool_or(abs(coalesce(w.amount, 0) - b.amount) > 0.005 * greatest(coalesce(w.charges, 1), 1)) AS differs
  FROM billed b LEFT JOIN wanted w ON w.month = b.month AND w.company_id = b.company_id GROUP BY b.month
), read AS (
  SELECT lower(scope) AS invoice_id, min(loaded_at) AS read_at FROM meta.snapshots
  WHERE table_name = 'pax8.invoice_items' AND complete GROUP BY 1
), charged AS (
  SELECT month, invoice_id, any_value(invoice_date) AS invoice_date, any_value(invoice_status) AS status,
         any_value(currency) AS currency,
         bool_or(verdict <> 'credited') AS live, sum(charges) AS charges, sum(cost) AS cost
  FROM reconciled.usage WHERE origin = 'invoice' GROUP BY month, invoice_id
)
SELECT c.month, CASE WHEN c.live THEN 'another invoice' ELSE 'taken back' END AS what, c.invoice_id, c.invoice_date,
       c.status,
       c.charges, c.cost, c.currency, m.billed_at, m.differs
FROM charged c JOIN months m USING (month) LEFT JOIN read r USING (invoice_id)
WHERE c.live <> list_contains(m.invoices, c.invoice_id)
  AND (m.differs OR CASE WHEN c.live THEN r.read_at >= $since ELSE EXISTS (
         SELECT 1 FROM charged x JOIN read y USING (invoice_id) WHERE x.month = c.month AND x.live
                AND y.read_at >= $since) END)
ORDER BY c.month DESC, c.live, c.invoice_id
