"""The usage documents that are known, compared with what Halo shows: nothing may vanish or change without a word.

Contains: the memory of documents (billing.documents), its comparison with a whole read of Halo's invoices, and
when Halo cannot be believed at all. Does not contain: what is planned from it (billing/planning/usage/known_documents.sql), what
became of writes without an answer (`recovery`).

A document is known by its key. What it must be (client, net amount, lines) is the plan that made it; of one that
somebody else made it is what the first run saw. Halo's numbers say nothing: after a restore they name other records.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.actions import registry, usage_documents
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.usage_documents import Content, name_documents
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.ledger import writer
from pax8_pipeline.billing.ledger.recovery import Reading, keyed_documents, reading_of
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql, model
from pax8_pipeline.warehouse.snapshots import dicts, newest_snapshots

ACCEPT = "PAX8_ACCEPT_SHRINK"  # as for lists that are much smaller (extract.completeness)
# So many documents that vanish between two reads are no longer one person's decision about one document.
SEVERAL = 2


@dataclass(frozen=True)
class KnownDocument:
    """One row of billing.documents."""

    usage_key: str
    origin: str
    content: Content
    invoice_date: date | None
    first_seen: datetime
    plan_id: str | None = None
    was_voided: bool = False
    writer: str | None = None
    last_seen: datetime | None = None
    invoice_id: str | None = None
    state: str = "unread"
    detail: str | None = None
    shown_net: Decimal | None = None
    missing_since: datetime | None = None
    accepted_at: datetime | None = None


def compare(connection: Connection, run_id: str, today: date, watch_days: int, *, accepted: bool = False) -> None:
    """Compare all known documents with this run's whole read of Halo's invoices, and remember those it shows.

    Without such a read nothing is compared. `accepted`: an operator says that what is missing today may be missing.
    """
    reading = reading_of(connection, run_id)
    known = {one.usage_key: one for one in _stored(connection)}
    for one in _made_here(connection):
        known[one.usage_key] = _with_baseline(known.get(one.usage_key), one)
    if reading is not None:
        found = keyed_documents(connection)
        _remember_shown(known, found, reading.at, writer.own(connection))
        shown = _by_key(found)
        oldest = today - timedelta(days=watch_days)
        for key, one in known.items():
            known[key] = _compare_one(one, shown.get(key, []), reading, oldest)
        if accepted:
            known = {key: _accepted(one, reading.at) for key, one in known.items()}
    _store(connection, known.values())


def remember(connection: Connection, documents: Sequence[Object], at: datetime) -> None:
    """Add documents that a search just now showed and that nobody knew; what is known stays as it is."""
    known = {one.usage_key: one for one in _stored(connection)}
    _remember_shown(known, documents, at, writer.own(connection))
    _store(connection, known.values())


def watched_since(connection: Connection, today: date, watch_days: int) -> date | None:
    """Return the day from which on invoices must be read to see every document under watch; None without any.

    A day before the oldest: nowhere is stated in which time zone Halo dates an invoice.
    """
    query = load_sql("billing/ledger/watched_since.sql")
    values = {"from": today - timedelta(days=watch_days), "documents": list(registry.document_actions())}
    oldest = connection.execute(query, values).fetchall()[0][0]
    return oldest - timedelta(days=1) if isinstance(oldest, date) else None


def distrust(connection: Connection) -> str | None:
    """Say why Halo's list of invoices cannot be believed as a whole, None when it can: usage is not written then."""
    missing = dicts(connection.execute(load_sql("billing/ledger/documents_missing.sql")))
    empty = _empty_list(connection) and _any_to_be_shown(connection)
    if not empty and len(missing) < SEVERAL:
        return None
    what = "the list of invoices is empty" if empty else f"{len(missing)} usage documents are missing at once"
    names = ", ".join(row["usage_key"] for row in missing[:3])
    return (
        f"Halo looks restored, or hides its invoices: {what}{f' ({names})' if names else ''}. Nothing of usage is written. "
        "Look at Halo and at the permissions of the application's agent. If people did delete them, run once with "
        f"{ACCEPT}=<today, yyyy-mm-dd>: each of them then waits for its own approval"
    )


def expected_of(connection: Connection, client_id: int | None, start: date, end: date) -> list[str]:
    """Return the keys of documents of one client that a search over these days must show."""
    rows = connection.execute(
        "SELECT usage_key FROM billing.documents WHERE client_id IS NOT DISTINCT FROM ? AND state = 'present' "
        "AND last_seen IS NOT NULL AND invoice_date BETWEEN ? AND ? ORDER BY usage_key",
        [client_id, start, end],
    ).fetchall()
    return [str(row[0]) for row in rows]


def _empty_list(connection: Connection) -> bool:
    read = newest_snapshots(connection).get(("halo.invoices", ""))
    return read is not None and read["covers_from"] is not None and read["row_count"] == 0


def _any_to_be_shown(connection: Connection) -> bool:
    query = "SELECT EXISTS (FROM billing.documents WHERE state = 'missing' AND accepted_at IS NULL)"
    return bool(connection.execute(query).fetchall()[0][0])


def _made_here(connection: Connection) -> list[KnownDocument]:
    """What the ledger calls verified, and what Halo said that it took though nobody saw it."""
    found = []
    values = {"documents": list(registry.document_actions())}
    for row in dicts(connection.execute(load_sql("billing/ledger/documents_made.sql"), values)):
        usage = UsageInvoice.from_json(json.loads(row["expect"]))
        origin = "ledger" if row["state"] == "verified" else "answered"
        day = _day(usage.invoice_date)
        content = usage_documents.planned_content(usage)
        found.append(KnownDocument(row["usage_key"], origin, content, day, row["recorded_at"], row["plan_id"]))
    return found


def _with_baseline(old: KnownDocument | None, made: KnownDocument) -> KnownDocument:
    """What the newest plan that made it says counts; what was seen of it stays."""
    if old is None:
        return made
    fresh = old.plan_id != made.plan_id  # made again: that it was missing is history
    return replace(
        old, origin=made.origin, plan_id=made.plan_id, content=made.content, invoice_date=made.invoice_date,
        was_voided=False, missing_since=None if fresh else old.missing_since,
        accepted_at=None if fresh else old.accepted_at,
    )  # fmt: skip


def _remember_shown(
    known: dict[str, KnownDocument], documents: Sequence[Object], at: datetime, mine: str | None
) -> None:
    for key, found in _by_key(documents).items():
        live = [document for document in found if not usage_documents.is_voided(document)] or found
        writers = [w for document in found if (w := usage_documents.writer_of(document))]
        # Of two documents of one key the one that another folder made is the one to know about.
        made_by = next((w for w in writers if w != mine), writers[0] if writers else None)
        if key in known:
            old = known[key].writer
            known[key] = replace(known[key], writer=made_by if made_by != mine or old is None else old)
            continue
        first = live[0]
        known[key] = KnownDocument(
            key, "seen", usage_documents.content_of(first), _day(str(first.get("invoice_date") or "")), at,
            was_voided=usage_documents.is_voided(first), writer=made_by, last_seen=at, invoice_id=str(first.get("id")),
            state="present",
        )  # fmt: skip


def _by_key(documents: Iterable[Object]) -> dict[str, list[Object]]:
    by_key: dict[str, list[Object]] = defaultdict(list)
    for document in documents:
        for key in sorted(usage_documents.keys_of(document)):
            by_key[key].append(document)
    return by_key


def _compare_one(one: KnownDocument, found: Sequence[Object], reading: Reading, oldest: date) -> KnownDocument:
    if found:
        return _compare_shown(one, found, reading)
    day = one.invoice_date
    if day is None or day < oldest or not reading.has(day.isoformat()):
        return replace(one, state="unread", detail=None)
    detail = f"Halo's invoices as read at {reading.at:%Y-%m-%d %H:%M} UTC do not show it"
    return replace(
        one, state="missing", detail=detail, shown_net=None, missing_since=one.missing_since or reading.at
    )  # fmt: skip


def _compare_shown(one: KnownDocument, found: Sequence[Object], reading: Reading) -> KnownDocument:
    live = [document for document in found if not usage_documents.is_voided(document)]
    shown = usage_documents.content_of((live or found)[0])
    wrong = usage_documents.content_differences(one.content, shown)
    if len(live) > 1:
        wrong = [f"its key is on {name_documents(live)}", *wrong]
    voided = not live and not one.was_voided
    state = "voided" if voided else "changed" if wrong else "present"
    detail = f"{name_documents(live or found)}: {'; '.join(wrong)}" if wrong else name_documents(live or found)
    number = str((live or found)[0].get("id"))
    return replace(
        one, state=state, detail=detail, shown_net=shown.net, last_seen=reading.at, invoice_id=number,
        missing_since=None, accepted_at=None,
    )  # fmt: skip


def _accepted(one: KnownDocument, at: datetime) -> KnownDocument:
    return replace(one, accepted_at=one.accepted_at or at) if one.state == "missing" else one


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return (
        day if day.year >= 1910 else None
    )  # Halo writes "no date" as a year before 1910 (docs/vendors/halo.md#formats)


def _stored(connection: Connection) -> list[KnownDocument]:
    return [_known(row) for row in dicts(connection.execute("SELECT * FROM billing.documents"))]


def _known(row: Mapping[str, Any]) -> KnownDocument:
    content = Content(row["client_id"], row["net"], tuple(tuple(line) for line in json.loads(row["lines"])))
    plain = {k: v for k, v in row.items() if k not in ("client_id", "net", "lines")}
    return KnownDocument(content=content, **plain)


def _store(connection: Connection, documents: Iterable[KnownDocument]) -> None:
    names = model("billing.documents").column_names
    rows = [tuple(_row(one)[name] for name in names) for one in documents]
    if not rows:
        return
    connection.execute("CREATE OR REPLACE TEMP TABLE known_documents AS SELECT * FROM billing.documents LIMIT 0")
    with connection.appender("known_documents") as appender:
        appender.append_rows(rows)
    connection.execute("DELETE FROM billing.documents WHERE usage_key IN (SELECT usage_key FROM known_documents)")
    connection.execute("INSERT INTO billing.documents SELECT * FROM known_documents")


def _row(one: KnownDocument) -> dict[str, Any]:
    content = {"client_id": one.content.client_id, "net": one.content.net, "lines": json.dumps(one.content.lines)}
    return {**vars(one), **content}
