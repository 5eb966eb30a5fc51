"""Makes one usage invoice in Halo: search, claim, send once, read back, search again. Part of `apply`.

Here belongs: the order of steps and what each failure means (docs/architecture.md#write-usage). Not here: what is sent
and how it is compared (`invoice`), HTTP. Nothing in Halo keeps two invoices from having one key, so what does is the
ledger, the search, and one writer at a time (`writer` says why there is no better way). A second writer's invoice may
appear after our last search of its key, so all keys of an apply are searched once more at its end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pax8_pipeline.billing.actions import usage_invoice
from pax8_pipeline.billing.actions.usage_invoice import Usage
from pax8_pipeline.billing.applying.ports import InvoiceGateway, Object, Record
from pax8_pipeline.billing.ledger.recovery import not_shown_note
from pax8_pipeline.billing.model import Change, Entry
from pax8_pipeline.errors import NotFound, VendorError, WriteUnknown

DAYS_AHEAD = 40  # later invoices are not looked for (docs/architecture.md#write-usage)


@dataclass
class Invoicing:
    """Makes the usage invoices of one apply. Halo's recurring invoices are read once for all of them."""

    halo: InvoiceGateway
    ledger: Record
    today: date
    step: Callable[[str], None]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC).replace(tzinfo=None)
    writer: str = ""  # this data folder's identity, as documents carry it
    retired: frozenset[str] = frozenset()  # identities that a person retired
    seen: list[Object] = field(default_factory=list, init=False)  # documents with a usage key that searches showed
    made: list[Change] = field(default_factory=list, init=False)
    _recurring: list[Object] | None = field(default=None, init=False)

    def make(self, plan_id: str, change: Change) -> tuple[list[Entry], str]:
        """Make one invoice; return its final entry and the reason why the whole apply must stop, if there is one.

        Created: verified. Not created because Halo or the ledger knows the key: drifted (or verified, when it is what
        an earlier run of ours sent). Two invoices of one key, or one that is not as planned: failed, and stop. No
        answer and nothing to be seen: unknown, for the next run to settle by reading.
        """
        wrong = usage_invoice.faults(change)
        if wrong:
            return self._end(plan_id, Entry(change, "failed", f"not sent: {'; '.join(wrong)}"))
        usage = usage_invoice.planned(change.expect)
        try:
            aside, searched, stop = self._look_first(change, usage)
        except VendorError as error:
            stop = "" if isinstance(error, NotFound) else str(error)
            return self._end(plan_id, Entry(change, "skipped", f"not begun: {error}"), stop)
        if aside is not None:
            return self._end(plan_id, aside, stop)
        self.step("before claim")
        text = f"about to write: {change.before} -> {change.after}"
        self.ledger.record(plan_id, [Entry(change, "claimed", text, json.dumps({"searched": searched}))])
        self.step("after claim")
        sent, made = self._send(change, usage)
        self.step("after send")
        self.ledger.record(plan_id, [sent])
        if sent.state == "failed":
            return self._after_refusal(plan_id, sent, usage)
        self.step("before read-back")
        try:
            shown, found = self._read_back(usage, made)
        except VendorError as error:
            return self._end(plan_id, Entry(change, "unknown", f"{sent.detail}; not read back: {error}"), str(error))
        verdict, stop = _judge(sent, usage, made, shown, found)
        if sent.state == verdict.state == "unknown":
            # This search is the first of the two that have to agree before the invoice may be sent again.
            verdict = replace(verdict, before_state=not_shown_note(self.clock()))
        self.step("before verdict")
        if verdict.state == "verified":
            self.made.append(change)
        return self._end(plan_id, verdict, stop)

    def search_again(self, plan_id: str) -> tuple[list[Entry], str]:
        """Search all keys made in this apply once more; return those that stand on two invoices, and what went wrong."""
        if not self.made:
            return [], ""
        plans = {c.row_id: usage_invoice.planned(c.expect) for c in self.made}
        try:
            end = self.today + timedelta(days=DAYS_AHEAD)
            shown = list(self.halo.invoices(min(u.first_day for u in plans.values()), end).objects)
        except VendorError as error:
            return [], f"what was made could not be searched once more, the next run compares it: {error}"
        self._note(shown)
        entries = []
        for change in self.made:
            standing = [d for d in shown if plans[change.row_id].key.lower() in usage_invoice.keys_of(d)]
            live = [d for d in standing if not usage_invoice.is_voided(d)]
            if len(live) > 1:
                entries.append(Entry(change, "duplicate", _twice(plans[change.row_id].key, live)))
        self.ledger.record(plan_id, entries)
        return entries, ""

    def _note(self, documents: list[Object]) -> None:
        known = {d.get("id") for d in self.seen}
        self.seen += [d for d in documents if d.get("id") not in known and usage_invoice.keys_of(d)]

    def _after_refusal(self, plan_id: str, sent: Entry, usage: Usage) -> tuple[list[Entry], str]:
        """Look whether a refused invoice is there all the same: a saving can break off half-way
        (docs/vendors/halo.md#two-savings).
        """
        self.step("before read-back")
        try:
            found = usage_invoice.hits(usage, self._invoices(usage))
        except VendorError as error:
            return self._end(
                plan_id, Entry(sent.change, "unknown", f"{sent.detail}; not read back: {error}"), str(error)
            )
        if not found:
            return [sent], ""
        sentence = (
            f"Halo refused the invoice and shows it all the same: {usage_invoice.named(found)}; it is left to a person"
        )
        return self._end(plan_id, Entry(sent.change, "failed", f"{sent.detail}; {sentence}"), sentence)

    def _end(self, plan_id: str, entry: Entry, stop: str = "") -> tuple[list[Entry], str]:
        self.ledger.record(plan_id, [entry])
        return [entry], stop

    def _look_first(self, change: Change, usage: Usage) -> tuple[Entry | None, dict[str, int], str]:
        """Return why there is nothing to create, or None; how many documents were searched; and why to stop, if so."""
        earlier = self.ledger.standing(change.row_id)
        # A document that Halo no longer shows is made again by agreement; the row names the plans that made it before.
        again = set(change.expect.get("again") or ())
        billed = [s for s in earlier if s.state in ("verified", "duplicate") and s.plan_id not in again]
        if billed:
            told = f"billed already by plan {billed[0].plan_id}; nothing was created"
            return Entry(change, "drifted", told), {}, ""
        invoices, recurring = self._invoices(usage), self._recurring_invoices()
        if stop := self._distrust(usage, invoices):
            return Entry(change, "skipped", f"not begun: {stop}"), {}, stop
        found = usage_invoice.hits(usage, [*invoices, *recurring])
        open_ = [s for s in earlier if s.open]
        if found:
            wrong = usage_invoice.differences(usage, found[0], fresh=False)
            # What our own lost write left behind is adopted; what anybody else made is for a person.
            if len(found) == 1 and not wrong and any(s.claimed for s in earlier):
                return Entry(change, "verified", f"found already in Halo as {usage_invoice.named(found)}"), {}, ""
            told = f"Halo knows the key already: {usage_invoice.named(found)}; nothing was created"
            return Entry(change, "drifted", "; ".join([told, *(wrong if len(found) == 1 else [])])), {}, ""
        if open_:
            told = f"plan {open_[0].plan_id} began to write it and its result is not known yet"
            return Entry(change, "drifted", f"{told}; nothing was created"), {}, ""
        return None, {"invoices": len(invoices), "recurring_invoices": len(recurring)}, ""

    def _distrust(self, usage: Usage, invoices: list[Object]) -> str:
        """Say why a search cannot be relied on: another folder's documents, or known ones that it does not show."""
        others = {w for d in invoices if (w := usage_invoice.writer_of(d))} - {self.writer} - self.retired
        if others:
            return f"usage documents of another data folder ({', '.join(sorted(others))}) are in Halo"
        end = self.today + timedelta(days=DAYS_AHEAD)
        shown = {key for document in invoices for key in usage_invoice.keys_of(document)}
        known = self.ledger.documents_of(usage.client_id, usage.first_day, end)
        hidden = [key for key in known if key not in shown]
        return (
            f"Halo hides its invoices: it does not show {', '.join(hidden[:3])}, seen by an earlier run"
            if hidden
            else ""
        )

    def _invoices(self, usage: Usage) -> list[Object]:
        end = self.today + timedelta(days=DAYS_AHEAD)
        found = list(self.halo.invoices(usage.first_day, end, usage.client_id).objects)
        self._note(found)
        return found

    def _recurring_invoices(self) -> list[Object]:
        if self._recurring is None:
            self._recurring = list(self.halo.recurring_invoices().objects)
        return self._recurring

    def _send(self, change: Change, usage: Usage) -> tuple[Entry, int | None]:
        """Send it, once; return the entry and the id in Halo's reply. Without an answer the outcome is unknown."""
        self.step("before invoice")
        try:
            reply = self.halo.create_invoice(usage_invoice.body(usage, self.writer))
        except WriteUnknown as error:
            return Entry(change, "unknown", str(error)), None
        except VendorError as error:
            return Entry(change, "failed", str(error)), None
        warning = getattr(reply, "warning", "")
        told = f"invoice answered {getattr(reply, 'status', 'ok')}" + (f", warning: {warning}" if warning else "")
        return Entry(change, "sent", told), _id_of(getattr(reply, "saved", None))

    def _read_back(self, usage: Usage, made: int | None) -> tuple[Object | None, list[Object]]:
        """Return the invoice of the reply as Halo shows it now, and everything that has the key."""
        shown: Object | None = None
        if made is not None:
            try:
                shown = self.halo.invoice(made)
            except NotFound:
                shown = None
        return shown, usage_invoice.hits(usage, self._invoices(usage))


def _judge(sent: Entry, usage: Usage, made: int | None, shown: Object | None, found: list[Object]) -> tuple[Entry, str]:
    """Judge by what Halo shows: exactly one invoice with the key, equal to the plan, the same by id and by search."""
    change, told = sent.change, sent.detail
    documents = {_id_of(document): document for document in ([shown] if shown else []) + found}
    if len(documents) > 1:
        sentence = _twice(usage.key, list(documents.values()))
        return Entry(change, "duplicate", f"{told}; {sentence}"), sentence
    for document in documents.values():
        wrong = usage_invoice.differences(usage, document, fresh=True)
        if shown is not None and document is not shown:
            wrong += [w for w in usage_invoice.differences(usage, shown, fresh=True) if w not in wrong]
        if wrong:
            sentence = (
                f"{usage_invoice.named([document])} is not as planned: {'; '.join(wrong)}; it is left to a person"
            )
            return Entry(change, "failed", f"{told}; {sentence}"), sentence
    if found and (made is None or shown is not None):
        how = "found in Halo as" if sent.state == "unknown" else "read back as planned:"
        return Entry(change, "verified", f"{told}; {how} {usage_invoice.named(found)}"), ""
    if sent.state == "unknown":
        return Entry(change, "unknown", f"{told}; not in Halo so far, the next run looks again"), ""
    sentence = f"Halo took the invoice with the key {usage.key} (id {made or 'not told'}) and does not list it"
    return Entry(change, "unknown", f"{told}; {sentence}"), sentence


def _twice(key: str, documents: list[Object]) -> str:
    return (
        f"more than one invoice has the key {key}: {usage_invoice.named(documents)}; void all but one of them in Halo"
    )


def _id_of(document: Any) -> int | None:
    number = document.get("id") if isinstance(document, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else None
