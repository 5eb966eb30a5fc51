"""Raw Halo: every list exactly as it was sent. What to ask is decided in `extract.halo_lists`."""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from pax8_pipeline.billing.ledger.documents import watched_since
from pax8_pipeline.billing.ledger.recovery import open_since
from pax8_pipeline.extract import halo_lists as loading
from pax8_pipeline.extract.halo_instance import store_instance
from pax8_pipeline.extract.vendor_clocks import store_clock
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.orchestration.assets.raw_reads import raw_asset, store_read
from pax8_pipeline.orchestration.assets.specs import HALO_API, MAPPING_FILES, asset_key
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.resources import HaloResource, SettingsResource, WarehouseResource
from pax8_pipeline.settings.tenant import load_tenant

_LISTS = {
    "items": "All items (products) that Halo sells, inactive ones too.",
    "licences": "All licences and subscriptions, inactive ones too: their count is what linked lines bill.",
    "recurring_invoices": "All recurring invoices with their lines and the licences each line follows.",
}


def assets() -> list[dg.AssetsDefinition]:
    """Return all raw Halo assets."""
    return [clients, *(_list_asset(name, about) for name, about in _LISTS.items()), invoices, integration]


def _list_asset(name: str, about: str) -> dg.AssetsDefinition:
    @dg.asset(**raw_asset(f"halo.{name}", about), deps=[HALO_API])
    def read_list(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, halo: HaloResource
    ) -> dg.MaterializeResult:
        with asset_step(context, settings, warehouse) as step:
            client, progress = halo.client(step.settings), step.progress(name)
            metadata = store_read(step, f"halo.{name}", lambda: [loading.read_list(client, name, progress)])
            store_clock(step.warehouse, step.run_id, "Halo", client, step.settings)
            return dg.MaterializeResult(metadata=metadata)

    asset: dg.AssetsDefinition = read_list
    return asset


@dg.asset(
    **raw_asset(
        "halo.clients", "All clients, inactive ones too, and the details of those without a matching id so far."
    ),
    # Which details are worth a call depends on the Pax8 companies without a client.
    deps=[HALO_API, MAPPING_FILES, asset_key("pax8.companies")],
)
def clients(
    context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, halo: HaloResource
) -> dg.MaterializeResult:
    """Read the list, then custom fields and links where they may show the Pax8 company."""
    with asset_step(context, settings, warehouse) as step:
        client = halo.client(step.settings)
        metadata = store_read(step, "halo.clients", lambda: [loading.read_list(client, "clients")])
        return dg.MaterializeResult(metadata={**metadata, **_details(step, halo)})


def _details(step: AssetStep, halo: HaloResource) -> dict[str, Any]:
    mappings = load_mappings(step.settings.mappings_path)
    limit = step.settings.policy.matching.client_detail_reads
    now, answers = datetime.now(UTC).replace(tzinfo=None), load_tenant(step.settings.data).halo
    less = answers is not None and answers.client_ids_in_list == "no"
    with step.warehouse.connect() as connection:
        client_ids = loading.details_to_read(connection, mappings, now, limit, lists_show_less=less)
    if client_ids:
        client, progress = halo.client(step.settings), step.progress("client details")
        store_read(step, "halo.client_details", lambda: [loading.read_details(client, client_ids, progress)])
    return {"details_read": len(client_ids)}


@dg.asset(**raw_asset("halo.invoices", "Ordinary invoices dated in the weeks around today."), deps=[HALO_API])
def invoices(
    context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, halo: HaloResource
) -> dg.MaterializeResult:
    """Read the invoices with their lines."""
    with asset_step(context, settings, warehouse) as step:
        client = halo.client(step.settings)
        with step.warehouse.connect() as connection:
            since = open_since(connection)
            watched = watched_since(connection, step.settings.today, step.settings.policy.usage.watch_days)
        today, days_back = step.settings.today, step.settings.policy.month.bill_days
        return dg.MaterializeResult(
            metadata=store_read(
                step, "halo.invoices", lambda: [loading.read_invoices(client, today, since, watched, days_back)]
            )
        )


@dg.asset(
    **raw_asset("halo.integration", "Whether Halo's own Pax8 integration is on: off, on or unknown, without secrets."),
    deps=[HALO_API],
)
def integration(
    context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, halo: HaloResource
) -> dg.MaterializeResult:
    """Ask Halo about its own Pax8 integration."""
    with asset_step(context, settings, warehouse) as step:
        client = halo.client(step.settings)
        metadata = store_read(step, "halo.integration", lambda: [loading.read_integration(client)])
        version = store_instance(step.warehouse, step.run_id, client)
        state, sentence = loading.native_state(step.warehouse, step.run_id)
        return dg.MaterializeResult(metadata={**metadata, "state": state, "reason": sentence, "halo": version})
