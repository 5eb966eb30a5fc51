"""Raw tables of any size: a world is read once by the product's clients, and copied inside DuckDB under other ids."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.extract import halo_lists, pax8_lists
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.bench.world import Vendors

RUN = "bench"
PAX8 = ("companies", "products", "subscriptions", "invoices")
HALO = ("clients", "items", "licences", "recurring_invoices")
# What a copy has of its own; products and items are the same for all copies.
COPIED = ("pax8.companies", "pax8.subscriptions", "halo.clients", "halo.client_details", "halo.licences",
          "halo.recurring_invoices")  # fmt: skip
# Two companies of one name would match by name what belongs to neither.
NAMED = ("pax8.companies", "halo.clients", "halo.client_details")
# One subscription in so many has another quantity than Halo.
CHANGED_EVERY = 50
_MOST_COPIES = 99
_ALL = 1_000_000  # client details to read, and calls in a window: the emulators have no limit

# The third part of a UUID becomes e and the number of the copy, which no UUID has of itself. A product keeps its own.
_MACROS = r"""
CREATE OR REPLACE TEMP MACRO other_uuids(t, k) AS replace(regexp_replace(
  regexp_replace(t, '("(?:productId|third_party_productid)":"[0-9a-f]{8})-', '\1¬', 'gi'),
  '([0-9a-f]{8}-[0-9a-f]{4})-[0-9a-f]{4}-([0-9a-f]{4}-[0-9a-f]{12})', '\1-e' || printf('%03x', k) || '-\2', 'gi'),
  '¬', '-');
CREATE OR REPLACE TEMP MACRO other_numbers(t, k) AS regexp_replace(t,
  '("(?:id|client_id|ihid|invoice_line_id|licence_id)":-?|"externalId":")([1-9][0-9]*)',
  '\1' || printf('9%02d0', k) || '\2', 'g');
CREATE OR REPLACE TEMP MACRO other_names(t, k) AS regexp_replace(t, '"name":"([^"]*)"', '"name":"\1 ' || k || '"');
"""


def read_raw(vendors: Vendors, folder: Path) -> Path:
    """Read both vendors' lists of seats into a warehouse in `folder`; return its file."""
    shutil.copytree(vendors.mappings, folder / "mappings")
    settings = load_settings({**os.environ, **vendors.environment, "PAX8_PIPELINE_DATA": str(folder)})
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.ensure_schema()
    with (
        closing(Pax8Client(pax8_config(settings, rate_limit=_ALL))) as pax8,
        closing(HaloClient(halo_config(settings, rate_limit=_ALL))) as halo,
    ):
        reads = [pax8_lists.read_list(pax8, name) for name in PAX8]
        reads += [halo_lists.read_list(halo, name) for name in HALO]
        reads.append(halo_lists.read_integration(halo))
        snapshots.store(warehouse, reads, RUN)
        mappings, now = load_mappings(settings.mappings_path), datetime.now(UTC).replace(tzinfo=None)
        with warehouse.connect() as connection:
            wanted = halo_lists.details_to_read(connection, mappings, now, _ALL)
        snapshots.store(warehouse, [halo_lists.read_details(halo, wanted)], RUN)
    return settings.warehouse_path


def change_quantities(file: Path) -> None:
    """Let one subscription in CHANGED_EVERY have 7 seats more than it had."""
    with Warehouse(file).connect() as connection:
        quantity = "CAST(json_extract_string(payload, '$.quantity') AS INTEGER)"
        connection.execute(
            f"UPDATE pax8.subscriptions SET payload = regexp_replace(payload, '\"quantity\":[0-9]+', "
            f"'\"quantity\":' || ({quantity} + 7)) "
            f'WHERE hash(object_id) % {CHANGED_EVERY} = 0 AND contains(payload, \'"status":"Active"\')'
        )


def multiply(file: Path, copies: int) -> None:
    """Add `copies` - 1 worlds of the same size to the raw tables, and to the mapping files beside the file."""
    if copies > _MOST_COPIES:
        raise ValueError(f"at most {_MOST_COPIES} copies")
    with Warehouse(file).connect() as connection:
        connection.execute(_MACROS)
        for table in COPIED:
            text = "other_numbers(other_uuids(payload, k), k)"
            if table in NAMED:
                text = f"other_names({text}, k)"
            key = "other_uuids(object_id, k)" if table.startswith("pax8") else (
                "regexp_replace(object_id, '([0-9]+)', printf('9%02d0', k) || '\\1')"
            )  # fmt: skip
            connection.execute(
                f"INSERT INTO {table} SELECT snapshot_id, run_id, loaded_at, endpoint, {key}, {text} "
                f"FROM {table}, range(1, ?) AS copy (k)",
                [copies],
            )
        connection.execute("CHECKPOINT")
    for name in ("clients", "subscriptions"):
        _multiply_mapping(file.parent / "mappings" / f"{name}.csv", copies)


def _multiply_mapping(file: Path, copies: int) -> None:
    with file.open(encoding="utf-8", newline="") as source:
        header, *rows = csv.reader(source)
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerows([header, *rows])
        for k in range(1, copies):
            writer.writerows(_other_ids(rows, k))


def _other_ids(rows: list[list[str]], k: int) -> Iterator[list[str]]:
    for uuid, *numbers, note in rows:
        other = f"{uuid[:14]}e{k:03x}{uuid[18:]}"
        yield [other, *(re.sub(r"([0-9]+)", rf"9{k:02d}0\1", number) for number in numbers), note]
