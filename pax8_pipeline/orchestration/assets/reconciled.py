"""Reconciled: Pax8 beside Halo, with verdicts. The assets and their figures; the verdicts are in
warehouse/sql/reconciled and billing/verdicts.py.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from pax8_pipeline.orchestration.assets.metadata import markdown
from pax8_pipeline.orchestration.assets.specs import asset_arguments, column_lineage, dependencies
from pax8_pipeline.orchestration.assets.step import asset_step
from pax8_pipeline.orchestration.resources import SettingsResource, WarehouseResource
from pax8_pipeline.orchestration.tenancy import POOL
from pax8_pipeline.reports import usage_chart, usage_report
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import model

Figures = Callable[[Connection], dict[str, Any]]


def assets(months: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return all reconciled assets, in the order in which they can be built. Usage has a partition for each month."""
    return [_table_asset(table, _FIGURES[table], months if table in _BY_MONTH else None) for table in build.RECONCILED]


def _table_asset(table: str, figures: Figures, months: dg.PartitionsDefinition | None) -> dg.AssetsDefinition:
    """Return the asset of one table. It is always built completely, whichever months are asked for."""
    contract = model(table)

    @dg.asset(
        **asset_arguments(table, kinds={"duckdb", "sql"}),
        deps=dependencies(contract),
        pool=POOL,
        partitions_def=months,
        backfill_policy=None if months is None else dg.BackfillPolicy.single_run(),
    )
    def build_table(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        with asset_step(context, settings, warehouse) as step, step.in_warehouse():
            built = build.build(step.warehouse, table, build.variables(step.settings.today, step.settings.policy))
            with step.warehouse.connect() as connection:
                metadata = figures(connection)
            step.log(f"{table}: {plural(built.rows, 'row')}")
            lineage: dict[str, Any] = {
                "dagster/row_count": built.rows,
                "dagster/column_lineage": column_lineage(contract),
            }
            if months is None:
                return dg.MaterializeResult(metadata={**lineage, **metadata})
            for key in context.partition_keys:
                context.add_asset_metadata({**lineage, **metadata}, partition_key=key)
            return dg.MaterializeResult()

    asset: dg.AssetsDefinition = build_table
    return asset


def _rows(connection: Connection, query: str) -> list[dict[str, Any]]:
    return snapshots.dicts(connection.execute(query))


_KEYS = """
SELECT matched_by, count(*) AS licences, count(conflict) AS conflicts FROM reconciled.licence_keys GROUP BY ALL ORDER BY matched_by
"""
_CONFLICTS = """
SELECT subscription_id, licence_id, conflict FROM reconciled.licence_keys WHERE conflict IS NOT NULL
ORDER BY subscription_id, licence_id LIMIT 20
"""
_STATES = """
SELECT state, coalesce(method, '(none)') AS method, count(*) AS companies, sum(subscriptions) AS subscriptions
FROM reconciled.client_matches GROUP BY ALL ORDER BY companies DESC, state, method
"""
_NOT_MATCHED = """
SELECT company_name, state, candidates, contradiction, subscriptions FROM reconciled.client_matches WHERE state <> 'matched'
ORDER BY subscriptions DESC, company_name LIMIT 20
"""
_VERDICTS = """
SELECT verdict, count(*) AS subscriptions, coalesce(currency, '?') AS currency,
       round(sum(meta.per_month((coalesce(billed_after, 0) - coalesce(billed_before, 0)) * coalesce(unit_price, 0),
                                period_months))
             FILTER (verdict IN ('increase', 'decrease', 'cancel')), 2) AS change_a_month,
       round(sum(unbilled_money_per_month), 2) AS unbilled_a_month
FROM reconciled.subscriptions GROUP BY ALL ORDER BY unbilled_a_month DESC, subscriptions DESC, verdict
"""
_DIFFERENCES = """
SELECT coalesce(client_name, company_name) AS client, product_name AS product, verdict, reason, quantity AS pax8,
       halo_quantity AS halo, unbilled_money_per_month AS unbilled, currency
FROM reconciled.subscriptions WHERE verdict <> 'in_step'
ORDER BY unbilled_money_per_month DESC, verdict, client, product LIMIT 30
"""
_KINDS = """
SELECT kind, count(*) AS rows, coalesce(currency, '?') AS currency, round(sum(money_per_month), 2) AS money_a_month
FROM reconciled.discrepancies GROUP BY ALL ORDER BY money_a_month DESC, rows DESC
"""
_LARGEST = """
SELECT kind, coalesce(client_name, company_name) AS client, product_name AS product, detail, money_per_month, currency
FROM reconciled.discrepancies ORDER BY abs(money_per_month) DESC, kind, client LIMIT 30
"""


def _tables(connection: Connection, **queries: str) -> dict[str, Any]:
    return {name: dg.MetadataValue.md(markdown(_rows(connection, query))) for name, query in queries.items()}


def _licence_keys(connection: Connection) -> dict[str, Any]:
    return _tables(connection, keys=_KEYS, conflicts=_CONFLICTS)


def _client_matches(connection: Connection) -> dict[str, Any]:
    return _tables(connection, states=_STATES, not_matched=_NOT_MATCHED)


def _subscriptions(connection: Connection) -> dict[str, Any]:
    counts = connection.execute(
        "SELECT verdict, count(*) FROM reconciled.subscriptions GROUP BY 1 ORDER BY 1"
    ).fetchall()
    by_verdict = {f"verdict/{verdict}": int(count) for verdict, count in counts}
    return {**_tables(connection, verdicts=_VERDICTS, preview=_DIFFERENCES), **by_verdict}


def _discrepancies(connection: Connection) -> dict[str, Any]:
    return _tables(connection, kinds=_KINDS, preview=_LARGEST)


_MOVES = """
SELECT score, kind, coalesce(client_name, company_name) AS client, old_product_name AS old, new_product_name AS new, old_last_day,
       new_first_day, reasons FROM reconciled.moves ORDER BY score DESC, old_subscription_id LIMIT 30
"""


def _moves(connection: Connection) -> dict[str, Any]:
    return _tables(connection, preview=_MOVES)


_MONTHS = "SELECT * FROM reconciled.usage_months ORDER BY month DESC LIMIT 24"
_STATES_OF_MONTHS = """
SELECT n.month, n.state, n.why, u.currency, sum(u.amount) FILTER (u.bucket = 'billable') AS billable,
       sum(CASE WHEN u.amount <> 0 THEN u.amount ELSE u.cost END) FILTER (u.bucket = 'unassigned') AS unassigned,
        sum(u.charges) FILTER (u.bucket = 'skipped') AS skipped,
       sum(u.amount) FILTER (u.bucket = 'estimate') AS estimate
FROM reconciled.usage_months n LEFT JOIN reconciled.usage u ON u.month = n.month AND (u.counts OR u.bucket = 'estimate')
GROUP BY ALL ORDER BY n.month DESC, u.currency LIMIT 24
"""
_USAGE_VERDICTS = """
SELECT month, bucket, verdict, coalesce(currency, '?') AS currency, count(*) AS charges, round(sum(charges), 2) AS client_total,
       round(sum(cost), 2) AS cost, round(sum(amount), 2) AS to_bill
FROM reconciled.usage WHERE month IN (SELECT month FROM reconciled.usage_months ORDER BY month DESC LIMIT 3)
GROUP BY ALL ORDER BY month DESC, bucket, verdict LIMIT 40
"""


def _usage_months(connection: Connection) -> dict[str, Any]:
    return _tables(connection, months=_MONTHS)


def _usage(connection: Connection) -> dict[str, Any]:
    return _tables(connection, months=_STATES_OF_MONTHS, verdicts=_USAGE_VERDICTS)


def _usage_by_month(connection: Connection) -> dict[str, Any]:
    metadata = {"movers": dg.MetadataValue.md(usage_report.movers_markdown(usage_report.load_movers(connection)))}
    svg = usage_chart.usage_svg(connection)
    return {**metadata, "plot": dg.MetadataValue.md(usage_report.picture(svg))} if svg else metadata


_MARGINS = """
SELECT coalesce(client_name, company_name) AS client, product_name AS product, units, pax8_cost, halo_price, halo_cost, margin,
       currency
FROM reconciled.prices WHERE margin IS NOT NULL ORDER BY margin, client, product LIMIT 30
"""
_MARGIN_SUMS = """
SELECT coalesce(currency, '?') AS currency, count(*) AS subscriptions, count(margin) AS known, sum(margin) AS margin_a_month
FROM reconciled.prices GROUP BY ALL ORDER BY currency
"""


def _prices(connection: Connection) -> dict[str, Any]:
    return _tables(connection, margins=_MARGIN_SUMS, preview=_MARGINS)


_BY_MONTH = ("reconciled.usage",)
_FIGURES: Mapping[str, Figures] = {
    "reconciled.licence_keys": _licence_keys,
    "reconciled.client_matches": _client_matches,
    "reconciled.subscriptions": _subscriptions,
    "reconciled.moves": _moves,
    "reconciled.discrepancies": _discrepancies,
    "reconciled.prices": _prices,
    "reconciled.usage_months": _usage_months,
    "reconciled.usage": _usage,
    "reconciled.usage_by_month": _usage_by_month,
}
