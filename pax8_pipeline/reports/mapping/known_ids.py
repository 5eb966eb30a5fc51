"""Says whether the ids of a mapping exist, by the data of the last run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.mapping.writing import Decision
from pax8_pipeline.reports.mapping.client_evidence import query_rows
from pax8_pipeline.warehouse.connection import Connection

SOURCES: Mapping[str, str] = {"client": "company", "subscription": "subscription", "item": "product"}
TARGETS: Mapping[str, str] = {
    "client": "client", "item": "item", "licence": "licence", "line": "recurring invoice line",
    "recurring_invoice": "recurring invoice",
}  # fmt: skip


class KnownIds:
    """The ids of both vendors that the last run read."""

    def __init__(self, connection: Connection) -> None:
        self._pax8 = {(row["kind"], row["pax8_id"]) for row in query_rows(connection, "known_sources")}
        self._halo = {(row["kind"], row["halo_id"]) for row in query_rows(connection, "known_targets")}

    def has_source(self, kind: str, pax8_id: str) -> bool:
        """True when the last run read this company, subscription or product."""
        return (kind, pax8_id.lower()) in self._pax8

    def has_target(self, kind: str, halo_id: int) -> bool:
        """True when the last run read this client, item, licence, line or recurring invoice."""
        return (kind, halo_id) in self._halo

    def ensure(self, decision: Decision) -> None:
        """Raise ConfigError naming what neither vendor has."""
        place = f"{decision.place}: " if decision.place else ""
        if not self.has_source(decision.kind, decision.pax8_id):
            raise ConfigError(f"{place}Pax8 has no {SOURCES[decision.kind]} {decision.pax8_id} (by the last run)")
        for kind, halo_id in targets_of(decision):
            if not self.has_target(kind, halo_id):
                raise ConfigError(f"{place}Halo has no {TARGETS[kind]} {halo_id} (by the last run)")


def targets_of(decision: Decision) -> Iterator[tuple[str, int]]:
    """Return the kinds and ids of Halo that a decision names."""
    named = (
        (decision.kind, decision.halo_id),
        ("recurring_invoice", decision.recurring_invoice_id),
        ("line", decision.line_id),
        ("licence", decision.licence_id),
    )
    return ((kind, halo_id) for kind, halo_id in named if halo_id is not None)
