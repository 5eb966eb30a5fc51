"""Raw Pax8: every list exactly as it was sent. For flat lists and invoices; usage is in `usage`, and what to ask is
decided in `extract.pax8_lists`.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dagster as dg

from pax8_pipeline.errors import VendorError
from pax8_pipeline.extract import pax8_lists as loading
from pax8_pipeline.extract.vendor_clocks import store_clock
from pax8_pipeline.orchestration.assets.raw_reads import StoredReads, raw_asset, store_each, store_read
from pax8_pipeline.orchestration.assets.specs import PAX8_API, asset_key
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.partitions import month_of_partition
from pax8_pipeline.orchestration.resources import Pax8Resource, SettingsResource, WarehouseResource
from pax8_pipeline.settings.tenant import load_tenant
from pax8_pipeline.text.plurals import plural

# The answers of so many invoices are stored together.
_INVOICES_AT_ONCE = 20
_MONTHS_NAMED = 6
_LISTS = {
    "companies": "All customer companies of the partner account, of any status.",
    "products": "The product catalogue.",
    "subscriptions": "All subscriptions, of any status: what Pax8 bills, by seats.",
    "invoices": "All invoices of Pax8 to the partner, of any status.",
}


def assets(months: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return the raw Pax8 assets except usage. Invoice items have a partition for each usage month."""
    return [*(_list_asset(n, about) for n, about in _LISTS.items()), _items_asset(months), draft_items]


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


@dg.asset(
    **raw_asset(
        "pax8.draft_items",
        "The items of next month's Pax8 invoice as of today, without usage. A draft that Pax8 does not give stops nothing.",
    ),
    deps=[PAX8_API],
)
def draft_items(
    context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
) -> dg.MaterializeResult:
    """Read the draft once in a run."""
    with asset_step(context, settings, warehouse) as step:
        client = pax8.client(step.settings)
        answers = load_tenant(step.settings.data).pax8
        ask = partial(loading.read_draft_items, client, step.settings.today, answers)
        return dg.MaterializeResult(metadata=store_read(step, "pax8.draft_items", lambda: [ask()]))


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
            items = _read_items(step, pax8, [month_of_partition(key) for key in context.partition_keys])
            for key, metadata in items.of_partitions(context.partition_keys).items():
                if items.failed:  # a step that fails shows only what it logs itself
                    context.log_event(dg.AssetMaterialization(context.asset_key, partition=key, metadata=metadata))
                else:
                    context.add_asset_metadata(metadata, partition_key=key)
            items.raise_failed()
            return dg.MaterializeResult()

    asset: dg.AssetsDefinition = invoice_items
    return asset


@dataclass
class _ItemsByMonth:
    """What was read of the invoice items of each usage month, and the first error of each month with one."""

    read: dict[str, StoredReads] = field(default_factory=dict)
    failed: dict[str, VendorError] = field(default_factory=dict)

    def of_partitions(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the metadata of each partition that was read without an error.

        A late invoice can belong to another month than the partitions of the run. It is shown with the last one.
        """
        shown_with = {
            month: f"{month}-01" if f"{month}-01" in keys else keys[-1] for month in (*self.read, *self.failed)
        }
        by_partition = {key: StoredReads() for key in keys}
        for month, stored in self.read.items():
            by_partition[shown_with[month]].add(stored)
        failed = {shown_with[month] for month in self.failed}
        return {
            key: {**stored.metadata(), "invoices_read": len(stored.snapshots)}
            for key, stored in by_partition.items()
            if key not in failed
        }

    def raise_failed(self) -> None:
        """Raise the first error, with the months that are missing; nothing when all were read."""
        if self.failed:
            first = next(iter(self.failed.values()))
            months = sorted(self.failed)
            named = ", ".join(months[:_MONTHS_NAMED])
            more = f" and {len(months) - _MONTHS_NAMED} more" if len(months) > _MONTHS_NAMED else ""
            text = (
                f"the invoices with the usage of {named}{more} could not be read, all others are stored; run these "
                f"months again. {first}"
            )
            raise type(first)(text, vendor=first.vendor, where=first.where, status=first.status)


def _read_items(step: AssetStep, pax8: Pax8Resource, months: Sequence[str]) -> _ItemsByMonth:
    """Read and store a few invoices at a time, so that a stop loses little. An invoice that Pax8 does not give takes
    no other with it; when none of a few was given, the rest is not asked for.
    """
    with step.warehouse.connect() as connection:
        invoices = loading.invoices_to_read(connection, step.settings.today, months)
    client, progress = pax8.client(step.settings), step.progress("invoices")
    items = _ItemsByMonth()
    for start in range(0, len(invoices), _INVOICES_AT_ONCE):
        batch = invoices[start : start + _INVOICES_AT_ONCE]
        errors: dict[str, VendorError] = {}
        read = partial(loading.read_invoice_items, client, [w.invoice_id for w in batch], errors=errors)
        answered = store_each(step, read)
        given = [one for one in batch if one.invoice_id not in errors]
        for one, stored in zip(given, answered, strict=True):
            items.read.setdefault(one.month, StoredReads()).add(stored)
        for one in batch if given else invoices[start:]:
            if one not in given:
                items.failed.setdefault(one.month, errors.get(one.invoice_id) or next(iter(errors.values())))
        if not given:
            break
        progress(start + len(batch), len(invoices))
    if invoices:
        objects = sum(stored.objects for stored in items.read.values())
        step.log(f"pax8.invoice_items: {plural(objects, 'object')} of {plural(len(invoices), 'invoice')}")
    return items
