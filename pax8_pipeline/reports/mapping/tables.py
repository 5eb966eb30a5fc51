"""Suggestions as tables for people: the short list of a terminal, and the file that `mapping accept` reads back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pax8_pipeline.mapping.suggestion import Candidate, Kind, Suggestion, shown
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.table import Column, Table

KIND_NAMES: dict[Kind, str] = {
    "client": "client", "subscription": "subscription", "item": "item", "usage_group": "usage group",
}  # fmt: skip
_SHORT = (
    Column("money", "Money a month"),
    Column("score", "Score", "count"),
    Column("kind", "Kind", size="short"),
    Column("pax8", "Pax8"),
    Column("halo", "Halo"),
    Column("why", "Why"),
)
# What `mapping accept FILE` reads: accept, kind, pax8_id, halo_id. The others are for the reader.
FILE_COLUMNS = (
    Column("accept", "accept"),
    Column("score", "score", "count"),
    Column("money", "money_a_month", "money"),
    Column("currency", "currency"),
    Column("kind", "kind"),
    Column("pax8_name", "pax8_name"),
    Column("halo_name", "halo_name"),
    Column("reasons", "reasons"),
    Column("runner_up", "runner_up"),
    Column("pax8_id", "pax8_id", "id"),
    Column("halo_id", "halo_id", "id"),
    Column("halo_recurring_invoice_id", "halo_recurring_invoice_id", "id"),
    Column("halo_line_id", "halo_line_id", "id"),
    Column("halo_licence_id", "halo_licence_id", "id"),
)


def short_table(suggestions: Sequence[Suggestion], title: str) -> Table:
    """Return suggestions as a table for a terminal: what, with whom, how sure, the first reasons."""
    rows = [
        {
            "money": formatting.money(s.subject.money, s.subject.currency),
            "score": s.best.score,
            "kind": KIND_NAMES[s.subject.kind],
            "pax8": s.subject.name,
            "halo": shown(s.best),
            "why": _first(s.best.reasons),
        }
        for s in suggestions
    ]
    return Table(title, _SHORT, rows)


def _first(reasons: Sequence[str]) -> str:
    """Return the first reason, which weighs most, and how many more there are: a row has few columns."""
    more = f" (+{len(reasons) - 1})" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}" if reasons else ""


def file_table(suggestions: Sequence[Suggestion]) -> Table:
    """Return suggestions as the table of a file. Ids are text, so that a spreadsheet changes no digit of them."""
    return Table("Suggestions", FILE_COLUMNS, [_file_row(s) for s in suggestions])


def _file_row(suggestion: Suggestion) -> dict[str, Any]:
    subject, best = suggestion.subject, suggestion.best
    return {
        "accept": "",
        "score": best.score,
        "money": None if subject.money is None else round(subject.money, 2),
        "currency": subject.currency,
        "kind": subject.kind,
        "pax8_name": subject.name,
        "halo_name": best.name,
        "reasons": "; ".join(best.reasons),
        "runner_up": _runner_up(suggestion.runner_up),
        "pax8_id": subject.pax8_id,
        "halo_id": _id(best.halo_id),
        **{name: _id(best.details.get(name)) for name in
           ("halo_recurring_invoice_id", "halo_line_id", "halo_licence_id")},
    }  # fmt: skip


def _id(value: int | None) -> str:
    return "" if value is None else str(value)


def _runner_up(candidate: Candidate | None) -> str:
    return "" if candidate is None else f"{shown(candidate)}, {candidate.score}"


def money_of(suggestions: Sequence[Suggestion]) -> dict[str, Decimal]:
    """Return the money a month of suggestions by currency; amounts of two currencies are never added."""
    sums: dict[str, Decimal] = {}
    for suggestion in suggestions:
        subject = suggestion.subject
        if subject.money and subject.currency:
            sums[subject.currency] = sums.get(subject.currency, Decimal(0)) + subject.money
    return sums
