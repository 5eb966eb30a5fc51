"""Reads what is known of Pax8 companies and Halo clients, for suggesting which is which. Decides nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pax8_pipeline.mapping.clients import Client, ClientEvidence, Evidence, suggest_clients
from pax8_pipeline.mapping.domains import domain_of
from pax8_pipeline.mapping.files import Mappings
from pax8_pipeline.mapping.suggestion import Subject, Suggestion
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

Row = Mapping[str, Any]


def query_rows(connection: Connection, name: str) -> list[dict[str, Any]]:
    """Return the rows of one query beside this module."""
    return dicts(connection.execute(load_sql(f"reports/mapping/{name}.sql")))


def client_suggestions(connection: Connection, mappings: Mappings) -> list[Suggestion]:
    """Return a suggestion for each company that has no certain client and no row in the mapping file."""
    companies = [_subject(row) for row in unmapped_companies(connection, mappings)]
    if not companies:
        return []
    addresses = _domains(query_rows(connection, "client_addresses"), "client_id")
    clients = [
        Client(row["client_id"], row["name"], addresses.get(row["client_id"], frozenset()))
        for row in query_rows(connection, "clients")
    ]
    ids = [Evidence(**row) for row in query_rows(connection, "client_ids")]
    domains = _domains(query_rows(connection, "company_addresses"), "company_id")
    return suggest_clients(ClientEvidence(companies, clients, ids, domains, _taken(connection, mappings)))


def unmapped_companies(connection: Connection, mappings: Mappings) -> list[dict[str, Any]]:
    """Return the companies without a certain client that the mapping file, as it is now, does not give one."""
    active = {row["client_id"] for row in query_rows(connection, "clients")}
    mapped = {m.pax8_company_id for m in mappings.clients if m.halo_client_id in active}
    return [row for row in query_rows(connection, "companies") if row["company_id"] not in mapped]


def _subject(row: Row) -> Subject:
    name = row["company_name"] or row["company_id"]
    return Subject("client", row["company_id"], name, row["money"], row["currency"])


def _domains(rows: Iterable[Row], key: str) -> dict[Any, frozenset[str]]:
    found: dict[Any, set[str]] = defaultdict(set)
    for row in rows:
        domain = domain_of(row["address"])
        if domain:
            found[row[key]].add(domain)
    return {owner: frozenset(domains) for owner, domains in found.items()}


def _taken(connection: Connection, mappings: Mappings) -> dict[int, str]:
    taken = {
        row["client_id"]: row["company_name"] or "another company" for row in query_rows(connection, "taken_clients")
    }
    names = dict(connection.execute("SELECT company_id, name FROM staging.companies").fetchall())
    for row in mappings.clients:
        taken.setdefault(row.halo_client_id, names.get(row.pax8_company_id) or row.pax8_company_id)
    return taken
