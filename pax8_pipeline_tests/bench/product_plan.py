"""The product's way from raw tables to a stored plan, without Dagster: python -m ...product_plan WAREHOUSE"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse import build
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.bench.raw_worlds import RUN


def main(file: Path) -> None:
    """Type, reconcile and plan, and write the planned quantities beside the file."""
    settings = load_settings({"PAX8_PIPELINE_DATA": str(file.parent), "PAX8_PIPELINE_TODAY": "2026-08-20"})
    warehouse = Warehouse(file)
    mappings = load_mappings(settings.mappings_path)
    with warehouse.connect():  # stays open, as it does for the whole of a run
        build.load_mapping_tables(warehouse, mappings)
        values = build.variables(settings.today, settings.policy)
        for table in (*build.STAGING, *build.RECONCILED):
            build.build(warehouse, table, values)
        now = datetime.now(UTC).replace(tzinfo=None)
        plan = make_plan(
            warehouse, PlanContext(RUN, settings.today, now, settings.policy, mappings.fingerprint, "off", "off")
        )
        with warehouse.connect() as connection:
            rows = connection.execute(
                "SELECT coalesce(licence_id, line_id), quantity_after FROM billing.plan WHERE plan_id = ? "
                "AND action IN ('set_licence_count', 'set_line_quantity')",
                [plan.plan_id],
            ).fetchall()
    changes = sorted([int(target), int(quantity)] for target, quantity in rows)
    (file.parent / "product.json").write_text(json.dumps(changes), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
