"""The relations of a plan: temporary tables with contracts, and the queries that fill the plan's rows from them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from pax8_pipeline.billing.planning.wording import PLAN_WORDS
from pax8_pipeline.warehouse.build import make_temporary
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import Model, in_order, parse_model

# What the queries of a plan fill. The product of a price and a quantity is kept whole: the checksum is over its digits.
EXACT_TYPES = {"money_per_period": "DECIMAL(38,20)"}


@cache
def relations(folder: str) -> tuple[Model, ...]:
    """Return the relations of `seats`, `usage` or `creations`, and those that all share, in the order in which they can be made."""
    shared, own = _folder(), _folder().joinpath(folder)
    return in_order(_read(file) for part in (shared, own) for file in _relation_files(part))


def fill(connection: Connection, folder: str) -> None:
    """Make the relations of one folder (see `relations`), then fill the temporary table plan_rows from them."""
    models = relations(folder)
    make_temporary(connection, [model for model in models if not model.fills])
    for model in models:
        if model.fills and (not model.when or _has_rows(connection, model.when)):
            connection.execute(f"INSERT INTO {model.fills} BY NAME {model.query}")


def _has_rows(connection: Connection, table: str) -> bool:
    """Planning a query of a screen costs DuckDB more than asking whether it can have rows at all."""
    return bool(connection.execute(f"SELECT EXISTS (FROM {table})").fetchall()[0][0])


def _relation_files(folder: Traversable) -> list[Traversable]:
    found = [file for file in folder.iterdir() if file.name.endswith(".sql") and _is_relation(file)]
    return sorted(found, key=lambda file: file.name)


def _is_relation(file: Traversable) -> bool:
    return file.read_text(encoding="utf-8").startswith("/*")


def _read(file: Traversable) -> Model:
    return parse_model("", file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"), words=PLAN_WORDS)


def _folder() -> Traversable:
    return files("pax8_pipeline.billing.planning")
