"""All checks of the product. A new concern is a new file with `RULES`, named here."""

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
    native_integration,
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
    usage_left_on_licence,
    usage_second_invoice,
    usage_unassigned,
    usage_unsettled,
)
from pax8_pipeline.orchestration.checks.check import Rule, build

RULES: tuple[Rule, ...] = (
    *incomplete_read.RULES,
    *snapshot_shrank.RULES,
    *duplicate_keys.RULES,
    *rejects.RULES,
    *unknown_values.RULES,
    *usage_unassigned.RULES,
    *usage_adds_up.RULES,
    *usage_arithmetic.RULES,
    *usage_second_invoice.RULES,
    *unmatched_companies.RULES,
    *unmapped_subscriptions.RULES,
    *currency_mismatch.RULES,
    *freshness.RULES,
    *plan_complete.RULES,
    *rejected_rows.RULES,
    *native_integration.RULES,
    *clock.RULES,
    *usage_billed_twice.RULES,
    *usage_left_on_licence.RULES,
    *usage_unsettled.RULES,
    *usage_documents.RULES,
    *guardrails.RULES,
    *findings.RULES,
)


def checks() -> list[dg.AssetChecksDefinition]:
    """Return every check, those of one table in one step."""
    by_table: dict[str, list[Rule]] = {}
    for rule in RULES:
        by_table.setdefault(rule.table, []).append(rule)
    return [build(rules) for rules in by_table.values()]
