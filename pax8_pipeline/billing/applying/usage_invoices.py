"""Makes usage invoices in Halo: search, claim, send once, read back. Part of `apply`.

Contains: the order of steps and what each failure means (docs/architecture.md#write-usage). Does not contain: what is
sent and how it is compared (`actions/create_invoice.py`), which calls a search takes (`document_search`), HTTP. Nothing
in Halo keeps two invoices from having one key; the ledger, the search, and one writer at a time do (`ledger/writer.py`
says why there is no better way). A second writer's invoice may appear after our last search of its key, so all keys of
an apply are searched once more at its end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.action import DocumentAction
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.usage_documents import name_documents
from pax8_pipeline.billing.applying.batches import WrittenGroup
from pax8_pipeline.billing.applying.document_results import compare, found_before, more_than_one
from pax8_pipeline.billing.applying.document_search import DocumentSearch
from pax8_pipeline.billing.applying.document_sending import SentDocuments, send_documents
from pax8_pipeline.billing.applying.ports import InvoiceGateway, Record
from pax8_pipeline.billing.ledger.recovery import not_shown_note
from pax8_pipeline.billing.model import Entry
from pax8_pipeline.clock import utc_now
from pax8_pipeline.errors import NotFound, VendorError


@dataclass
class _Ready:
    """What a group came to before anything was sent. `actions`: those to be sent. `final`: the others. `stop`: why the
    whole apply must stop ("" when it need not). `searched`: how many documents were searched."""

    actions: list[DocumentAction] = field(default_factory=list)
    final: list[Entry] = field(default_factory=list)
    stop: str = ""
    searched: dict[str, int] = field(default_factory=dict)


@dataclass
class UsageInvoiceWriter:
    """Makes the usage invoices of one apply of one plan."""

    plan_id: str
    halo: InvoiceGateway
    search: DocumentSearch
    ledger: Record
    step: Callable[[str], None]
    clock: Callable[[], datetime] = utc_now
    writer: str = ""  # this data folder's identity, as documents carry it
    retired: frozenset[str] = frozenset()  # identities that a person retired

    def write(self, actions: Sequence[DocumentAction]) -> WrittenGroup:
        """Make some invoices in one call; return their final entries and why the whole apply must stop, if so.

        Created: verified. Not created because Halo or the ledger knows the key: drifted (or verified, when it is what
        an earlier run of ours sent). Two invoices of one key, or one that is not as planned: failed, and stop. No
        answer and nothing to be seen: unknown, for the next run to settle by reading.
        """
        ready = self._prepare(actions)
        self.ledger.record(self.plan_id, ready.final)
        if ready.stop or not ready.actions:
            return WrittenGroup(ready.final, ready.stop)
        sent = self._claim_and_send(ready)
        written = self._after_refusal(sent) if sent.refused else self._verify(sent)
        return replace(written, entries=[*ready.final, *written.entries])

    def search_again(self) -> tuple[list[Entry], str]:
        """Search all keys made in this apply once more; return those that stand on two invoices, and what went wrong."""
        if not self.search.made:
            return [], ""
        try:
            shown = self.search.of_all_made()
        except VendorError as error:
            return [], f"what was made could not be searched once more, the next run compares it: {error}"
        entries = []
        for action in self.search.made:
            with_key = [d for d in shown if action.key.lower() in usage_documents.keys_of(d)]
            live = [d for d in with_key if not usage_documents.is_voided(d)]
            if len(live) > 1:
                entries.append(Entry(action.change, "duplicate", more_than_one(action.key, live)))
        self.ledger.record(self.plan_id, entries)
        return entries, ""

    def _prepare(self, actions: Sequence[DocumentAction]) -> _Ready:
        """Look at the plan, in the ledger and in Halo for what must not be sent."""
        ready = _Ready()
        for action in actions:
            if wrong := action.validation_errors():
                ready.final.append(Entry(action.change, "failed", f"not sent: {'; '.join(wrong)}"))
            elif billed_by := self._billed_by(action):
                detail = f"billed already by plan {billed_by}; nothing was created"
                ready.final.append(Entry(action.change, "drifted", detail))
            else:
                ready.actions.append(action)
        if ready.actions:
            self._search(ready)
        return ready

    def _search(self, ready: _Ready) -> None:
        """Search Halo for the documents of `ready`, and sort out what is there already."""
        wanted, ready.actions = ready.actions, []
        try:
            invoices, recurring = self.search.before(wanted), self.search.recurring()
        except VendorError as error:
            # A row that Halo does not know is the fault of one document only where it was searched alone.
            ready.stop = "" if isinstance(error, NotFound) and len(wanted) == 1 else str(error)
            ready.final += _not_started(wanted, str(error))
            return
        if stop := self._distrust(wanted, invoices):
            ready.stop = stop
            ready.final += _not_started(wanted, stop)
            return
        ready.searched = {"invoices": len(invoices), "recurring_invoices": len(recurring)}
        for action in wanted:
            final = self._found_before(action, [*invoices, *recurring])
            if final is None:
                ready.actions.append(action)
            else:
                ready.final.append(final)

    def _billed_by(self, action: DocumentAction) -> str:
        """Return the plan that made the document, "" when none did."""
        # A document that Halo no longer shows is made again once approved; the row names the plans that made it before.
        again = action.made_before
        history = self.ledger.write_history(action.change.row_id)
        billed = [s.plan_id for s in history if s.state in ("verified", "duplicate") and s.plan_id not in again]
        return billed[0] if billed else ""

    def _found_before(self, action: DocumentAction, documents: list[Object]) -> Entry | None:
        """Return the final entry of a document that Halo or the ledger knows; None when it is to be made."""
        history = self.ledger.write_history(action.change.row_id)
        if found := action.find(documents):
            return found_before(action, found, ours=any(s.claimed for s in history))
        if open_ := [s for s in history if s.open]:
            detail = f"plan {open_[0].plan_id} began to write it and its result is not known yet; nothing was created"
            return Entry(action.change, "drifted", detail)
        return None

    def _distrust(self, actions: Sequence[DocumentAction], invoices: list[Object]) -> str:
        """Say why a search cannot be relied on: another folder's documents, or known ones that it does not show."""
        others = {w for d in invoices if (w := usage_documents.writer_of(d))} - {self.writer} - self.retired
        if others:
            return f"usage documents of another data folder ({', '.join(sorted(others))}) are in Halo"
        shown = {key for document in invoices for key in usage_documents.keys_of(document)}
        end = self.search.last_day
        known = [k for a in actions for k in self.ledger.documents_of(a.change.client_id, a.first_day, end)]
        hidden = list(dict.fromkeys(key for key in known if key not in shown))
        if not hidden:
            return ""
        return f"Halo hides its invoices: it does not show {', '.join(hidden[:3])}, seen by an earlier run"

    def _claim_and_send(self, ready: _Ready) -> SentDocuments:
        note = json.dumps({"searched": ready.searched})
        claims = [
            Entry(a.change, "claimed", f"about to {a.label}: {a.change.before} -> {a.change.after}", note)
            for a in ready.actions
        ]
        self.step("before claim")
        self.ledger.record(self.plan_id, claims)
        self.step("after claim")
        self.step("before invoice")
        sent = send_documents(self.halo, ready.actions, self.writer)
        self.step("after send")
        self.ledger.record(self.plan_id, sent.entries)
        return sent

    def _verify(self, sent: SentDocuments) -> WrittenGroup:
        self.step("before read-back")
        taken = sent.actions if sent.taken else []
        try:
            listed = self.search.after(sent.actions, taken)
            results = [self._compare(sent, action, listed) for action in sent.actions]
        except VendorError as error:
            return self._not_read_back(sent, error)
        self.step("before verdict")
        entries = [entry for entry, _ in results]
        self.search.made += [a for a, entry in zip(sent.actions, entries, strict=True) if entry.state == "verified"]
        self.ledger.record(self.plan_id, entries)
        # A call that got no answer was perhaps too large.
        left_out = sent.unknown or any(entry.state != "verified" for entry in entries)
        stop = "; ".join(reason for _, reason in results if reason)
        return WrittenGroup(entries, stop, sharing_failed=left_out and len(entries) > 1)

    def _compare(self, sent: SentDocuments, action: DocumentAction, listed: list[Object]) -> tuple[Entry, str]:
        made_id = sent.ids.get(action.key.lower())
        shown = self._read_by_id(made_id, sent, listed)
        final, stop = compare(sent.entry(action), action, made_id, shown, action.find(listed))
        if sent.unknown and final.state == "unknown":
            # This search is the first of the two that have to agree before the invoice may be sent again.
            final = replace(final, before_state=not_shown_note(self.clock()))
        return final, stop

    def _read_by_id(self, made_id: int | None, sent: SentDocuments, listed: list[Object]) -> Object | None:
        """Return the invoice of the reply as Halo shows it now. Of several that were sent together the list shows it."""
        if made_id is None:
            return None
        if len(sent.actions) > 1 and (shown := next((d for d in listed if d.get("id") == made_id), None)):
            return shown
        try:
            return self.halo.invoice(made_id)
        except NotFound:
            return None

    def _not_read_back(self, sent: SentDocuments, error: VendorError) -> WrittenGroup:
        entries = [Entry(entry.change, "unknown", f"{entry.detail}; not read back: {error}") for entry in sent.entries]
        self.ledger.record(self.plan_id, entries)
        return WrittenGroup(entries, str(error))

    def _after_refusal(self, sent: SentDocuments) -> WrittenGroup:
        """Look whether refused invoices are there all the same: a saving can break off half-way
        (docs/vendors/halo.md#two-savings). If none is, what shared the call is sent again, each alone: the refusal may be
        another element's.
        """
        self.step("before read-back")
        try:
            listed = self.search.after(sent.actions, [])
        except VendorError as error:
            return self._not_read_back(sent, error)
        found = {action.key: documents for action in sent.actions if (documents := action.find(listed))}
        if not found:
            return self._send_alone(sent) if sent.may_be_sent_alone else WrittenGroup(sent.entries)
        named = name_documents([document for documents in found.values() for document in documents])
        sentence = f"Halo refused the invoice and shows it all the same: {named}; it is left to a person"
        entries = [
            Entry(e.change, "failed", f"{e.detail}; {sentence}") if a.key in found else e
            for a, e in zip(sent.actions, sent.entries, strict=True)
        ]
        changed = [entry for entry, old in zip(entries, sent.entries, strict=True) if entry is not old]
        self.ledger.record(self.plan_id, changed)
        return WrittenGroup(entries, sentence, sharing_failed=len(entries) > 1)

    def _send_alone(self, sent: SentDocuments) -> WrittenGroup:
        """Send what a refused call held one by one, each after a search of its own."""
        entries: list[Entry] = []
        stop = ""
        for action, refused in zip(sent.actions, sent.entries, strict=True):
            if stop:
                entries.append(refused)
                continue
            written = self.write([action])
            entries += written.entries
            stop = written.stop
        return WrittenGroup(entries, stop, sharing_failed=all(entry.state == "verified" for entry in entries))


def _not_started(actions: Sequence[DocumentAction], why: str) -> list[Entry]:
    return [Entry(action.change, "skipped", f"not started: {why}") for action in actions]
