CREATE TABLE IF NOT EXISTS billing.acknowledged ("finding_id" VARCHAR NOT NULL, "reason" VARCHAR NOT NULL, "who"
  VARCHAR NOT NULL, "until" DATE, "amount" DECIMAL(28,10), "currency" VARCHAR, "acknowledged_on" DATE NOT NULL);
CREATE TABLE IF NOT EXISTS billing.approvals ("approval" BIGINT NOT NULL, "approved_at" TIMESTAMP NOT NULL,
  "approved_by" VARCHAR NOT NULL, "plan_id" VARCHAR NOT NULL, "checksum" VARCHAR NOT NULL, "kind" VARCHAR NOT NULL,
  "client_id" BIGINT, "row_id" VARCHAR);
CREATE TABLE IF NOT EXISTS billing.closed_month_rows ("closing" BIGINT NOT NULL, "row_id" VARCHAR NOT NULL, "kind"
  VARCHAR NOT NULL, "class" VARCHAR NOT NULL, "subscription_id" VARCHAR, "company_id" VARCHAR, "company_name"
  VARCHAR, "client_id" BIGINT, "client_name" VARCHAR, "product_name" VARCHAR, "pax8_invoiced" DECIMAL(28,10),
  "pax8_total" DECIMAL(28,10) NOT NULL, "pax8_cost" DECIMAL(28,10) NOT NULL, "halo_billed" DECIMAL(28,10),
  "halo_money" DECIMAL(28,10) NOT NULL, "difference" DECIMAL(28,10), "margin" DECIMAL(28,10), "currency" VARCHAR,
  "reached_bill" VARCHAR NOT NULL, "ack_who" VARCHAR, "ack_reason" VARCHAR);
CREATE TABLE IF NOT EXISTS billing.documents ("usage_key" VARCHAR NOT NULL, "origin" VARCHAR NOT NULL, "plan_id"
  VARCHAR, "client_id" BIGINT, "net" DECIMAL(28,10), "lines" VARCHAR NOT NULL, "invoice_date" DATE, "was_voided"
  BOOLEAN NOT NULL, "writer" VARCHAR, "first_seen" TIMESTAMP NOT NULL, "last_seen" TIMESTAMP, "invoice_id" VARCHAR,
  "state" VARCHAR NOT NULL, "detail" VARCHAR, "shown_net" DECIMAL(28,10), "missing_since" TIMESTAMP, "accepted_at"
  TIMESTAMP);
CREATE TABLE IF NOT EXISTS billing.findings ("finding_id" VARCHAR NOT NULL, "kind" VARCHAR NOT NULL, "check_name"
  VARCHAR NOT NULL, "row_id" VARCHAR NOT NULL, "subscription_id" VARCHAR NOT NULL, "client_id" BIGINT, "client_name"
  VARCHAR, "company_id" VARCHAR, "company_name" VARCHAR, "product_name" VARCHAR, "sentence" VARCHAR NOT NULL,
  "money" DECIMAL(28,10), "per" VARCHAR NOT NULL, "currency" VARCHAR, "waits" BOOLEAN NOT NULL, "first_seen" DATE
  NOT NULL, "last_seen" DATE NOT NULL, "changed_on" DATE NOT NULL, "still_open" BOOLEAN NOT NULL, "plan_id" VARCHAR
  NOT NULL, "first_plan" VARCHAR);
CREATE TABLE IF NOT EXISTS billing.ledger ("entry" BIGINT NOT NULL, "recorded_at" TIMESTAMP NOT NULL, "run_id"
  VARCHAR NOT NULL, "plan_id" VARCHAR NOT NULL, "row_id" VARCHAR NOT NULL, "state" VARCHAR NOT NULL, "action"
  VARCHAR NOT NULL, "client_id" BIGINT, "subscription_id" VARCHAR NOT NULL, "recurring_invoice_id" BIGINT, "line_id"
  BIGINT, "licence_id" BIGINT, "before" VARCHAR, "after" VARCHAR, "currency" VARCHAR, "money_per_month"
  DECIMAL(28,10), "before_state" VARCHAR, "detail" VARCHAR);
CREATE TABLE IF NOT EXISTS billing.month_closings ("closing" BIGINT NOT NULL, "month" VARCHAR NOT NULL, "closed_at"
  TIMESTAMP NOT NULL, "closed_by" VARCHAR NOT NULL, "why" VARCHAR, "today" DATE NOT NULL, "invoices" BIGINT NOT
  NULL, "ties" BOOLEAN NOT NULL, "rows_closed" BIGINT NOT NULL, "rows_open" BIGINT NOT NULL, "rows_acknowledged"
  BIGINT NOT NULL, "checksum" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS billing.plan ("plan_id" VARCHAR NOT NULL, "row_id" VARCHAR NOT NULL, "class" VARCHAR NOT
  NULL, "verdict" VARCHAR NOT NULL, "action" VARCHAR NOT NULL, "reason" VARCHAR NOT NULL, "sentence" VARCHAR NOT
  NULL, "client_id" BIGINT, "client_name" VARCHAR, "company_id" VARCHAR, "company_name" VARCHAR, "subscription_id"
  VARCHAR NOT NULL, "product_name" VARCHAR, "target" VARCHAR, "recurring_invoice_id" BIGINT, "line_id" BIGINT,
  "licence_id" BIGINT, "before" VARCHAR, "after" VARCHAR, "quantity_before" DECIMAL(28,10), "quantity_after"
  DECIMAL(28,10), "billed_before" DECIMAL(28,10), "billed_after" DECIMAL(28,10), "delta" DECIMAL(28,10),
  "unit_price" DECIMAL(28,10), "currency" VARCHAR, "period_months" DECIMAL(18,6), "money_per_period" DECIMAL(28,10),
  "money_per_month" DECIMAL(28,10), "unbilled_per_month" DECIMAL(28,10) NOT NULL, "expect" VARCHAR NOT NULL,
  "evidence" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS billing.plan_lines ("plan_id" VARCHAR NOT NULL, "row_id" VARCHAR NOT NULL, "month"
  VARCHAR, "company_id" VARCHAR, "ref" VARCHAR NOT NULL, "item_id" BIGINT, "text" VARCHAR, "note" VARCHAR, "amount"
  DECIMAL(28,10), "cost" DECIMAL(28,10), "charges" VARCHAR[]);
CREATE TABLE IF NOT EXISTS billing.plans ("plan_id" VARCHAR NOT NULL, "made_at" TIMESTAMP NOT NULL, "expires_at"
  TIMESTAMP NOT NULL, "run_id" VARCHAR NOT NULL, "today" DATE NOT NULL, "snapshot_id" VARCHAR NOT NULL,
  "snapshot_ids" VARCHAR NOT NULL, "policy_fingerprint" VARCHAR NOT NULL, "mapping_fingerprint" VARCHAR NOT NULL,
  "checksum" VARCHAR NOT NULL, "complete" BOOLEAN NOT NULL, "problem" VARCHAR, "write_mode" VARCHAR NOT NULL,
  "rows_considered" BIGINT NOT NULL, "rows_safe" BIGINT NOT NULL, "rows_waiting" BIGINT NOT NULL, "rows_blocked"
  BIGINT NOT NULL, "held" VARCHAR, "money" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS billing.writers ("recorded_at" TIMESTAMP NOT NULL, "writer" VARCHAR NOT NULL, "kind"
  VARCHAR NOT NULL, "who" VARCHAR NOT NULL, "why" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS meta.clocks ("run_id" VARCHAR NOT NULL, "vendor" VARCHAR NOT NULL, "vendor_time"
  TIMESTAMP NOT NULL, "local_time" TIMESTAMP NOT NULL, "read_at" TIMESTAMP NOT NULL, "today" DATE NOT NULL, "stated"
  BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS meta.halo_instances ("run_id" VARCHAR NOT NULL, "asked_at" TIMESTAMP NOT NULL,
  "app_version" VARCHAR, "database_version" VARCHAR, "hosted_group" VARCHAR, "tenant_id" VARCHAR, "problem" VARCHAR);
CREATE TABLE IF NOT EXISTS meta.schema_versions ("version" INTEGER NOT NULL, "since" TIMESTAMP NOT NULL, "made_by"
  VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS meta.snapshots ("snapshot_id" VARCHAR NOT NULL, "table_name" VARCHAR NOT NULL, "scope"
  VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at" TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL,
  "row_count" BIGINT NOT NULL, "expected" BIGINT, "requests" BIGINT NOT NULL, "repeats" BIGINT NOT NULL, "complete"
  BOOLEAN NOT NULL, "problem" VARCHAR, "covers_from" DATE, "covers_to" DATE, "whole_from" DATE);
CREATE TABLE IF NOT EXISTS meta.typed_rows ("run_id" VARCHAR NOT NULL, "table_name" VARCHAR NOT NULL, "counted_at"
  TIMESTAMP NOT NULL, "row_count" BIGINT NOT NULL, "usable" BIGINT NOT NULL, "problem" VARCHAR);
CREATE TABLE IF NOT EXISTS meta.usage_line_reads ("month" VARCHAR NOT NULL, "summary_id" VARCHAR NOT NULL,
  "usage_date" DATE NOT NULL, "asked_on" DATE NOT NULL, "asked_at" TIMESTAMP NOT NULL, "found" BIGINT NOT NULL,
  "charges" DECIMAL(28,10), "cost" DECIMAL(28,10));
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
CREATE TABLE IF NOT EXISTS pax8.draft_items ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL, "loaded_at"
  TIMESTAMP NOT NULL, "endpoint" VARCHAR NOT NULL, "object_id" VARCHAR NOT NULL, "payload" VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS pax8.subscription_history ("snapshot_id" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL,
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
