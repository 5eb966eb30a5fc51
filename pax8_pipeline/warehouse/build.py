"""Builds derived tables from their SQL files, in one transaction each, and counts what came out.

It runs a model's query into its typed table and puts rejected and duplicate rows apart. The queries are in
warehouse/sql.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pax8_pipeline.mapping.files import Mappings
from pax8_pipeline.settings import Policy, PricePolicy, UsagePolicy
from pax8_pipeline.warehouse.closed_lists import BILLING_TERMS, INVOICE_STATUSES, ITEM_TERMS, SUBSCRIPTION_STATUSES
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import Model, model


@dataclass(frozen=True)
class Built:
    """How many rows a table has now, how many were rejected, and why."""

    table: str
    rows: int
    rejects: int
    reasons: tuple[tuple[str, int], ...]


# The column of a staging table that says what of a row cannot be read.
PROBLEM = "problem"


def build(warehouse: Warehouse, table: str, variables: Mapping[str, Any]) -> Built:
    """Rebuild one derived table (`staging.x`, `reconciled.x`) from its query.

    `variables` holds what the SQL reads by getvariable(): today (date), licence_id_field, client_custom_field, ...
    A staging query also gives `reject` (what cannot be read), `object_id` and `payload`; staging.rejects lists those rows.
    A row that cannot be read stays in its table, with the reason in `problem`, where the table has that column.
    Raises KeyError for a variable that is not there.
    """
    contract = model(table)
    with warehouse.transaction() as connection:
        for name in contract.variables:
            connection.execute(f"SET VARIABLE {name} = ?", [variables[name]])
        make_temporary(connection, contract.steps)
        if contract.schema == "staging":
            source, reasons = _readable_rows(connection, contract)
        else:
            source, reasons = f"({contract.query})", ()
        connection.execute(contract.ddl(replace=True))
        columns = ", ".join(f'"{c}"' for c in contract.column_names)
        inserted = connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {source}").fetchall()
    return Built(table, int(inserted[0][0]), sum(n for _, n in reasons), reasons)


def build_month(warehouse: Warehouse, month: str, variables: Mapping[str, Any]) -> None:
    """Compare one month (yyyy-mm, of the Pax8 invoice date) and store the result in the tables of schema `monthly`.

    Rows of that month are replaced, those of other months stay. It reads what the last run left in staging and
    reconciled; `variables` as of `build`.
    """
    with warehouse.transaction() as connection:
        for name, value in {**variables, "month": month}.items():
            connection.execute(f"SET VARIABLE {name} = ?", [value])
        for table in MONTHLY:
            _replace_month(connection, model(table), month)


def _replace_month(connection: Connection, contract: Model, month: str) -> None:
    make_temporary(connection, contract.steps)
    connection.execute(f"DELETE FROM {contract.table} WHERE month = ?", [month])
    connection.execute(f"INSERT INTO {contract.table} BY NAME {contract.query}")


def make_temporary(connection: Connection, steps: Sequence[Model]) -> None:
    """Make temporary tables of this connection, in this order. They read each other and the warehouse."""
    for step in steps:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {step.name} AS {step.query}")


# What a row that cannot be read still points at, as far as that can be read: it keeps its claim on these.
CLAIMS = ("company_id", "subscription_id", "licence_id", "line_id", "recurring_invoice_id", "client_id")


def _readable_rows(connection: Connection, contract: Model) -> tuple[str, tuple[tuple[str, int], ...]]:
    """List in staging.rejects what of a staging query cannot be read; return the SQL of the rows of its table, and how many
    rows are listed for each reason.

    Of several rows with one key none can be believed: all are listed. A row stays in its table when the table can say so
    (column `problem`) and nothing that it must have is missing; of several rows with one key the first one stands there
    for all.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {contract.query}")
    connection.execute("DELETE FROM staging.rejects WHERE table_name = ?", [contract.table])
    # Most nights nothing is unreadable, and counting is cheap.
    unreadable, repeats = connection.execute(f"SELECT count(reject), {_repeats(contract)} FROM fresh").fetchall()[0]
    if repeats:
        _mark_repeats(connection, contract)
    reasons = _list_rejects(connection, contract) if unreadable or repeats else ()
    whole = " AND ".join(f"{c.name} IS NOT NULL" for c in contract.columns if c.not_null) or "true"
    stays = f"(reject IS NULL OR ({whole}))" if PROBLEM in contract.column_names else "reject IS NULL"
    first = " AND turn = 1" if repeats else ""
    return f"(SELECT *, reject AS {PROBLEM} FROM fresh WHERE {stays}{first})", reasons


def _named(contract: Model) -> str:
    """Return the SQL condition that a row has its whole key."""
    return " AND ".join(f"{key} IS NOT NULL" for key in contract.key)


def _repeats(contract: Model) -> str:
    """Return the SQL expression that counts rows with the key of another row."""
    if not contract.key:
        return "0"
    keys = ", ".join(contract.key)
    return f"count(*) FILTER ({_named(contract)}) - count(DISTINCT ({keys})) FILTER ({_named(contract)})"


def _mark_repeats(connection: Connection, contract: Model) -> None:
    """Give each row its turn among those of its key, and those of a repeated key a reason."""
    keys = ", ".join(contract.key)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT * REPLACE (CASE WHEN {_named(contract)} AND count(*) OVER same_key "
        "> 1 THEN coalesce(reject, 'same key twice') ELSE reject END AS reject), CASE WHEN "
        f"{_named(contract)} THEN row_number() OVER (same_key ORDER BY object_id, payload) ELSE 1 END AS turn "
        f"FROM fresh WINDOW same_key AS (PARTITION BY {keys})"
    )


def _list_rejects(connection: Connection, contract: Model) -> tuple[tuple[str, int], ...]:
    """Put what cannot be read into staging.rejects; return how many rows there are of each reason, the most first."""
    known = {name: name for name in contract.column_names} | {"client_id": _client_column(contract)}
    claims = ", ".join(f"{known.get(name) or 'NULL'} AS {name}" for name in CLAIMS)
    connection.execute(
        f"INSERT INTO staging.rejects BY NAME SELECT ? AS table_name, object_id, reject AS reason, payload, {claims} "
        "FROM fresh WHERE reject IS NOT NULL",
        [contract.table],
    )
    counted = "SELECT regexp_replace(reject, ':.*', ''), count(*) FROM fresh WHERE reject IS NOT NULL GROUP BY 1"
    return tuple(connection.execute(f"{counted} ORDER BY 2 DESC, 1").fetchall())


def _client_column(contract: Model) -> str | None:
    return next((name for name in ("client_id", "header_client_id") if name in contract.column_names), None)


def load_mapping_tables(warehouse: Warehouse, mappings: Mappings) -> None:
    """Put the operator's mapping files beside the staged data, replacing what the last run put there."""
    with warehouse.transaction() as connection:
        for table, rows in _mapping_rows(mappings).items():
            _refill(connection, table, rows)


def holds_mappings(connection: Connection, mappings: Mappings) -> bool:
    """True when the staged mapping tables are these very files: what was matched in this run was matched by them."""
    return all(
        sorted(map(repr, rows)) == sorted(map(repr, connection.execute(f"FROM {table}").fetchall()))
        for table, rows in _mapping_rows(mappings).items()
    )


def _mapping_rows(mappings: Mappings) -> dict[str, list[tuple[Any, ...]]]:
    return {
        "staging.mapping_clients": [(m.pax8_company_id, m.halo_client_id, m.note) for m in mappings.clients],
        "staging.mapping_subscriptions": [
            (m.pax8_subscription_id, m.halo_recurring_invoice_id, m.halo_line_id, m.halo_licence_id, m.note)
            for m in mappings.subscriptions
        ],
        "staging.mapping_items": [(m.pax8_product_id, m.halo_item_id, m.note) for m in mappings.items],
    }


def _refill(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    connection.execute(model(table).ddl(replace=True))
    if rows:
        with connection.appender(table) as appender:
            appender.append_rows(rows)


# In the order they can be built. client_links looks at staging.companies.
STAGING = (
    "staging.companies", "staging.products", "staging.subscriptions", "staging.usage_summaries", "staging.usage_lines",
    "staging.invoices", "staging.invoice_items", "staging.draft_items", "staging.clients", "staging.client_links",
    "staging.items", "staging.licences", "staging.recurring_invoices", "staging.recurring_invoice_lines", "staging.line_licences",
    "staging.halo_invoices", "staging.halo_invoice_lines",
)  # fmt: skip
RECONCILED = (
    "reconciled.licence_keys", "reconciled.client_matches", "reconciled.subscriptions", "reconciled.moves",
    "reconciled.discrepancies", "reconciled.prices", "reconciled.usage_months", "reconciled.usage",
    "reconciled.usage_by_month",
)  # fmt: skip
# Each row belongs to a month (of the Pax8 invoice date); a month is compared again by itself.
MONTHLY = ("monthly.items", "monthly.rows", "monthly.sums", "monthly.months", "monthly.forecasts")


def variables(today: date, policy: Policy) -> dict[str, Any]:
    """Return what the SQL reads by getvariable()."""
    return {
        "today": today,
        "licence_id_field": policy.matching.licence_id_field,
        "client_custom_field": policy.matching.client_custom_field,
        "default_currency": policy.matching.default_currency,
        **usage_variables(policy.usage),
        "known_statuses": list(SUBSCRIPTION_STATUSES),
        "known_terms": list(BILLING_TERMS),
        "known_invoice_statuses": list(INVOICE_STATUSES),
        "known_item_terms": list(ITEM_TERMS),
        **price_variables(policy.prices),
        "manual_pro_rata": policy.pro_rata.manual_lines,
        "compare_price": policy.month.compare_price,
        "compare_cost": policy.month.compare_cost,
    }


def price_variables(prices: PricePolicy) -> dict[str, Any]:
    """Return what the SQL reads of policy.yaml's section `prices`; `price_policy` is all of it, as JSON."""
    return {
        "price_policy": prices.model_dump_json(),
        "price_source": prices.price,
        "price_markup_pct": prices.markup_pct,
    }


def usage_variables(usage: UsagePolicy) -> dict[str, Any]:
    """Return what the SQL reads of policy.yaml's section `usage`; `usage_policy` is all of it, as JSON."""
    return {
        "usage_policy": usage.model_dump_json(),
        "usage_source": usage.source,
        "usage_price": usage.price,
        "usage_markup_pct": usage.markup_pct,
        "usage_detail": usage.detail,
        "usage_first_month": usage.first_month,
        "default_halo_item_id": usage.default_halo_item_id,
        "internal_companies": list(usage.internal_companies),
        "confirmed_groups": list(usage.confirmed_groups),
    }
