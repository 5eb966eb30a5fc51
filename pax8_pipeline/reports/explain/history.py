"""The whole history of one thing, in the order of time: what Pax8 sent, what Halo showed, what was planned, approved
and written.

Contains: finding what an id or a name means, and putting its events in order. Does not contain: words (`text`), any
figure of its own. Everything comes from what is stored: raw reads (for policy.retention_days), plans, approvals and the
ledger. Times are UTC without offset.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports.explain import text, usage
from pax8_pipeline.reports.explain.events import Event, History, Kind, Row
from pax8_pipeline.reports.explain.names import Named, load_names, named, nearest
from pax8_pipeline.values import recurring_invoice_id
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

SCHEMA = "pax8-pipeline/explain/1"
KINDS: tuple[str, ...] = get_args(Kind)
CUSTOMERS = ("client", "company")  # what has a name that people type


class SeveralNames(PipelineError):
    """A name fits several clients or companies. `matches` are those."""

    def __init__(self, wanted: str, matches: Sequence[Named]) -> None:
        super().__init__(f"{len(matches)} clients and companies have a name like {wanted!r}; choose one by its id")
        self.matches = matches


def explain(connection: Connection, wanted: str, kind: str | None = None) -> list[History]:
    """Return the history of everything that `wanted` means, as an id or else as the name of a client or company.

    An id gives one history for each kind of thing that has it, or only that of `kind`. Upper and lower case count as
    equal in names and in the ids of Pax8 and of plans. Raises SeveralNames when a name fits several, and PipelineError
    when nothing has that id or name.
    """
    found = _find(connection, wanted.strip())
    chosen = [(k, i) for k, i in found if kind in (None, k)] or _by_name(connection, wanted, kind)
    if chosen:
        return [_history(connection, k, i) for k, i in chosen]
    if found:
        others = " and a ".join(text.KIND_NAMES[k] for k in dict.fromkeys(k for k, _ in found))
        raise PipelineError(f"{wanted} is no {text.KIND_NAMES[kind or '']} here; it is a {others}")
    raise PipelineError(_nothing_found(connection, wanted, kind))


def _by_name(connection: Connection, wanted: str, kind: str | None) -> list[tuple[str, str]]:
    if kind not in (None, *CUSTOMERS):
        return []
    matches = named(load_names(connection, kind), wanted)
    if len(matches) > 1:
        raise SeveralNames(wanted, matches)
    return [(match.kind, match.id) for match in matches]


def _nothing_found(connection: Connection, wanted: str, kind: str | None) -> str:
    if kind not in (None, *CUSTOMERS):
        return f"no {text.KIND_NAMES[kind]} has the id {wanted}; `pax8-pipeline plan show --all` lists the ids"
    what = f"no {text.KIND_NAMES[kind]}" if kind else "nothing"
    alike = nearest(load_names(connection, kind), wanted)
    hint = f"names like it: {', '.join(alike)}" if alike else "`pax8-pipeline plan show --all` lists the ids"
    return f"{what} has the id or the name {wanted}; {hint}"


def as_data(wanted: str, histories: Sequence[History]) -> dict[str, Any]:
    """Return histories as data: times ISO in UTC, money and quantities as decimal text (`formatting.to_json` writes it)."""
    return {
        "schema": SCHEMA,
        "id": wanted,
        "found": [
            {
                "kind": s.kind,
                "id": s.id,
                "name": s.name,
                "now": list(s.now),
                "findings": list(s.findings),
                "events": [vars(e) for e in s.events],
            }
            for s in histories
        ],
    }


def _find(connection: Connection, wanted: str) -> list[tuple[str, str]]:
    try:
        number: int | None = recurring_invoice_id(wanted)  # the widest of Halo's ids
    except ValueError:
        number = None
    found = dict.fromkeys(_rows(connection, "find", {"id": wanted.lower(), "number": number}, named=False))
    return sorted(found, key=lambda f: (KINDS.index(f[0]), f[1]))


def _history(connection: Connection, kind: str, id_: str) -> History:
    values = {"kind": kind, "id": id_}
    for name in ("charges", "rows", "documents", "subjects"):
        query = load_sql(f"reports/explain/{name}.sql")
        connection.execute(query, {n: v for n, v in values.items() if f"${n}" in query})
    events = [
        *(_plan_head(connection, id_) if kind == "plan" else []),
        *_vendor(_rows(connection, "pax8"), "Pax8", text.pax8, only_changes=kind in CUSTOMERS),
        *_vendor([_with_facts(r) for r in _rows(connection, "halo")], "Halo", text.halo),
        *(_usage(connection, kind, id_) if kind in usage.KINDS else []),
        *(_plan_event(r, kind) for r in _rows(connection, "plans")),
        *(_event(r, "approval", r["approved_at"], text.approval(r)) for r in _rows(connection, "approvals")),
        *(_event(r, "ledger", r["recorded_at"], text.ledger(r)) for r in _rows(connection, "ledger")),
    ]
    # A stable sort: events of one moment stay in the order in which one follows from the other.
    now = usage.now(connection) if kind in usage.KINDS else _rows(connection, "now")
    name = next((n.name for n in load_names(connection, kind) if n.id == id_), "") if kind in CUSTOMERS else ""
    in_order = sorted(events, key=lambda e: e.at)
    return History(kind, id_, now, in_order, _rows(connection, "findings"), name)


def _rows(connection: Connection, name: str, values: Row | None = None, *, named: bool = True) -> list[Any]:
    cursor = connection.execute(load_sql(f"reports/explain/{name}.sql"), dict(values or {}))
    return dicts(cursor) if named else cursor.fetchall()


def _event(row: Row, source: str, at: datetime, words: str) -> Event:
    return Event(at, source, words, row.get("run_id"), row.get("plan_id"), row)


def _usage(connection: Connection, kind: str, id_: str) -> list[Event]:
    statements = usage.vendor_statements(connection, kind, id_)
    return [_event(row, source, row["loaded_at"], words) for source, words, row in statements]


def _vendor(rows: Sequence[Row], source: str, words: Any, *, only_changes: bool = False) -> list[Event]:
    """Describe each row by its difference from the one before it of the same thing.

    `only_changes` leaves out the first row of each thing: of a client with many subscriptions it says what `now` says.
    """
    last: dict[tuple[Any, Any], Row] = {}
    events = []
    for row in rows:
        key = (row.get("kind"), row["id"])
        if key in last or not only_changes:
            events.append(_event(row, source, row["loaded_at"], words(row, last.get(key))))
        last[key] = row
    return events


def _with_facts(row: Row) -> Row:
    return {**row, "facts": json.loads(row["facts"]) if row["facts"] else None}


def _plan_event(row: Row, kind: str) -> Event:
    facts = {**row, "expect": json.loads(row["expect"]), "evidence": json.loads(row["evidence"])}
    return _event(facts, "plan", row["made_at"], text.plan_row(facts, with_head=kind == "plan"))


def _plan_head(connection: Connection, plan_id: str) -> list[Event]:
    (head,) = dicts(connection.execute("SELECT * FROM billing.plans WHERE plan_id = ?", [plan_id]))
    facts = {**head, "money": json.loads(head["money"]), "snapshot_ids": json.loads(head["snapshot_ids"])}
    return [_event(facts, "plan", head["made_at"], text.plan_head(facts))]
