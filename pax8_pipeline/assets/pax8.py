"""Raw Pax8: every list exactly as it was sent.

Here belongs: the assets. Not here: what to ask (`loading.pax8`, `loading.usage`).
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from pax8_pipeline.assets.describe import PAX8_API, asset_key
from pax8_pipeline.assets.reading import keep, raw_asset
from pax8_pipeline.assets.stage import Stage, stage
from pax8_pipeline.automation.partitions import month_of_partition
from pax8_pipeline.loading import pax8 as loading
from pax8_pipeline.loading import usage
from pax8_pipeline.resources.resources import Pax8Resource, SettingsResource, WarehouseResource
from pax8_pipeline.warehouse import raw

_LISTS = {
    "companies": "All customer companies of the partner account, of any status.",
    "products": "The product catalogue.",
    "subscriptions": "All subscriptions, of any status: what Pax8 bills, by seats.",
    "invoices": "All invoices of Pax8 to the partner, of any status.",
}


def assets(months: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return all raw Pax8 assets; usage comes by `months`."""
    return [*(_list_asset(n, about) for n, about in _LISTS.items()), invoice_items, *_usage(months)]


def _list_asset(name: str, about: str) -> dg.AssetsDefinition:
    @dg.asset(**raw_asset(f"pax8.{name}", about), deps=[PAX8_API])
    def read_list(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
    ) -> dg.MaterializeResult:
        with stage(context, settings, warehouse) as now:
            client = pax8.client(now.settings)
            return dg.MaterializeResult(metadata=keep(now, f"pax8.{name}", lambda: [loading.read_list(client, name)]))

    made: dg.AssetsDefinition = read_list
    return made


@dg.asset(
    **raw_asset("pax8.invoice_items", "The items of the invoices of the last two months; each invoice is read once."),
    deps=[PAX8_API, asset_key("pax8.invoices")],
)
def invoice_items(
    context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
) -> dg.MaterializeResult:
    """Read the items of invoices that are not here yet."""
    with stage(context, settings, warehouse) as now:
        with now.warehouse.connect() as connection:
            wanted = loading.invoices_to_read(connection, now.settings.today)
        client, tell = pax8.client(now.settings), now.progress("invoices")
        told = keep(now, "pax8.invoice_items", lambda: loading.read_invoice_items(client, wanted, tell))
        return dg.MaterializeResult(metadata={**told, "invoices_read": len(wanted)})


def _usage(months: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    by_month: dict[str, Any] = {"partitions_def": months, "backfill_policy": dg.BackfillPolicy.single_run()}

    @dg.asset(
        **raw_asset("pax8.usage_summaries", "Metered usage by subscription and group, month to date."),
        **by_month,
        deps=[PAX8_API, asset_key("pax8.subscriptions"), asset_key("pax8.invoice_items")],
    )
    def usage_summaries(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
    ) -> dg.MaterializeResult:
        with stage(context, settings, warehouse) as now:
            for key in context.partition_keys:
                told = _read_summaries(now, pax8, month_of_partition(key))
                context.add_asset_metadata(told, partition_key=key)
            return dg.MaterializeResult()

    @dg.asset(
        **raw_asset("pax8.usage_lines", "Metered usage by product, as posted for the newest day that has any."),
        **by_month,
        deps=[PAX8_API, asset_key("pax8.usage_summaries")],
    )
    def usage_lines(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
    ) -> dg.MaterializeResult:
        with stage(context, settings, warehouse) as now:
            for key in context.partition_keys:
                told = _read_lines(now, pax8, month_of_partition(key))
                context.add_asset_metadata(told, partition_key=key)
            return dg.MaterializeResult()

    return [usage_summaries, usage_lines]


def _read_summaries(now: Stage, pax8: Pax8Resource, month: str) -> dict[str, Any]:
    if month != usage.month_of(now.settings.today):
        now.say(f"usage summaries of {month}: Pax8 tells only the running month, nothing is asked")
        return {"asked": 0, "note": "Pax8 tells summaries of the running month only; what was read in its time stays"}
    asked_at = datetime.now(UTC).replace(tzinfo=None)
    with now.warehouse.connect() as connection:
        probes_per_day = now.settings.policy.usage.probes_per_day
        wanted = usage.subscriptions_to_ask(connection, now.settings.today, asked_at, probes_per_day)
    now.say(f"usage: asking {len(wanted)} subscriptions")
    client, tell = pax8.client(now.settings), now.progress("usage summaries")
    probes: list[usage.Probe] = []

    def ask() -> list[raw.Read]:
        read, found = usage.read_summaries(client, wanted, month, tell)
        probes.extend(found if read.complete else [])
        return [read]

    told = keep(now, "pax8.usage_summaries", ask)
    usage.record_probes(now.warehouse, probes, asked_at)
    return {**told, "asked": len(wanted), "with_usage": sum(p.found for p in probes)}


def _read_lines(now: Stage, pax8: Pax8Resource, month: str) -> dict[str, Any]:
    with now.warehouse.connect() as connection:
        wanted = usage.known_summaries(connection, month)
    days = usage.days_to_ask(month, now.settings.today)
    client, tell = pax8.client(now.settings), now.progress(f"usage lines of {month}")
    told = keep(now, "pax8.usage_lines", lambda: [usage.read_lines(client, wanted, days, month, tell)])
    return {**told, "asked": len(wanted)}
