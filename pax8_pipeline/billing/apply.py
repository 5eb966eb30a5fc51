"""Writes a plan to Halo: re-read, claim, write once, read back. The only place that changes anything outside.

Here belongs: the order of steps and what each failure means. Not here: HTTP (the gateways), comparisons (`verify`),
the plan (`plan`). Facts: api/halo.md section 12. A group is all changes on one recurring invoice: its header is read
once before and once after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing import verify
from pax8_pipeline.billing.evidence import Seen, claim, prove
from pax8_pipeline.billing.gateways import HaloGateway, Pax8Gateway, Record
from pax8_pipeline.billing.invoicing import Invoicing
from pax8_pipeline.billing.model import Action, Change, Entry, Plan, State
from pax8_pipeline.billing.plan import grouped
from pax8_pipeline.billing.verify import Object
from pax8_pipeline.errors import NotFound, PipelineError, VendorError, WriteRefused, WriteUnknown
from pax8_pipeline.values import id_in_halo

WAVE_ABOVE = 100  # licence counts in one night from which on they go in waves
WAVE = 350  # how many share one reading of the lists
PER_CALL = 25  # how many share one write


@dataclass
class Outcome:
    """How many writes ended in which state, and the sentences a person needs."""

    states: dict[State, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    documents: Sequence[Object] = ()  # usage documents that searches showed

    def add(self, entry: Entry) -> None:
        """Count one final entry."""
        self.states[entry.state] = self.states.get(entry.state, 0) + 1
        if entry.state != "verified":
            c = entry.change
            self.problems.append(f"{c.client_name or c.client_id}: {c.product_name}: {entry.state}: {entry.detail}")

    def turn(self, entry: Entry, before: State) -> None:
        """Count an entry in place of the one in state `before`."""
        self.states[before] -= 1
        self.states = {state: count for state, count in self.states.items() if count}
        self.add(entry)

    @property
    def verified(self) -> int:
        """Writes that were read back as planned."""
        return self.states.get("verified", 0)

    @property
    def failed(self) -> bool:
        """True when a write failed, was not begun, or its outcome is not known."""
        return any(self.states.get(state, 0) for state in _BAD)


_BAD: tuple[State, ...] = ("failed", "unknown", "skipped", "duplicate")


@dataclass(frozen=True)
class Applier:
    """Applies one plan. `acknowledged`: see `refuse`. `step` is called between any two statements that matter, so that
    tests can crash there.
    """

    halo: HaloGateway
    pax8: Pax8Gateway
    ledger: Record
    today: date
    acknowledged: bool = False
    progress: Callable[[int, int], None] = lambda done, total: None
    step: Callable[[str], None] = lambda name: None
    writer: str = ""
    retired: frozenset[str] = frozenset()
    clock: Callable[[], datetime] = lambda: datetime.now(UTC).replace(tzinfo=None)

    def apply(self, plan: Plan, changes: Sequence[Change]) -> Outcome:
        """Write every given change of `plan` once and say what became of each.

        Raises PipelineError when the plan may not be applied. A vendor that stops answering, or a difference nobody
        planned, ends the apply: what was not begun is `skipped`; what was sent and could not be read back stays
        `unknown` for the next run to settle by reading.
        """
        seats_agreed = self.acknowledged or all(c.is_usage for c in changes)  # a plan is held for its seats
        refuse(plan, self.clock(), acknowledged=seats_agreed)
        _refuse_unknown_actions(changes)
        outcome, stop, done = Outcome(), "", 0
        invoicing = Invoicing(self.halo, self.ledger, self.today, self.step, self.clock, self.writer, self.retired)
        for group in self._groups(changes):
            if stop:
                entries = [Entry(c, "skipped", f"not begun: {stop}") for c in group]
                self.ledger.record(plan.plan_id, entries)
            else:
                invoice = group[0].action == "create_invoice"
                entries, stop = invoicing.make(plan.plan_id, group[0]) if invoice else self._group(plan.plan_id, group)
                if stop:
                    outcome.problems.append(f"stopped: {stop}")
            for entry in entries:
                outcome.add(entry)
            done += len(group)
            self.progress(done, len(changes))
        twice, problem = invoicing.search_again(plan.plan_id)
        for entry in twice:
            outcome.turn(entry, "verified")
        outcome.problems += [problem] if problem else []
        outcome.documents = invoicing.seen
        return outcome

    def _groups(self, changes: Sequence[Change]) -> list[list[Change]]:
        """One group for each recurring invoice, then one for each usage invoice; a big night's licence counts go in
        waves instead.

        By itself a change takes five calls, and Halo allows 300 in five minutes. Only licence counts are put in waves:
        their write is one small element, and lines are never sent along.
        """
        invoices = [[c] for c in changes if c.action == "create_invoice"]
        others = [c for c in changes if c.action != "create_invoice"]
        counts = [c for c in others if c.action == "set_licence_count"]
        if len(counts) <= WAVE_ABOVE:
            return [*grouped(others), *invoices]
        waves = [counts[n : n + WAVE] for n in range(0, len(counts), WAVE)]
        return [*grouped([c for c in others if c.action != "set_licence_count"]), *waves, *invoices]

    def _group(self, plan_id: str, changes: list[Change]) -> tuple[list[Entry], str]:
        """Do one recurring invoice or one wave; return the final entry of each change and why to stop, if so."""
        wave = len({c.recurring_invoice_id for c in changes}) > 1
        try:
            before = self._read_wave(changes, fresh=True) if wave else self._read(changes)
            ready, aside = self._look_again(changes, before)
        except VendorError as error:
            entries = [Entry(c, "skipped", f"not begun: {error}") for c in changes]
            self.ledger.record(plan_id, entries)
            return entries, "" if isinstance(error, NotFound) else str(error)
        self.ledger.record(plan_id, aside)
        if not ready:
            return aside, ""
        self.step("before claim")
        self.ledger.record(plan_id, [claim(c, before) for c in ready])
        self.step("after claim")
        sent = self._send_wave(ready, before) if wave else [self._send(change, before) for change in ready]
        self.step("after send")
        self.ledger.record(plan_id, sent)
        self.step("before read-back")
        try:
            after = self._read_wave(ready, fresh=False) if wave else self._read(ready)
        except VendorError as error:
            entries = [
                e if e.state == "failed" else Entry(e.change, "unknown", f"{e.detail}; not read back: {error}")
                for e in sent
            ]
            self.ledger.record(plan_id, [e for e in entries if e.state == "unknown"])
            return aside + entries, str(error)
        proved, surprise = prove(sent, before, after)
        self.step("before verdict")
        self.ledger.record(plan_id, proved)
        return aside + proved, surprise

    def _read(self, changes: Sequence[Change]) -> Seen:
        invoice = changes[0].recurring_invoice_id
        if invoice is None:
            raise NotFound("the plan names no recurring invoice", vendor="Halo", where="RecurringInvoice")
        header = self.halo.recurring_invoice(invoice)
        wanted = sorted({c.licence_id for c in changes if c.licence_id is not None})
        return Seen({invoice: header}, {i: self.halo.licence(i) for i in wanted})

    def _read_wave(self, changes: Sequence[Change], *, fresh: bool) -> Seen:
        """Read a wave: headers from the list; licences one by one right before a write, from the list after it."""
        invoices = {c.recurring_invoice_id for c in changes}
        wanted = {c.licence_id for c in changes if c.licence_id is not None}
        headers = {
            i: h for h in self.halo.recurring_invoices().objects if (i := id_in_halo(h.get("id"))) in invoices and i
        }
        if fresh:
            return Seen(headers, {i: self.halo.licence(i) for i in sorted(wanted)})
        return Seen(
            headers, {i: c for c in self.halo.licences().objects if (i := id_in_halo(c.get("id"))) in wanted and i}
        )

    def _send_wave(self, changes: Sequence[Change], seen: Seen) -> list[Entry]:
        """Send licence counts several to a call. A refused call is done over one by one: nothing of it took effect."""
        entries: list[Entry] = []
        for start in range(0, len(changes), PER_CALL):
            part = changes[start : start + PER_CALL]
            self.step("before licences")
            try:
                reply = self.halo.update_licences([self._count(c, seen) for c in part])
            except WriteUnknown as error:
                entries += [Entry(c, "unknown", str(error)) for c in part]
            except VendorError as error:
                entries += self._one_by_one(part, seen, error)
            else:
                text = f"licences answered {getattr(reply, 'status', 'ok')}"
                entries += [Entry(c, "sent", text) for c in part]
        return entries

    def _one_by_one(self, changes: Sequence[Change], seen: Seen, refused: VendorError) -> list[Entry]:
        """Send what a refused call held, each for itself, if it still is as it was: the refusal may be one element's."""
        entries = []
        for change in changes:
            try:
                now = {change.licence_id or 0: self.halo.licence(change.licence_id or 0)}
            except VendorError as error:
                entries.append(Entry(change, "failed", f"{refused}; {error}"))
                continue
            found = verify.drift(change, seen.header(change), now[change.licence_id or 0])
            entries.append(
                Entry(change, "unknown", f"{refused}; {'; '.join(found)}")
                if found
                else self._send(change, Seen(seen.headers, now))
            )
        return entries

    def _count(self, change: Change, seen: Seen) -> dict[str, Any]:
        licence = seen.licence(change) or {}
        client = licence.get("client_id", change.client_id)
        return {"id": change.licence_id, "client_id": client, "count": _number(change.quantity_after)}

    def _look_again(self, changes: Sequence[Change], seen: Seen) -> tuple[list[Change], list[Entry]]:
        """Split into what is still as the plan saw it and what drifted."""
        ready: list[Change] = []
        aside: list[Entry] = []
        for change in changes:
            found = verify.drift(change, seen.header(change), seen.licence(change))
            if not found and change.ends:
                found = self._still_cancelled(change)
            if found:
                aside.append(Entry(change, "drifted", "; ".join(found)))
            else:
                ready.append(change)
        return ready, aside

    def _still_cancelled(self, change: Change) -> list[str]:
        """Ask Pax8 once more: only a subscription that says Cancelled now, its end date passed, ends anything."""
        now = self.pax8.subscription(change.subscription_id)
        end = str(now.get("endDate") or "")[:10]
        if str(now.get("status", "")).lower() == "cancelled" and end and end < self.today.isoformat():
            return []
        return [f"Pax8 now says {now.get('status')}, end date {end or 'none'}"]

    def _send(self, change: Change, seen: Seen) -> Entry:
        """Send the write, once. A refusal is certain, anything else without an answer is unknown."""
        notes: list[str] = []
        calls = self._writes(change, seen)
        for number, (name, write) in enumerate(calls, start=1):
            self.step(f"before {name}")
            try:
                reply = write()
            except WriteUnknown as error:
                notes.append(str(error))
                # Between two writes of one change the reading has to come at once: it decides about the second.
                if number == len(calls) or not self._first_half_took(change):
                    return Entry(change, "unknown", "; ".join(notes))
                notes.append("read back as written")
                continue
            except VendorError as error:
                return Entry(change, "failed", "; ".join([*notes, str(error)]))
            warning = getattr(reply, "warning", "")
            notes.append(
                f"{name} answered {getattr(reply, 'status', 'ok')}" + (f", warning: {warning}" if warning else "")
            )
        return Entry(change, "sent", "; ".join(notes))

    def _first_half_took(self, change: Change) -> bool:
        """Read whether the first of two writes took effect although its answer was lost."""
        try:
            now = self._read([change])
        except VendorError:
            return False
        return verify.half_done(change, now.header(change), now.licence(change))

    def _writes(self, change: Change, seen: Seen) -> list[tuple[str, Callable[[], Any]]]:
        """Return the calls a change takes, in order (api/halo.md sections 12.1 and 12.2: the line before the licence)."""
        licence = seen.licence(change)
        base = {"id": change.licence_id, "client_id": (licence or {}).get("client_id", change.client_id)}
        off = {**base, "is_active": False, "status": "Cancelled", "end_date": _end_date(change, licence)}
        line = seen.line(change)
        if change.action == "set_licence_count":
            return [("licence", lambda: self.halo.update_licence(self._count(change, seen)))]
        if change.action == "set_line_quantity":
            return [
                ("line", lambda: self._line(seen.header(change), line, {"qty_order": _number(change.quantity_after)}))
            ]
        if change.action == "end_licence":
            return [("licence", lambda: self.halo.update_licence({**off, "count": 0}))]
        if change.action in ("reopen_line", "reopen_licence"):
            return self._reopenings(change, seen, base)
        calls: list[tuple[str, Callable[[], Any]]] = []
        if not line.get("isinactive"):
            calls.append(("line", lambda: self._line(seen.header(change), line, {"isinactive": True})))
        if licence is not None and licence.get("is_active") is not False:
            calls.append(("licence", lambda: self.halo.update_licence(off)))
        return calls

    def _reopenings(self, change: Change, seen: Seen, base: dict[str, Any]) -> list[tuple[str, Callable[[], Any]]]:
        """The way back from an end, in the opposite order: the licence has its old state before the line bills it."""
        calls: list[tuple[str, Callable[[], Any]]] = []
        restore = change.expect.get("restore") or {}
        if change.licence_id is not None and restore:
            calls.append(("licence", lambda: self.halo.update_licence({**base, **restore})))
        if change.action == "reopen_line" and seen.line(change).get("isinactive"):
            calls.append(("line", lambda: self._line(seen.header(change), seen.line(change), {"isinactive": False})))
        return calls

    def _line(self, header: Object, line: Object, change: dict[str, Any]) -> Any:
        """Send one whole line as read, one member changed: one element cannot drop others, a whole one blanks none."""
        whole = _sendable({**line, "ihid": line.get("ihid") or header["id"]}, change)
        try:
            return self.halo.update_line(whole)
        except WriteRefused as refused:
            if refused.status not in _NO_UPDATELINES:
                raise
            return self._every_line(header, id_in_halo(line.get("id")) or 0, change, refused)

    def _every_line(self, before: Object, line_id: int, change: dict[str, Any], refused: WriteRefused) -> Any:
        """A tenant that refuses `updatelines` gets the header with every line as read, once that is sure to be fresh."""
        now = self.halo.recurring_invoice(id_in_halo(before.get("id")) or 0)
        lines = verify.lines_by_id(now)
        old, new = verify.lines_by_id(before)[line_id], lines.get(line_id)
        # Others may have moved by our own writes of this group; they go back as they are now.
        if new is None or verify.written_line_kept(old, new, ""):
            raise refused
        rest = [_sendable(line, change if i == line_id else {}) for i, line in lines.items()]
        header = {"id": now["id"], "client_id": now.get("client_id"), "lines": rest}
        if "change_seq" in now:
            header["change_seq"] = now["change_seq"]
        return self.halo.replace_lines(header)


_NO_UPDATELINES = (400, 404, 405, 501)


def refuse(plan: Plan, now: datetime, *, acknowledged: bool = False) -> None:
    """Raise PipelineError, in a plain sentence, when the plan may not be applied at `now` (UTC).

    `acknowledged`: a person has agreed to what a guardrail holds in this very plan, or nothing of it is to be written.
    """
    if not plan.complete:
        raise PipelineError(f"plan {plan.plan_id} is not complete: {plan.problem}")
    if now > plan.expires_at:
        raise PipelineError(f"plan {plan.plan_id} expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC; plan again")
    if plan.held and not acknowledged:
        raise PipelineError(f"plan {plan.plan_id} is held whole by a guardrail: {plan.held}")


def _refuse_unknown_actions(changes: Sequence[Change]) -> None:
    """A plan of an earlier version may hold actions that are written no more: refuse it before the first claim."""
    for change in changes:
        if change.action not in _WRITTEN:
            raise PipelineError(
                f"row {change.row_id} asks for {change.action}, which this version does not write; run again for a new plan"
            )


_WRITTEN: tuple[Action, ...] = (
    "set_licence_count", "set_line_quantity", "end_line", "end_licence", "reopen_line", "reopen_licence",
    "create_invoice",
)  # fmt: skip


def _sendable(line: Object, change: dict[str, Any]) -> dict[str, Any]:
    """Return a line fit to be sent: all members as read but Halo's own computed money and its read-only `isActive`."""
    kept = {k: v for k, v in line.items() if not verify.is_computed_money(k) and k != "isActive"}
    return {**kept, **change}


def _number(value: Decimal | None) -> int | Decimal:
    """Return a whole number as int (a licence's count is one), anything else as it is."""
    if value is None:
        raise PipelineError("a planned quantity is missing")
    return int(value) if value == value.to_integral_value() else value.normalize()


def _end_date(change: Change, licence: Object | None) -> Any:
    day = change.expect.get("end_date")
    return f"{day}T00:00:00" if day else (licence or {}).get("end_date")
