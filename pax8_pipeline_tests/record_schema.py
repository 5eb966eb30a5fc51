"""Records the shape of the tables with history, as this version of the product makes them.

    python -m pax8_pipeline_tests.record_schema

A file for each version stands in `support/schemas`. The tests bring a warehouse of each of them to the present version, and
compare the newest one with the contracts: a change of a table cannot be forgotten. When the version was released already,
first raise SCHEMA_VERSION in `pax8_pipeline/warehouse/schema.py`.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from pax8_pipeline.warehouse.models import all_models
from pax8_pipeline.warehouse.schema import SCHEMA_VERSION, is_derived

SCHEMAS = Path(__file__).parent / "support" / "schemas"
_WIDTH = 116


def recorded(version: int) -> Path:
    """Return the file with the tables of one version."""
    return SCHEMAS / f"{version}.sql"


def present_tables() -> str:
    """Return the statements that make the tables with history."""
    statements = (model.ddl(replace=False) for model in all_models().values() if not is_derived(model))
    return "".join(f"{textwrap.fill(statement, _WIDTH, subsequent_indent='  ')};\n" for statement in statements)


def main() -> None:
    """Write the file of the present version."""
    recorded(SCHEMA_VERSION).write_text(present_tables(), encoding="utf-8")


if __name__ == "__main__":
    main()
