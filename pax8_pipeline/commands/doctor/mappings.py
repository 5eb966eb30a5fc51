"""What `doctor` checks in the mapping files: whether the things that they name exist.

Each id of a mapping file is compared with the vendor's list. The format of the files is in `mapping.files`. A row that
names nothing bills nobody, and gives no other message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pax8_pipeline.commands.doctor.diagnosis import Diagnosis, bad, ok, warn
from pax8_pipeline.errors import ConfigError, PipelineError
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.mapping.files import Mappings, load_mappings
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import Settings
from pax8_pipeline.values import id_in_halo

_SHOWN = 10
Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class _Column:
    """One column of a mapping file: its ids by row number, and a function that reads the ids that exist."""

    file: str
    name: str
    what: str
    ids: Mapping[int, Any]
    known: Callable[[], set[Any]]


def examine_halo(client: HaloClient, settings: Settings) -> Iterator[Diagnosis]:
    """Check the clients, recurring invoices, lines, licences and items that the mapping files name."""
    loaded = _mappings(settings)
    if loaded is None:
        return
    rows = loaded.subscriptions
    headers = cache(lambda: client.recurring_invoices().objects)
    clients = {m.row: m.halo_client_id for m in loaded.clients}
    invoices = {m.row: m.halo_recurring_invoice_id for m in rows}
    lines, licences = ({m.row: getattr(m, name) for m in rows} for name in ("halo_line_id", "halo_licence_id"))
    items = {m.row: m.halo_item_id for m in loaded.items}
    yield from _examine(settings.mappings_path, "Halo", (
        _Column("clients.csv", "halo_client_id", "client", clients, lambda: _ids(client.clients().objects)),
        _Column("subscriptions.csv", "halo_recurring_invoice_id", "recurring invoice", invoices, lambda: _ids(headers())),
        _Column("subscriptions.csv", "halo_line_id", "recurring invoice line", lines, lambda: _lines(headers())),
        _Column("subscriptions.csv", "halo_licence_id", "licence", licences, lambda: _ids(client.licences().objects)),
        _Column("items.csv", "halo_item_id", "item", items, lambda: _ids(client.items().objects)),
    ))  # fmt: skip


def examine_pax8(client: Pax8Client, settings: Settings) -> Iterator[Diagnosis]:
    """Check the companies, subscriptions and products that the mapping files name."""
    loaded = _mappings(settings)
    if loaded is None:
        return
    companies = {m.row: m.pax8_company_id for m in loaded.clients}
    subscriptions = {m.row: m.pax8_subscription_id for m in loaded.subscriptions}
    products = {m.row: m.pax8_product_id for m in loaded.items}
    yield from _examine(settings.mappings_path, "Pax8", (
        _Column("clients.csv", "pax8_company_id", "company", companies, lambda: _texts(client.companies().objects)),
        _Column("subscriptions.csv", "pax8_subscription_id", "subscription", subscriptions,
                lambda: _texts(client.subscriptions().objects)),
        _Column("items.csv", "pax8_product_id", "product", products, lambda: _texts(client.products().objects)),
    ))  # fmt: skip


def _examine(folder: Path, vendor: str, columns: Iterable[_Column]) -> Iterator[Diagnosis]:
    for column in columns:
        named_ids = {row: named_id for row, named_id in column.ids.items() if named_id is not None}
        if named_ids:
            yield from _check_column(folder, vendor, column, named_ids)


def _check_column(folder: Path, vendor: str, column: _Column, named_ids: Mapping[int, Any]) -> Iterator[Diagnosis]:
    point = f"{column.file} {column.name}"
    try:
        known = column.known()
    except (PipelineError, OSError) as error:
        yield warn(point, f"{vendor} does not say whether its {len(named_ids)} ids exist: {error}", "try again later")
        return
    missing = {row: named_id for row, named_id in named_ids.items() if named_id not in known}
    for row, named_id in list(missing.items())[:_SHOWN]:
        text = f"{folder / column.file}, row {row}, column {column.name}: {vendor} has no {column.what} {named_id}"
        yield bad(point, text, "correct that row, or remove it; nothing is billed by it")
    if len(missing) > _SHOWN:
        yield bad(point, f"{len(missing) - _SHOWN} rows more name a {column.what} that {vendor} does not have")
    if not missing:
        yield ok(point, f"{vendor} has all {len(named_ids)} of them")


def _mappings(settings: Settings) -> Mappings | None:
    try:
        return load_mappings(settings.mappings_path)
    except ConfigError:  # the check of the files themselves has reported it
        return None


def _ids(rows: Rows) -> set[int]:
    return {found for row in rows if (found := id_in_halo(row.get("id"))) is not None}


def _lines(headers: Rows) -> set[int]:
    return {one for header in headers for one in _ids(header.get("lines") or ())}


def _texts(rows: Rows) -> set[str]:
    return {str(row.get("id") or "").strip().lower() for row in rows}
