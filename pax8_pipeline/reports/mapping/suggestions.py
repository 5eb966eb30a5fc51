"""Gathers suggestions of every kind from the data of the last run, and gives them as data for programs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from pax8_pipeline.mapping.domains import domain_of
from pax8_pipeline.mapping.files import Mappings
from pax8_pipeline.mapping.items import Item, suggest_items
from pax8_pipeline.mapping.subscriptions import Target, Wanted, suggest_subscriptions
from pax8_pipeline.mapping.suggestion import KINDS, Candidate, Kind, Subject, Suggestion
from pax8_pipeline.mapping.usage_groups import GroupCompany, suggest_usage_groups
from pax8_pipeline.reports.mapping.client_evidence import client_suggestions, query_rows
from pax8_pipeline.settings import UsagePolicy
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts


class Suggester:
    """Suggestions from one warehouse, for the mapping files as they are now. Clients are suggested once for all kinds."""

    def __init__(self, connection: Connection, mappings: Mappings, usage: UsagePolicy) -> None:
        self._connection = connection
        self._mappings = mappings
        self._usage = usage
        self._clients: list[Suggestion] | None = None

    def suggestions(self, kinds: Collection[Kind] = KINDS) -> list[Suggestion]:
        """Return the suggestions of these kinds, the most money first."""
        makers: Mapping[Kind, Callable[[], list[Suggestion]]] = {
            "client": self.clients,
            "subscription": self._subscriptions,
            "item": self._items,
            "usage_group": self._usage_groups,
        }
        found = [suggestion for kind in KINDS if kind in kinds for suggestion in makers[kind]()]
        return sorted(found, key=lambda s: -(s.subject.money or Decimal(0)))

    def clients(self) -> list[Suggestion]:
        """Return a client for each Pax8 company without a certain one."""
        if self._clients is None:
            self._clients = client_suggestions(self._connection, self._mappings)
        return self._clients

    def _client_of(self) -> dict[str, int]:
        """Return the client of companies that are not matched: by the file as it is now, else by a sure suggestion."""
        sure = {s.subject.pax8_id: s.best.halo_id for s in self.clients() if s.is_sure}
        mapped = {m.pax8_company_id: m.halo_client_id for m in self._mappings.clients}
        return {company: client for company, client in {**sure, **mapped}.items() if client is not None}

    def _subscriptions(self) -> list[Suggestion]:
        mapped = {m.pax8_subscription_id for m in self._mappings.subscriptions}
        rows = [row for row in query_rows(self._connection, "subscriptions") if row["subscription_id"] not in mapped]
        if not rows:
            return []
        client_of = self._client_of()
        wanted = [
            _wanted(row, client_id)
            for row in rows
            if (client_id := row["client_id"] or client_of.get(row["company_id"])) is not None
        ]
        taken = {(m.halo_licence_id, m.halo_line_id) for m in self._mappings.subscriptions}
        licences, lines = {licence for licence, _ in taken}, {line for _, line in taken}
        targets = [
            Target(**{**row, "ids": frozenset(row["ids"] or ()), "product_ids": frozenset(row["product_ids"] or ())})
            for row in query_rows(self._connection, "targets")
            if (row["licence_id"] is None or row["licence_id"] not in licences)
            and (row["line_id"] is None or row["line_id"] not in lines)
        ]
        return suggest_subscriptions(wanted, targets)

    def _items(self) -> list[Suggestion]:
        mapped = {m.pax8_product_id for m in self._mappings.items}
        rows = [row for row in query_rows(self._connection, "products") if row["product_id"] not in mapped]
        if not rows:
            return []
        products = [Subject("item", r["product_id"], r["product_name"], r["money"], r["currency"]) for r in rows]
        codes = {row["product_id"]: row["sku"] for row in rows if row["sku"]}
        items = [
            Item(row["item_id"], row["name"], frozenset(row["ids"] or ()), row["part_code"])
            for row in query_rows(self._connection, "items")
        ]
        return suggest_items(products, items, codes)

    def usage_groups(self) -> list[Subject]:
        """Return the usage groups without a company."""
        values = {"internal": list(self._usage.internal_companies), "confirmed": list(self._usage.confirmed_groups)}
        rows = self._rows("usage_groups", values, summaries=load_sql("billing/unassigned_summaries.sql"))
        return [_group(row) for row in rows]

    def _usage_groups(self) -> list[Suggestion]:
        groups = self.usage_groups()
        if not groups:
            return []
        client_of = self._client_of()
        domains: dict[str, set[str]] = {}
        for row in query_rows(self._connection, "company_addresses"):
            if domain := domain_of(row["address"]):
                domains.setdefault(row["company_id"], set()).add(domain)
        companies = [
            GroupCompany(row["company_id"], row["company_name"], row["client_id"] or client_of.get(row["company_id"]),
                         frozenset(domains.get(row["company_id"], ())))
            for row in self._rows("group_companies", {"internal": list(self._usage.internal_companies)})
        ]  # fmt: skip
        return suggest_usage_groups(groups, companies)

    def _rows(self, name: str, values: Mapping[str, Any], **parts: str) -> list[dict[str, Any]]:
        query = load_sql(f"reports/mapping/{name}.sql")
        for part, text in parts.items():
            query = query.replace(f"{{{part}}}", text)
        return dicts(self._connection.execute(query, dict(values)))


def _wanted(row: Mapping[str, Any], client_id: int) -> Wanted:
    name = f"{row['client_name'] or row['company_name']}: {row['product_name']}"
    subject = Subject(
        "subscription", row["subscription_id"], name, row["money"], row["currency"], {"company_id": row["company_id"]}
    )
    return Wanted(subject, client_id, row["product_id"], row["product_name"] or "", row["quantity"], row["price"],
                  row["vendor_id"])  # fmt: skip


def _group(row: Mapping[str, Any]) -> Subject:
    details = {"subscription_id": row["subscription_id"], "resource_group": row["resource_group"]}
    return Subject("usage_group", row["group_id"], row["resource_group"], row["money"], row["currency"], details)


def as_data(suggestion: Suggestion) -> dict[str, Any]:
    """Return a suggestion as `mapping suggest --json` prints it: ids of Pax8 as text, of Halo as numbers, money as text."""
    subject, best = suggestion.subject, suggestion.best
    return {
        "kind": subject.kind,
        "pax8_id": subject.pax8_id,
        "pax8_name": subject.name,
        **_candidate(best),
        "reasons": list(best.reasons),
        "sure": suggestion.is_sure,
        "runner_up": None if suggestion.runner_up is None else _candidate(suggestion.runner_up),
        "money": None if subject.money is None else f"{round(subject.money, 2):f}",
        "currency": subject.currency,
        **subject.details,
        **best.details,
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {"halo_id": candidate.halo_id, "halo_name": candidate.name, "score": candidate.score}
