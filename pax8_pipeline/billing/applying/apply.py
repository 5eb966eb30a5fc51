"""Writes a plan to Halo: re-read, claim, write once, read back. The only place that changes anything outside.

Here belongs: the order of steps and what each failure means. Not here: HTTP (the gateways), comparisons (`verify`),
the plan (`plan`). Facts: docs/architecture.md#writing. A group is all changes on one recurring invoice: its header is
read once before and once after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.actions import verify
from pax8_pipeline.billing.actions.verify import Object
from pax8_pipeline.billing.applying.evidence import Seen, claim, prove
from pax8_pipeline.billing.applying.line_writes import ChangedUnderUs, LineWriter, Surprise
from pax8_pipeline.billing.applying.ports import HaloGateway, Pax8Gateway, Record
from pax8_pipeline.billing.applying.usage_invoices import Invoicing
from pax8_pipeline.billing.model import Action, Change, Entry, Plan, State
from pax8_pipeline.billing.planning.planner import grouped
from pax8_pipeline.errors import NotFound, PipelineError, VendorError, WriteContested, WriteRefused, WriteUnknown
from pax8_pipeline.settings import LineFallback
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


# Entries to be proved by reading, entries that are final, and why the whole apply must stop ("" when it need not).
_Sent = tuple[list[Entry], list[Entry], str]
_BAD: tuple[State, ...] = ("failed", "unknown", "skipped", "duplicate")


@dataclass
class Applier:
    """Applies one plan. `vendor_day`: the day by Pax8's newest answer, None when it told none. `acknowledged`: see
    `refuse`. `line_fallback`: see `line_writes`. `step` is called between any two statements that matter, so that tests
    can crash there.
    """

    halo: HaloGateway
    pax8: Pax8Gateway
    ledger: Record
    today: date
    acknowledged: bool = False
    vendor_day: Callable[[], date | None] = lambda: None
    line_fallback: LineFallback = "off"
    progress: Callable[[int, int], None] = lambda done, total: None
    step: Callable[[str], None] = lambda name: None
    writer: str = ""
    retired: frozenset[str] = frozenset()
    clock: Callable[[], datetime] = lambda: datetime.now(UTC).replace(tzinfo=None)
    _lines: LineWriter = field(init=False)
    _contested: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._lines = LineWriter(self.halo, self.line_fallback)

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
                if invoice:
                    entries, stop = invoicing.make(plan.plan_id, group[0])
                else:
                    entries, stop = self._group(plan.plan_id, group, outcome.problems)
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

    def _group(self, plan_id: str, changes: list[Change], problems: list[str]) -> tuple[list[Entry], str]:
        """Do one recurring invoice or one wave; return the final entry of each change and why to stop, if so.

        `problems` gets what others did meanwhile and a person should know.
        """
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
        sent, settled, surprise = self._send_wave(ready, before) if wave else self._send_each(ready, before)
        self.step("after send")
        self.ledger.record(plan_id, [*sent, *settled])
        aside += settled
        self.step("before read-back")
        try:
            after = self._read_wave(ready, fresh=False) if wave else self._read(ready)
        except VendorError as error:
            entries = [
                e if e.state == "failed" else Entry(e.change, "unknown", f"{e.detail}; not read back: {error}")
                for e in sent
            ]
            self.ledger.record(plan_id, [e for e in entries if e.state == "unknown"])
            return aside + entries, surprise or str(error)
        proof = prove(sent, before, after, self._contested)
        problems += proof.noticed
        proof = proof.with_history(self.ledger.standing)
        self.step("before verdict")
        self.ledger.record(plan_id, proof.entries)
        return aside + proof.entries, "; ".join(filter(None, (surprise, proof.surprise)))

    def _send_each(self, changes: Sequence[Change], seen: Seen) -> _Sent:
        """Send the changes of one recurring invoice one after the other; after a surprise no more of them."""
        sent: list[Entry] = []
        settled: list[Entry] = []
        surprise = ""
        for change in changes:
            if surprise:
                settled.append(Entry(change, "skipped", f"not begun: {surprise}"))
                continue
            try:
                sent.append(self._send(change, seen, changes))
            except ChangedUnderUs as error:
                settled.append(Entry(change, "drifted", str(error)))
            except Surprise as error:
                surprise = f"something changed in a way nobody planned: {error}"
                settled.append(Entry(change, "failed", str(error)))
        return sent, settled, surprise

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

    def _send_wave(self, changes: Sequence[Change], seen: Seen) -> _Sent:
        """Send licence counts several to a call. A call whose content was refused is done over one by one, by what each
        licence is then; any other error (rights, limits, network) would meet each of them too.
        """
        entries: list[Entry] = []
        for start in range(0, len(changes), PER_CALL):
            part = changes[start : start + PER_CALL]
            self.step("before licences")
            try:
                reply = self.halo.update_licences([self._count(c, seen) for c in part])
            except WriteUnknown as error:
                entries += [Entry(c, "unknown", str(error)) for c in part]
            except WriteContested as error:
                entries += [self._met(c, str(error)) for c in part]
            except WriteRefused as error:
                entries += self._one_by_one(part, seen, error)
            except VendorError as error:
                entries += [Entry(c, "failed", str(error)) for c in part]
            else:
                text = f"licences answered {getattr(reply, 'status', 'ok')}"
                entries += [Entry(c, "sent", text) for c in part]
        return entries, [], ""

    def _met(self, change: Change, text: str) -> Entry:
        """Note a write that met another one: what of it was saved is not known, the reading tells."""
        self._contested.add(change.row_id)
        return Entry(change, "unknown", text)

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
        end = verify.calendar_day(now.get("endDate"))
        # The earlier of our day and Pax8's: a wrong clock here must not end what is paid for.
        today = min(filter(None, (self.today, self.vendor_day())))
        if str(now.get("status", "")).strip().lower() == "cancelled" and end is not None and end < today:
            return []
        if end is not None and today <= end < self.today:
            return [f"its end date {end} has passed by our day {self.today}, not by Pax8's, {today}"]
        return [f"Pax8 now says {now.get('status')}, end date {now.get('endDate') or 'none'}"]

    def _send(self, change: Change, seen: Seen, group: Sequence[Change] = ()) -> Entry:
        """Send the write, once. A refusal is certain, anything else without an answer is unknown.

        Between two writes of one change the reading decides about the second, whatever the first was answered: a write
        can be answered 201 and change nothing (docs/vendors/halo.md#writing).
        """
        notes: list[str] = []
        calls = self._writes(change, seen, group or (change,))
        for number, (name, write) in enumerate(calls, start=1):
            self.step(f"before {name}")
            lost = False
            try:
                reply = write()
            except WriteUnknown as error:
                lost = True
                notes.append(str(error))
            except WriteContested as error:
                return self._met(change, "; ".join([*notes, str(error)]))
            except (VendorError, ChangedUnderUs) as error:
                if number == 1 and isinstance(error, ChangedUnderUs):
                    raise
                return Entry(change, "failed", "; ".join([*notes, str(error)]))
            else:
                warning = getattr(reply, "warning", "")
                notes.append(
                    f"{name} answered {getattr(reply, 'status', 'ok')}" + (f", warning: {warning}" if warning else "")
                )
            if number < len(calls):
                if not self._first_half_took(change):
                    notes.append(f"the {name} does not show it, so the {calls[number][0]} was not written")
                    return Entry(change, "unknown" if lost else "sent", "; ".join(notes))
                notes.append("read back as written")
            elif lost:
                return Entry(change, "unknown", "; ".join(notes))
        return Entry(change, "sent", "; ".join(notes))

    def _first_half_took(self, change: Change) -> bool:
        """Read whether the first of two writes took effect although its answer was lost."""
        try:
            now = self._read([change])
        except VendorError:
            return False
        return verify.half_done(change, now.header(change), now.licence(change))

    def _writes(self, change: Change, seen: Seen, group: Sequence[Change]) -> list[tuple[str, Callable[[], Any]]]:
        """Return the calls a change takes, in order (docs/architecture.md#write-quantity, #write-cancellation: the line
        before the licence).
        """
        licence = seen.licence(change)
        base = {"id": change.licence_id, "client_id": (licence or {}).get("client_id", change.client_id)}
        off = {**base, "is_active": False, "status": "Cancelled", "end_date": _end_date(change, licence)}
        line, header = seen.line(change), seen.header(change)
        if change.action == "set_licence_count":
            return [("licence", lambda: self.halo.update_licence(self._count(change, seen)))]
        if change.action == "set_line_quantity":
            quantity = {"qty_order": _number(change.quantity_after)}
            return [("line", lambda: self._lines.write(group, header, line, quantity))]
        if change.action == "end_licence":
            return [("licence", lambda: self.halo.update_licence({**off, "count": 0}))]
        if change.action in ("reopen_line", "reopen_licence"):
            return self._reopenings(change, seen, base, group)
        calls: list[tuple[str, Callable[[], Any]]] = []
        if verify.flag(line.get("isinactive")) is not True:
            calls.append(("line", lambda: self._lines.write(group, header, line, {"isinactive": True})))
        if licence is not None and verify.flag(licence.get("is_active")) is not False:
            calls.append(("licence", lambda: self.halo.update_licence(off)))
        return calls

    def _reopenings(
        self, change: Change, seen: Seen, base: dict[str, Any], group: Sequence[Change]
    ) -> list[tuple[str, Callable[[], Any]]]:
        """The way back from an end, in the opposite order: the licence has its old state before the line bills it."""
        calls: list[tuple[str, Callable[[], Any]]] = []
        restore = change.expect.get("restore") or {}
        if change.licence_id is not None and restore:
            calls.append(("licence", lambda: self.halo.update_licence({**base, **restore})))
        line, header = seen.line(change), seen.header(change)
        if change.action == "reopen_line" and verify.flag(line.get("isinactive")) is not False:
            calls.append(("line", lambda: self._lines.write(group, header, line, {"isinactive": False})))
        return calls


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


def _number(value: Decimal | None) -> int | Decimal:
    """Return a whole number as int (a licence's count is one), anything else as it is."""
    if value is None:
        raise PipelineError("a planned quantity is missing")
    return int(value) if value == value.to_integral_value() else value.normalize()


def _end_date(change: Change, licence: Object | None) -> Any:
    day = change.expect.get("end_date")
    return f"{day}T00:00:00" if day else (licence or {}).get("end_date")
