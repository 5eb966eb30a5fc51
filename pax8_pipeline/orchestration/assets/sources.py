"""The sources of the data, so that the lineage starts there: things that this product reads and does not make."""

from __future__ import annotations

import dagster as dg

from pax8_pipeline.orchestration.assets.specs import HALO_API, MAPPING_FILES, OWNERS, PAX8_API


def sources() -> list[dg.AssetSpec]:
    """Return both vendors' APIs and the operator's mapping files."""
    return [
        _source(PAX8_API, "Pax8 Partner API: what the distributor bills. Read only.", "api"),
        _source(HALO_API, "HaloPSA API: what clients are billed. Written only by billing/writes.", "api"),
        _source(MAPPING_FILES, "The operator's mapping files in data/mappings, kept in Git.", "csv"),
    ]


def _source(key: dg.AssetKey, about: str, kind: str) -> dg.AssetSpec:
    return dg.AssetSpec(key, description=about, group_name="sources", kinds={kind}, owners=list(OWNERS))
