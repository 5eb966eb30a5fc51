"""Raw Pax8: every list exactly as it was sent. For flat lists and invoices; usage is in `usage`, and what to ask is
decided in `extract.pax8_lists`.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from collections.abc import Sequence
from functools import partial

import dagster as dg

from pax8_pipeline.extract import pax8_lists as loading
from pax8_pipeline.extract.vendor_clocks import store_clock
from pax8_pipeline.orchestration.assets.raw_reads import StoredReads, raw_asset, store_each, store_read
from pax8_pipeline.orchestration.assets.specs import PAX8_API, asset_key
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.partitions import month_of_partition
from pax8_pipeline.orchestration.resources import Pax8Resource, SettingsResource, WarehouseResource

# The answers of so many invoices are stored together.
_INVOICES_AT_ONCE = 20
_LISTS = {
    "companies": "All customer companies of the partner account, of any status.",
    "products": "The product catalogue.",
    "subscriptions": "All subscriptions, of any status: what Pax8 bills, by seats.",
    "invoices": "All invoices of Pax8 to the partner, of any status.",
}


def assets(months: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return the raw Pax8 assets except usage. Invoice items have a partition for each usage month."""
    return [*(_list_asset(n, about) for n, about in _LISTS.items()), _items_asset(months)]


def _list_asset(name: str, about: str) -> dg.AssetsDefinition:
    @dg.asset(**raw_asset(f"pax8.{name}", about), deps=[PAX8_API])
    def read_list(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
    ) -> dg.MaterializeResult:
        with asset_step(context, settings, warehouse) as step:
            client = pax8.client(step.settings)
            metadata = store_read(step, f"pax8.{name}", lambda: [loading.read_list(client, name)])
            store_clock(step.warehouse, step.run_id, "Pax8", client, step.settings)
            return dg.MaterializeResult(metadata=metadata)

    asset: dg.AssetsDefinition = read_list
    return asset


def _items_asset(months: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    about = (
        "The items of Pax8's invoices, by the usage month they charge: the one before the invoice's. Each is read once."
    )

    @dg.asset(
        **raw_asset("pax8.invoice_items", about),
        partitions_def=months,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[PAX8_API, asset_key("pax8.invoices")],
    )
    def invoice_items(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
    ) -> dg.MaterializeResult:
        """Read the items of invoices that are not stored yet: those of the partitions, and late ones of two months."""
        with asset_step(context, settings, warehouse) as step:
            by_month = _read_items(step, pax8, [month_of_partition(key) for key in context.partition_keys])
            # A late invoice can belong to another month than the partitions of the run. It is shown with the last one.
            by_partition = {key: by_month.pop(month_of_partition(key), StoredReads()) for key in context.partition_keys}
            for other in by_month.values():
                by_partition[context.partition_keys[-1]].add(other)
            for key, stored in by_partition.items():
                metadata = {**stored.metadata(), "invoices_read": len(stored.snapshots)}
                context.add_asset_metadata(metadata, partition_key=key)
            return dg.MaterializeResult()

    asset: dg.AssetsDefinition = invoice_items
    return asset


def _read_items(step: AssetStep, pax8: Pax8Resource, months: Sequence[str]) -> dict[str, StoredReads]:
    """Read and store a few invoices at a time, so that a stop loses little. Return the stored reads by usage month."""
    with step.warehouse.connect() as connection:
        invoices = loading.invoices_to_read(connection, step.settings.today, months)
    client, progress = pax8.client(step.settings), step.progress("invoices")
    by_month: dict[str, StoredReads] = {}
    for start in range(0, len(invoices), _INVOICES_AT_ONCE):
        batch = invoices[start : start + _INVOICES_AT_ONCE]
        read = partial(loading.read_invoice_items, client, [w.invoice_id for w in batch])
        for one, stored in zip(batch, store_each(step, read), strict=True):
            by_month.setdefault(one.month, StoredReads()).add(stored)
        progress(start + len(batch), len(invoices))
    if invoices:
        objects = sum(stored.objects for stored in by_month.values())
        step.log(f"pax8.invoice_items: {objects} objects of {len(invoices)} invoices")
    return by_month
