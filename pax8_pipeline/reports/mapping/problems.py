"""What is open or wrong in the mapping files: unmapped things with their money, dead links, things named twice.

It compares the files as they are now with the data of the last run. It changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from pax8_pipeline.mapping.files import ClientMapping, ItemMapping, Mappings, SubscriptionMapping
from pax8_pipeline.mapping.suggestion import Kind, Suggestion
from pax8_pipeline.mapping.writing import FILES, Decision
from pax8_pipeline.reports.mapping.client_evidence import query_rows, unmapped_companies
from pax8_pipeline.reports.mapping.known_ids import SOURCES, TARGETS, KnownIds, targets_of
from pax8_pipeline.reports.mapping.suggestions import Suggester
from pax8_pipeline.settings import UsagePolicy
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection

Mapped = TypeVar("Mapped", ClientMapping, SubscriptionMapping, ItemMapping)


@dataclass(frozen=True)
class Unmapped:
    """One thing of Pax8 that nothing of Halo stands for: its money a month, and the best suggestion."""

    kind: Kind
    pax8_id: str
    name: str
    why: str
    money: Decimal | None
    currency: str | None
    suggestion: Suggestion | None = None


@dataclass(frozen=True)
class Problem:
    """One row, or several, of a mapping file. `wrong`: it cannot stay so; otherwise it may be meant."""

    wrong: bool
    kind: str
    file: str
    rows: tuple[int, ...]
    sentence: str


@dataclass(frozen=True)
class MappingState:
    """All that is open or wrong."""

    unmapped: Sequence[Unmapped]
    problems: Sequence[Problem]

    @property
    def wrong(self) -> list[Problem]:
        """The rows that must be corrected."""
        return [problem for problem in self.problems if problem.wrong]

    @property
    def open(self) -> list[Unmapped]:
        """The unmapped things that cost something."""
        return [one for one in self.unmapped if one.money]


def examine(connection: Connection, mappings: Mappings, usage: UsagePolicy) -> MappingState:
    """Return what is open or wrong, the most money first."""
    suggester = Suggester(connection, mappings, usage)
    best = {(s.subject.kind, s.subject.pax8_id): s for s in suggester.suggestions()}
    unmapped = [
        *_companies(connection, mappings),
        *_subscriptions(connection, mappings),
        *_products(connection, mappings),
    ]
    unmapped += [
        Unmapped("usage_group", s.pax8_id, s.name, "no company is assigned in Pax8", s.money, s.currency)
        for s in suggester.usage_groups()
    ]
    found = [Unmapped(**{**vars(one), "suggestion": best.get((one.kind, one.pax8_id))}) for one in unmapped]
    found.sort(key=lambda one: (-(one.money or Decimal(0)), one.kind, one.name, one.pax8_id))
    known = KnownIds(connection)
    problems = [
        *_dead(mappings, known),
        *_inactive(connection, mappings),
        *_named_twice(connection, mappings),
        *_shared(mappings),
    ]
    return MappingState(found, problems)


_STATES = {
    "unmatched": "no id names a client",
    "ambiguous": "several ids name different clients",
    "contradicted": "what Halo bills contradicts its client",
    "client_missing": "its client is not in Halo",
    "client_inactive": "its client is inactive in Halo",
    "client_unreadable": "its client cannot be read",
}


def _companies(connection: Connection, mappings: Mappings) -> Iterator[Unmapped]:
    for row in unmapped_companies(connection, mappings):
        name = row["company_name"] or row["company_id"]
        yield Unmapped(
            "client", row["company_id"], name, _STATES.get(row["state"], row["state"]), row["money"], row["currency"]
        )


def _subscriptions(connection: Connection, mappings: Mappings) -> Iterator[Unmapped]:
    """Give those of companies with a client; the others wait for their company."""
    mapped = {m.pax8_subscription_id for m in mappings.subscriptions}
    for row in query_rows(connection, "subscriptions"):
        if row["client_id"] is not None and row["subscription_id"] not in mapped:
            name = f"{row['client_name'] or row['company_name']}: {row['product_name']}"
            yield Unmapped(
                "subscription",
                row["subscription_id"],
                name,
                "no Halo line is tied to it",
                row["money"],
                row["currency"],
            )


def _products(connection: Connection, mappings: Mappings) -> Iterator[Unmapped]:
    """Give the products whose usage has no item; seats need none."""
    mapped = {m.pax8_product_id for m in mappings.items}
    for row in query_rows(connection, "products_without_item"):
        if row["product_id"] not in mapped:
            yield Unmapped(
                "item",
                row["product_id"],
                row["product_name"],
                "its usage has no Halo item",
                row["money"],
                row["currency"],
            )


def _decisions(mappings: Mappings) -> Iterator[tuple[int, Decision]]:
    for client in mappings.clients:
        yield client.row, Decision("client", client.pax8_company_id, client.halo_client_id)
    for one in mappings.subscriptions:
        yield (
            one.row,
            Decision("subscription", one.pax8_subscription_id, None, one.halo_recurring_invoice_id, one.halo_line_id,
                     one.halo_licence_id),
        )  # fmt: skip
    for item in mappings.items:
        yield item.row, Decision("item", item.pax8_product_id, item.halo_item_id)


def _dead(mappings: Mappings, known: KnownIds) -> Iterator[Problem]:
    for row, decision in _decisions(mappings):
        file = FILES[decision.kind]
        if not known.has_source(decision.kind, decision.pax8_id):
            sentence = f"Pax8 has no {SOURCES[decision.kind]} {decision.pax8_id}: remove the row"
            yield Problem(decision.kind != "item", "dead_link", file, (row,), sentence)
        for kind, halo_id in targets_of(decision):
            if not known.has_target(kind, halo_id):
                yield Problem(
                    True, "dead_link", file, (row,), f"Halo has no {TARGETS[kind]} {halo_id}: correct the row"
                )


def _inactive(connection: Connection, mappings: Mappings) -> Iterator[Problem]:
    inactive = dict(
        connection.execute(
            "SELECT client_id, name FROM staging.clients WHERE inactive AND client_id IS NOT NULL"
        ).fetchall()
    )
    for row in mappings.clients:
        if row.halo_client_id in inactive:
            sentence = f"client {row.halo_client_id} '{inactive[row.halo_client_id]}' is inactive in Halo: nothing is billed by it"
            yield Problem(True, "dead_link", "clients.csv", (row.row,), sentence)


def _named_twice(connection: Connection, mappings: Mappings) -> Iterator[Problem]:
    """Find lines and licences of two subscriptions that run: each would set the other's quantity, so both are held. One
    that ends may have moved its line to another.
    """
    idle = connection.execute(
        "SELECT subscription_id FROM reconciled.subscriptions "
        "WHERE lifecycle IN ('ended', 'ended_not_cancelled', 'pending_cancel', 'not_started')"
    ).fetchall()
    running = [m for m in mappings.subscriptions if (m.pax8_subscription_id,) not in set(idle)]
    for what, member in (("line", "halo_line_id"), ("licence", "halo_licence_id")):
        named = ((getattr(m, member), m) for m in running)
        for halo_id, rows in _several((i, m) for i, m in named if i is not None):
            sentence = f"{what} {halo_id} stands for {plural(len(rows), 'subscription')}, and all of them are held: leave it to one"
            yield Problem(True, "one_line_for_two", "subscriptions.csv", tuple(m.row for m in rows), sentence)


def _shared(mappings: Mappings) -> Iterator[Problem]:
    for client_id, rows in _several((m.halo_client_id, m) for m in mappings.clients):
        sentence = f"client {client_id} stands for {plural(len(rows), 'company', 'companies')}: right only if all of them are billed to it on purpose"
        yield Problem(False, "two_companies_on_one_client", "clients.csv", tuple(m.row for m in rows), sentence)


def _several(pairs: Iterable[tuple[Hashable, Mapped]]) -> list[tuple[Hashable, list[Mapped]]]:
    found: dict[Hashable, list[Mapped]] = defaultdict(list)
    for key, row in pairs:
        found[key].append(row)
    return [(key, rows) for key, rows in found.items() if len(rows) > 1]


def money(rows: Iterable[Unmapped]) -> Mapping[str, Decimal]:
    """Add up money a month by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.money:
            sums[row.currency or "?"] += row.money
    return dict(sums)


def unmapped_data(one: Unmapped) -> dict[str, Any]:
    """Return an unmapped thing as data for programs."""
    best = one.suggestion.best if one.suggestion else None
    return {
        "kind": one.kind,
        "pax8_id": one.pax8_id,
        "pax8_name": one.name,
        "why": one.why,
        "money": None if one.money is None else f"{round(one.money, 2):f}",
        "currency": one.currency,
        "suggestion": None if best is None else {"halo_id": best.halo_id, "halo_name": best.name, "score": best.score},
    }
