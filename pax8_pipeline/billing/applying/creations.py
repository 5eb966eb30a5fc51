"""Makes one thing in Halo that was not there: search, claim, send once, read back, compare. Part of `apply`.

Contains: the order of steps and what each failure means (docs/architecture.md#write-new). Does not contain: what is sent
and how it is compared (`actions/creation.py`), HTTP. Nothing in Halo keeps two licences from carrying one id: the
ledger, the search and one writer at a time do.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.creation import CreationAction, HaloReading
from pax8_pipeline.billing.applying.batches import WrittenGroup
from pax8_pipeline.billing.applying.creation_results import compare, found_before, id_of
from pax8_pipeline.billing.applying.ports import HaloGateway, Record
from pax8_pipeline.billing.ledger.recovery import not_shown_note
from pax8_pipeline.billing.model import Entry
from pax8_pipeline.clock import utc_now
from pax8_pipeline.errors import NotFound, VendorError, WriteContested, WriteUnknown


@dataclass
class CreationWriter:
    """Makes the new clients, licences and lines of one apply. Halo's whole list of recurring invoices is read once."""

    halo: HaloGateway
    ledger: Record
    step: Callable[[str], None]
    clock: Callable[[], datetime] = utc_now
    _recurring: list[Object] | None = field(default=None, init=False)

    def write(self, plan_id: str, action: CreationAction) -> WrittenGroup:
        """Make one thing; return its final entry and the reason why the whole apply must stop, if there is one.

        Made and read back: verified. Not made because Halo or the ledger has its key: drifted (or verified, when it is
        what an earlier run of ours sent). Several things with its key, or one that is not as planned: stop. No answer
        and nothing to be seen: unknown, for the next run to settle by reading.
        """
        try:
            before = self._read(action)
        except VendorError as error:
            stop = "" if isinstance(error, NotFound) else str(error)
            return self._end(plan_id, Entry(action.change, "skipped", f"not started: {error}"), stop)
        final, stop = self._reason_not_to_make(action, before)
        if final is not None:
            return self._end(plan_id, final, stop)
        sent, made_id = self._claim_and_send(plan_id, action, before)
        self.step("before read-back")
        try:
            after = self._read(action, again=True)
        except VendorError as error:
            if sent.state == "failed":
                return WrittenGroup([sent], str(error))
            unknown = Entry(action.change, "unknown", f"{sent.detail}; not read back: {error}")
            return self._end(plan_id, unknown, str(error))
        result = compare(sent, action, made_id, before, after)
        final = result.entry
        if sent.state == final.state == "unknown":
            # This reading is the first of the two that have to agree before it may be sent again.
            final = replace(final, before_state=not_shown_note(self.clock()))
        self.step("before verdict")
        return self._end(plan_id, final, result.stop, result.done_by_others)

    def _reason_not_to_make(self, action: CreationAction, before: HaloReading) -> tuple[Entry | None, str]:
        """Return the final entry of what must not be made, and why the whole apply must stop, if so."""
        change, history = action.change, self.ledger.write_history(action.change.row_id)
        if found := action.find(before):
            return found_before(action, found, ours=any(s.claimed and s.state != "verified" for s in history))
        if made := [s for s in history if s.state in ("verified", "duplicate")]:
            detail = f"plan {made[0].plan_id} made it, and Halo no longer shows it; nothing was made again"
            return Entry(change, "drifted", detail), ""
        if open_ := [s for s in history if s.open]:
            detail = f"plan {open_[0].plan_id} began to make it and its result is not known yet; nothing was made"
            return Entry(change, "drifted", detail), ""
        if drift := action.drift(before):
            return Entry(change, "drifted", "; ".join(drift)), ""
        return None, ""

    def _claim_and_send(self, plan_id: str, action: CreationAction, before: HaloReading) -> tuple[Entry, int | None]:
        change = action.change
        searched = {name: len(rows) for name, rows in vars(before).items() if rows}
        self.step("before claim")
        text = f"about to {action.label}: {change.before} -> {change.after}"
        self.ledger.record(plan_id, [Entry(change, "claimed", text, json.dumps({"searched": searched}))])
        self.step("after claim")
        sent, made_id = self._send(action, before)
        self.step("after send")
        self.ledger.record(plan_id, [sent])
        return sent, made_id

    def _send(self, action: CreationAction, before: HaloReading) -> tuple[Entry, int | None]:
        """Send it, once; return the entry and the id in Halo's reply. Without an answer the result is unknown."""
        calls = {
            "client": self.halo.create_client,
            "licence": self.halo.create_licence,
            "line": self.halo.create_line,
        }
        self.step(f"before {action.makes}")
        try:
            reply = calls[action.makes](action.body(before))
        except (WriteUnknown, WriteContested) as error:
            return Entry(action.change, "unknown", str(error)), None
        except VendorError as error:
            return Entry(action.change, "failed", str(error)), None
        warning = getattr(reply, "warning", "")
        answer = f"{action.makes} answered {getattr(reply, 'status', 'ok')}"
        return Entry(action.change, "sent", answer + (f", warning: {warning}" if warning else "")), id_of(reply)

    def _end(self, plan_id: str, entry: Entry, stop: str = "", done_by_others: list[str] | None = None) -> WrittenGroup:
        self.ledger.record(plan_id, [entry])
        return WrittenGroup([entry], stop, done_by_others or [])

    def _read(self, action: CreationAction, *, again: bool = False) -> HaloReading:
        """Read what the action is searched in. `again`: after the write; other recurring invoices are not read twice."""
        if action.makes == "client":
            return HaloReading(clients=read_clients(self.halo, action))
        licences = self.halo.licences_of(action.change.client_id or 0).objects
        if action.makes == "licence":
            return HaloReading(licences=licences)
        if self._recurring is None:
            self._recurring = list(self.halo.recurring_invoices().objects)
        invoice = action.change.recurring_invoice_id or 0
        fresh = self.halo.recurring_invoice(invoice)
        self._recurring = [row for row in self._recurring if row.get("id") != invoice] + [fresh]
        return HaloReading(licences=licences, recurring_invoices=self._recurring)


def read_clients(halo: HaloGateway, action: CreationAction) -> list[Object]:
    """Return the clients that may be the action's, with their custom fields; a list row does not have these."""
    found = action.find(HaloReading(clients=halo.clients().objects))
    return [halo.client(int(row["id"])) for row in found]
