"""Makes one usage invoice in Halo: search, claim, send once, read back, search again. Part of `apply`.

Contains: the order of steps and what each failure means (docs/architecture.md#write-usage). Does not contain: what is
sent and how it is compared (`actions/create_invoice.py`), HTTP. Nothing in Halo keeps two invoices from having one key;
the ledger, the search, and one writer at a time do (`ledger/writer.py` says why there is no better way). A second
writer's invoice may appear after our last search of its key, so all keys of an apply are searched once more at its end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.action import DocumentAction
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.usage_documents import name_documents
from pax8_pipeline.billing.applying.batches import WrittenGroup
from pax8_pipeline.billing.applying.document_results import compare, found_before, id_of, more_than_one
from pax8_pipeline.billing.applying.ports import InvoiceGateway, Record
from pax8_pipeline.billing.ledger.recovery import not_shown_note
from pax8_pipeline.billing.model import Entry
from pax8_pipeline.clock import utc_now
from pax8_pipeline.errors import NotFound, VendorError, WriteUnknown

DAYS_AHEAD = 40  # later invoices are not looked for (docs/architecture.md#write-usage)


@dataclass(frozen=True)
class _Search:
    """What the search before a creation found: a final entry when nothing is to be created, why the whole apply must stop
    ("" when it need not), and how many documents were searched."""

    final: Entry | None = None
    stop: str = ""
    searched: dict[str, int] = field(default_factory=dict)


@dataclass
class UsageInvoiceWriter:
    """Makes the usage invoices of one apply. Halo's recurring invoices are read once for all of them."""

    halo: InvoiceGateway
    ledger: Record
    today: date
    step: Callable[[str], None]
    clock: Callable[[], datetime] = utc_now
    writer: str = ""  # this data folder's identity, as documents carry it
    retired: frozenset[str] = frozenset()  # identities that a person retired
    seen: list[Object] = field(default_factory=list, init=False)  # documents with a usage key that searches showed
    made: list[DocumentAction] = field(default_factory=list, init=False)
    _recurring: list[Object] | None = field(default=None, init=False)

    def write(self, plan_id: str, action: DocumentAction) -> WrittenGroup:
        """Make one invoice; return its final entry and the reason why the whole apply must stop, if there is one.

        Created: verified. Not created because Halo or the ledger knows the key: drifted (or verified, when it is what
        an earlier run of ours sent). Two invoices of one key, or one that is not as planned: failed, and stop. No
        answer and nothing to be seen: unknown, for the next run to settle by reading.
        """
        change = action.change
        if wrong := action.validation_errors():
            return self._end(plan_id, Entry(change, "failed", f"not sent: {'; '.join(wrong)}"))
        try:
            search = self._search_before(action)
        except VendorError as error:
            stop = "" if isinstance(error, NotFound) else str(error)
            return self._end(plan_id, Entry(change, "skipped", f"not started: {error}"), stop)
        if search.final is not None:
            return self._end(plan_id, search.final, search.stop)
        sent, made_id = self._claim_and_send(plan_id, action, search)
        if sent.state == "failed":
            return self._after_refusal(plan_id, action, sent)
        return self._verify(plan_id, action, sent, made_id)

    def search_again(self, plan_id: str) -> tuple[list[Entry], str]:
        """Search all keys made in this apply once more; return those that stand on two invoices, and what went wrong."""
        if not self.made:
            return [], ""
        try:
            end = self.today + timedelta(days=DAYS_AHEAD)
            shown = list(self.halo.invoices(min(a.first_day for a in self.made), end).objects)
        except VendorError as error:
            return [], f"what was made could not be searched once more, the next run compares it: {error}"
        self._remember(shown)
        entries = []
        for action in self.made:
            with_key = [d for d in shown if action.key.lower() in usage_documents.keys_of(d)]
            live = [d for d in with_key if not usage_documents.is_voided(d)]
            if len(live) > 1:
                entries.append(Entry(action.change, "duplicate", more_than_one(action.key, live)))
        self.ledger.record(plan_id, entries)
        return entries, ""

    def _claim_and_send(self, plan_id: str, action: DocumentAction, search: _Search) -> tuple[Entry, int | None]:
        change = action.change
        self.step("before claim")
        text = f"about to {action.label}: {change.before} -> {change.after}"
        self.ledger.record(plan_id, [Entry(change, "claimed", text, json.dumps({"searched": search.searched}))])
        self.step("after claim")
        sent, made_id = self._send(action)
        self.step("after send")
        self.ledger.record(plan_id, [sent])
        return sent, made_id

    def _send(self, action: DocumentAction) -> tuple[Entry, int | None]:
        """Send it, once; return the entry and the id in Halo's reply. Without an answer the result is unknown."""
        change = action.change
        self.step("before invoice")
        try:
            reply = self.halo.create_invoice(action.body(self.writer))
        except WriteUnknown as error:
            return Entry(change, "unknown", str(error)), None
        except VendorError as error:
            return Entry(change, "failed", str(error)), None
        warning = getattr(reply, "warning", "")
        answer = f"invoice answered {getattr(reply, 'status', 'ok')}" + (f", warning: {warning}" if warning else "")
        return Entry(change, "sent", answer), id_of(getattr(reply, "saved", None))

    def _verify(self, plan_id: str, action: DocumentAction, sent: Entry, made_id: int | None) -> WrittenGroup:
        self.step("before read-back")
        try:
            shown, found = self._read_back(action, made_id)
        except VendorError as error:
            unknown = Entry(action.change, "unknown", f"{sent.detail}; not read back: {error}")
            return self._end(plan_id, unknown, str(error))
        final, stop = compare(sent, action, made_id, shown, found)
        if sent.state == final.state == "unknown":
            # This search is the first of the two that have to agree before the invoice may be sent again.
            final = replace(final, before_state=not_shown_note(self.clock()))
        self.step("before verdict")
        if final.state == "verified":
            self.made.append(action)
        return self._end(plan_id, final, stop)

    def _after_refusal(self, plan_id: str, action: DocumentAction, sent: Entry) -> WrittenGroup:
        """Look whether a refused invoice is there all the same: a saving can break off half-way
        (docs/vendors/halo.md#two-savings).
        """
        self.step("before read-back")
        try:
            found = action.find(self._invoices(action))
        except VendorError as error:
            unknown = Entry(action.change, "unknown", f"{sent.detail}; not read back: {error}")
            return self._end(plan_id, unknown, str(error))
        if not found:
            return WrittenGroup([sent])
        sentence = (
            f"Halo refused the invoice and shows it all the same: {name_documents(found)}; it is left to a person"
        )
        return self._end(plan_id, Entry(action.change, "failed", f"{sent.detail}; {sentence}"), sentence)

    def _end(self, plan_id: str, entry: Entry, stop: str = "") -> WrittenGroup:
        self.ledger.record(plan_id, [entry])
        return WrittenGroup([entry], stop)

    def _search_before(self, action: DocumentAction) -> _Search:
        """Look in the ledger and in Halo for anything that bills this usage already."""
        change, history = action.change, self.ledger.write_history(action.change.row_id)
        # A document that Halo no longer shows is made again once approved; the row names the plans that made it before.
        again = action.made_before
        billed = [s for s in history if s.state in ("verified", "duplicate") and s.plan_id not in again]
        if billed:
            detail = f"billed already by plan {billed[0].plan_id}; nothing was created"
            return _Search(Entry(change, "drifted", detail))
        invoices, recurring = self._invoices(action), self._recurring_invoices()
        if stop := self._distrust(action, invoices):
            return _Search(Entry(change, "skipped", f"not started: {stop}"), stop)
        if found := action.find([*invoices, *recurring]):
            return _Search(found_before(action, found, ours=any(s.claimed for s in history)))
        if open_ := [s for s in history if s.open]:
            detail = f"plan {open_[0].plan_id} began to write it and its result is not known yet; nothing was created"
            return _Search(Entry(change, "drifted", detail))
        return _Search(searched={"invoices": len(invoices), "recurring_invoices": len(recurring)})

    def _distrust(self, action: DocumentAction, invoices: list[Object]) -> str:
        """Say why a search cannot be relied on: another folder's documents, or known ones that it does not show."""
        others = {w for d in invoices if (w := usage_documents.writer_of(d))} - {self.writer} - self.retired
        if others:
            return f"usage documents of another data folder ({', '.join(sorted(others))}) are in Halo"
        end = self.today + timedelta(days=DAYS_AHEAD)
        shown = {key for document in invoices for key in usage_documents.keys_of(document)}
        hidden = [k for k in self.ledger.documents_of(action.change.client_id, action.first_day, end) if k not in shown]
        if not hidden:
            return ""
        return f"Halo hides its invoices: it does not show {', '.join(hidden[:3])}, seen by an earlier run"

    def _invoices(self, action: DocumentAction) -> list[Object]:
        end = self.today + timedelta(days=DAYS_AHEAD)
        found = list(self.halo.invoices(action.first_day, end, action.change.client_id).objects)
        self._remember(found)
        return found

    def _recurring_invoices(self) -> list[Object]:
        if self._recurring is None:
            self._recurring = list(self.halo.recurring_invoices().objects)
        return self._recurring

    def _read_back(self, action: DocumentAction, made_id: int | None) -> tuple[Object | None, list[Object]]:
        """Return the invoice of the reply as Halo shows it now, and everything that has the key."""
        shown: Object | None = None
        if made_id is not None:
            try:
                shown = self.halo.invoice(made_id)
            except NotFound:
                shown = None
        return shown, action.find(self._invoices(action))

    def _remember(self, documents: list[Object]) -> None:
        known = {d.get("id") for d in self.seen}
        self.seen += [d for d in documents if d.get("id") not in known and usage_documents.keys_of(d)]
