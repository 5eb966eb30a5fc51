"""Raw Halo: every list exactly as it was sent.

Here belongs: the assets. Not here: what to ask (`extract.halo_lists`).
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from pax8_pipeline.billing.ledger.documents import watched_since
from pax8_pipeline.extract import halo_lists as loading
from pax8_pipeline.extract.halo_instance import keep_instance
from pax8_pipeline.extract.vendor_clocks import keep_clock
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.orchestration.assets.raw_reads import keep, raw_asset
from pax8_pipeline.orchestration.assets.specs import HALO_API, MAPPING_FILES, asset_key
from pax8_pipeline.orchestration.assets.step import Stage, stage
from pax8_pipeline.orchestration.resources import HaloResource, SettingsResource, WarehouseResource

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
        with stage(context, settings, warehouse) as now:
            client, tell = halo.client(now.settings), now.progress(name)
            told = keep(now, f"halo.{name}", lambda: [loading.read_list(client, name, tell)])
            keep_clock(now.warehouse, now.run_id, "Halo", client, now.settings)
            return dg.MaterializeResult(metadata=told)

    made: dg.AssetsDefinition = read_list
    return made


@dg.asset(
    **raw_asset("halo.clients", "All clients, inactive ones too, and the details of those no id accounts for yet."),
    # Whose details are worth a call follows from the Pax8 companies nobody has claimed.
    deps=[HALO_API, MAPPING_FILES, asset_key("pax8.companies")],
)
def clients(
    context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, halo: HaloResource
) -> dg.MaterializeResult:
    """Read the list, then custom fields and links where they may tell the Pax8 company."""
    with stage(context, settings, warehouse) as now:
        client = halo.client(now.settings)
        told = keep(now, "halo.clients", lambda: [loading.read_list(client, "clients")])
        return dg.MaterializeResult(metadata={**told, **_details(now, halo)})


def _details(now: Stage, halo: HaloResource) -> dict[str, Any]:
    mappings = load_mappings(now.settings.mappings_path)
    most = now.settings.policy.matching.client_detail_reads
    with now.warehouse.connect() as connection:
        wanted = loading.details_to_read(connection, mappings, datetime.now(UTC).replace(tzinfo=None), most)
    if wanted:
        client, tell = halo.client(now.settings), now.progress("client details")
        keep(now, "halo.client_details", lambda: [loading.read_details(client, wanted, tell)])
    return {"details_read": len(wanted)}


@dg.asset(**raw_asset("halo.invoices", "Ordinary invoices dated in the weeks around today."), deps=[HALO_API])
def invoices(
    context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, halo: HaloResource
) -> dg.MaterializeResult:
    """Read them with their lines."""
    with stage(context, settings, warehouse) as now:
        client = halo.client(now.settings)
        with now.warehouse.connect() as connection:
            since = loading.open_since(connection)
            watched = watched_since(connection, now.settings.today, now.settings.policy.usage.watch_days)
        today = now.settings.today
        return dg.MaterializeResult(
            metadata=keep(now, "halo.invoices", lambda: [loading.read_invoices(client, today, since, watched)])
        )


@dg.asset(
    **raw_asset("halo.integration", "Whether Halo's own Pax8 integration is on: off, on or unknown, without secrets."),
    deps=[HALO_API],
)
def integration(
    context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, halo: HaloResource
) -> dg.MaterializeResult:
    """Ask Halo about its own sync."""
    with stage(context, settings, warehouse) as now:
        client = halo.client(now.settings)
        told = keep(now, "halo.integration", lambda: [loading.read_integration(client)])
        version = keep_instance(now.warehouse, now.run_id, client)
        state, sentence = loading.native_state(now.warehouse, now.run_id)
        return dg.MaterializeResult(metadata={**told, "state": state, "reason": sentence, "halo": version})
