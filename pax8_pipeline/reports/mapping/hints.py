"""Names the best suggestion beside a row that waits for a mapping: in the report, in `plan show` and in the checks.

A hint is words for people. It is made when a row is shown and is stored in no plan, so it changes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pax8_pipeline.mapping.files import ClientMapping, ItemMapping, Mappings, SubscriptionMapping
from pax8_pipeline.mapping.suggestion import Kind, Suggestion
from pax8_pipeline.reports.mapping.suggestions import Suggester
from pax8_pipeline.settings import UsagePolicy
from pax8_pipeline.warehouse.connection import Connection

Row = Mapping[str, Any]
_COMMAND = "pax8-pipeline mapping suggest"
# Verdicts of a plan's rows for which a mapping may be the answer.
_OF_SUBSCRIPTIONS = frozenset(("unbilled", "ambiguous", "mapping_error"))
_UNASSIGNED = " unassigned "


def with_hints(connection: Connection, rows: Iterable[Row], usage: UsagePolicy) -> list[dict[str, Any]]:
    """Return rows of a plan or findings with a member `hint`: empty where there is no suggestion."""
    listed = [dict(row) for row in rows]
    kinds = {kind for row in listed if (kind := _kind(row)) is not None}
    hints = load_hints(connection, kinds, usage) if kinds else {}
    return [{**row, "hint": _of_row(row, hints)} for row in listed]


def load_hints(connection: Connection, kinds: Iterable[Kind], usage: UsagePolicy) -> dict[tuple[Kind, str], str]:
    """Return a hint by kind and id: of a company, a subscription, or `subscription/group` of usage."""
    suggester = Suggester(connection, staged_mappings(connection), usage)
    return {(s.subject.kind, _id(s)): _sentence(s) for s in suggester.suggestions(list(kinds))}


def staged_mappings(connection: Connection) -> Mappings:
    """Return the mapping files as the last run read them."""
    clients, subscriptions, items = (
        connection.execute(f"FROM staging.mapping_{name}").fetchall() for name in ("clients", "subscriptions", "items")
    )
    return Mappings(
        tuple(ClientMapping(*row) for row in clients),
        tuple(SubscriptionMapping(*row) for row in subscriptions),
        tuple(ItemMapping(*row) for row in items),
        "",
    )


def group_key(subscription_id: str | None, group: str | None) -> str:
    """Return how a usage group is named in a hint's id and in the id of its row."""
    return f"{subscription_id or '-'}/{(group or '-').strip().lower()}"


def _id(suggestion: Suggestion) -> str:
    subject = suggestion.subject
    if subject.kind != "usage_group":
        return subject.pax8_id
    return group_key(subject.details["subscription_id"], subject.details["resource_group"])


def _sentence(suggestion: Suggestion) -> str:
    best, kind = suggestion.best, suggestion.subject.kind
    if kind == "usage_group":
        client = f", Halo client {best.halo_id}" if best.halo_id is not None else ""
        what = f"company '{best.name}'{client}"
    elif kind == "subscription":
        ids = (("licence", best.details.get("halo_licence_id")), ("line", best.details.get("halo_line_id")))
        what = f"Halo {' and '.join(f'{name} {i}' for name, i in ids if i is not None)} '{best.name}'"
    else:
        what = f"Halo {kind} {best.halo_id} '{best.name}'"
    return f"perhaps {what}, score {best.score}: {_COMMAND}"


def _verdict(row: Row) -> str:
    return str(row.get("verdict") or row.get("kind") or "")


def _kind(row: Row) -> Kind | None:
    if _UNASSIGNED in str(row["row_id"]):
        return "usage_group"
    if "unmatched_company" in _verdict(row):
        return "client"
    return "subscription" if _verdict(row) in _OF_SUBSCRIPTIONS else None


def _of_row(row: Row, hints: Mapping[tuple[Kind, str], str]) -> str:
    kind = _kind(row)
    if kind == "usage_group":
        named = str(row["row_id"]).split(_UNASSIGNED, 1)[1].rpartition(" ")[0]
        return hints.get((kind, named), "")
    if kind is None:
        return ""
    return hints.get((kind, str(row["company_id" if kind == "client" else "subscription_id"])), "")
