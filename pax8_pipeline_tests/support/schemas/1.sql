CREATE TABLE IF NOT EXISTS billing.ledger ("entry" BIGINT NOT NULL, "recorded_at" TIMESTAMP NOT NULL, "run_id"
  VARCHAR NOT NULL, "plan_id" VARCHAR NOT NULL, "row_id" VARCHAR NOT NULL, "state" VARCHAR NOT NULL, "action"
  VARCHAR NOT NULL, "client_id" BIGINT, "subscription_id" VARCHAR NOT NULL, "recurring_invoice_id" BIGINT, "line_id"
  BIGINT, "licence_id" BIGINT, "before" VARCHAR, "after" VARCHAR, "currency" VARCHAR, "money_per_month"
  DECIMAL(28,10), "detail" VARCHAR);
CREATE TABLE IF NOT EXISTS billing.plan ("plan_id" VARCHAR NOT NULL, "row_id" VARCHAR NOT NULL, "class" VARCHAR NOT
  NULL, "verdict" VARCHAR NOT NULL, "action" VARCHAR NOT NULL, "reason" VARCHAR NOT NULL, "sentence" VARCHAR NOT
  NULL, "client_id" BIGINT, "client_name" VARCHAR, "company_id" VARCHAR, "company_name" VARCHAR, "subscription_id"
  VARCHAR NOT NULL, "product_name" VARCHAR, "target" VARCHAR, "recurring_invoice_id" BIGINT, "line_id" BIGINT,
  "licence_id" BIGINT, "before" VARCHAR, "after" VARCHAR, "quantity_before" DECIMAL(28,10), "quantity_after"
  DECIMAL(28,10), "billed_before" DECIMAL(28,10), "billed_after" DECIMAL(28,10), "delta" DECIMAL(28,10),
  "unit_price" DECIMAL(28,10), "currency" VARCHAR, "period_months" DECIMAL(18,6), "money_per_period" DECIMAL(28,10),
  "money_per_month" DECIMAL(28,10), "unbilled_per_month" DECIMAL(28,10) NOT NULL, "expect" VARCHAR NOT NULL,
  "evidence" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS billing.plans ("plan_id" VARCHAR NOT NULL, "made_at" TIMESTAMP NOT NULL, "expires_at"
  TIMESTAMP NOT NULL, "run_id" VARCHAR NOT NULL, "today" DATE NOT NULL, "snapshot_id" VARCHAR NOT NULL,
  "snapshot_ids" VARCHAR NOT NULL, "policy_fingerprint" VARCHAR NOT NULL, "mapping_fingerprint" VARCHAR NOT NULL,
  "checksum" VARCHAR NOT NULL, "complete" BOOLEAN NOT NULL, "problem" VARCHAR, "write_mode" VARCHAR NOT NULL,
  "rows_considered" BIGINT NOT NULL, "rows_safe" BIGINT NOT NULL, "rows_waiting" BIGINT NOT NULL, "rows_blocked"
  BIGINT NOT NULL, "held" VARCHAR, "money" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS meta.snapshots ("snapshot_id" VARCHAR NOT NULL, "table_name" VARCHAR NOT NULL, "scope"
  VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at" TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL,
  "row_count" BIGINT NOT NULL, "expected" BIGINT, "requests" BIGINT NOT NULL, "repeats" BIGINT NOT NULL, "complete"
  BOOLEAN NOT NULL, "problem" VARCHAR);
CREATE TABLE IF NOT EXISTS meta.usage_probes ("subscription_id" VARCHAR NOT NULL, "probed_at" TIMESTAMP NOT NULL,
  "found" BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS pax8.companies ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS pax8.products ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS pax8.subscriptions ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL,
  "loaded_at" TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT
  NULL);
CREATE TABLE IF NOT EXISTS pax8.usage_summaries ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL,
  "loaded_at" TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT
  NULL);
CREATE TABLE IF NOT EXISTS pax8.usage_lines ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS pax8.invoices ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS pax8.invoice_items ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL,
  "loaded_at" TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT
  NULL);
CREATE TABLE IF NOT EXISTS halo.clients ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS halo.client_details ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL,
  "loaded_at" TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT
  NULL);
CREATE TABLE IF NOT EXISTS halo.items ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS halo.licences ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS halo.recurring_invoices ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL,
  "loaded_at" TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT
  NULL);
CREATE TABLE IF NOT EXISTS halo.invoices ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS halo.integration ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
