"""All checks of the product. A new concern is a new file with `CHECKS`, named here."""

from __future__ import annotations

import dagster as dg

from pax8_pipeline.orchestration.checks import (
    clock,
    currency_mismatch,
    duplicate_keys,
    findings,
    freshness,
    guardrails,
    incomplete_read,
    month_end,
    native_integration,
    negative_margin,
    plan_complete,
    rejected_rows,
    rejects,
    snapshot_shrank,
    unknown_values,
    unmapped_subscriptions,
    unmatched_companies,
    usage_adds_up,
    usage_arithmetic,
    usage_billed_twice,
    usage_documents,
    usage_second_invoice,
    usage_unassigned,
    usage_unsettled,
)
from pax8_pipeline.orchestration.checks.check import Check, build

CHECKS: tuple[Check, ...] = (
    *month_end.CHECKS,
    *incomplete_read.CHECKS,
    *snapshot_shrank.CHECKS,
    *duplicate_keys.CHECKS,
    *rejects.CHECKS,
    *unknown_values.CHECKS,
    *usage_unassigned.CHECKS,
    *usage_adds_up.CHECKS,
    *usage_arithmetic.CHECKS,
    *usage_second_invoice.CHECKS,
    *unmatched_companies.CHECKS,
    *unmapped_subscriptions.CHECKS,
    *currency_mismatch.CHECKS,
    *negative_margin.CHECKS,
    *freshness.CHECKS,
    *plan_complete.CHECKS,
    *rejected_rows.CHECKS,
    *native_integration.CHECKS,
    *clock.CHECKS,
    *usage_billed_twice.CHECKS,
    *usage_unsettled.CHECKS,
    *usage_documents.CHECKS,
    *guardrails.CHECKS,
    *findings.CHECKS,
)


def checks() -> list[dg.AssetChecksDefinition]:
    """Return all checks; the checks of one table are one step."""
    by_table: dict[str, list[Check]] = {}
    for check in CHECKS:
        by_table.setdefault(check.table, []).append(check)
    return [build(group) for group in by_table.values()]
