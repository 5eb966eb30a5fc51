"""Applies a plan: every given change once, group by group, until something unplanned happens.

The steps of a group are in `group_writer`, those of a usage invoice in `usage_invoices`; groups are made in `batches`.
Facts: docs/architecture.md#writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.action import Action
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.applying.batches import Batches, BatchSize, WrittenGroup, make_batches
from pax8_pipeline.billing.applying.creations import CreationWriter
from pax8_pipeline.billing.applying.document_search import DocumentSearch
from pax8_pipeline.billing.applying.group_writer import GroupWriter
from pax8_pipeline.billing.applying.line_writes import LineWriter
from pax8_pipeline.billing.applying.ports import HaloGateway, Pax8Gateway, Record
from pax8_pipeline.billing.applying.sending import Sender
from pax8_pipeline.billing.applying.target_state import TargetReader
from pax8_pipeline.billing.applying.usage_invoices import UsageInvoiceWriter
from pax8_pipeline.billing.model import Change, Entry, Plan, State
from pax8_pipeline.clock import utc_now
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import LineFallback

_BAD: tuple[State, ...] = ("failed", "unknown", "skipped", "duplicate")


@dataclass
class ApplyResult:
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

    def add_group(self, group: WrittenGroup) -> None:
        """Count what a group came to."""
        self.problems += group.done_by_others
        if group.stop:
            self.problems.append(f"stopped: {group.stop}")
        for entry in group.entries:
            self.add(entry)

    def replace(self, entry: Entry, earlier: State) -> None:
        """Count an entry in place of the one in state `earlier`."""
        self.states[earlier] -= 1
        self.states = {state: count for state, count in self.states.items() if count}
        self.add(entry)

    @property
    def verified(self) -> int:
        """Writes that were read back as planned."""
        return self.states.get("verified", 0)

    @property
    def failed(self) -> bool:
        """Whether a write failed, was not started, or nobody knows what became of it."""
        return any(self.states.get(state, 0) for state in _BAD)


@dataclass
class Applier:
    """Applies one plan. `vendor_day`: the day by Pax8's newest answer, None without one. `acknowledged`: see
    `ensure_applicable`. `line_fallback`: see `line_writes`. `licence_calls`: see `TargetReader`. `step` is called between any two statements that matter, so
    that tests can crash there.
    """

    halo: HaloGateway
    pax8: Pax8Gateway
    ledger: Record
    today: date
    acknowledged: bool = False
    vendor_day: Callable[[], date | None] = lambda: None
    line_fallback: LineFallback = "off"
    licence_calls: int | None = None
    progress: Callable[[int, int], None] = lambda done, total: None
    step: Callable[[str], None] = lambda name: None
    writer: str = ""
    retired: frozenset[str] = frozenset()
    clock: Callable[[], datetime] = utc_now

    def apply(self, plan: Plan, changes: Sequence[Change]) -> ApplyResult:
        """Write every given change of `plan` once and say what became of each.

        Raises PipelineError when the plan may not be applied. A vendor that stops answering, or a difference nobody
        planned, ends the apply: what was not started is `skipped`; what was sent and could not be read back stays
        `unknown` for the next run to settle by reading.
        """
        usage_only = all(registry.is_usage(c.action) for c in changes)  # a plan is held for its seats
        ensure_applicable(plan, self.clock(), acknowledged=self.acknowledged or usage_only)
        _ensure_written(changes)
        result = ApplyResult()
        batches = make_batches(self._read_actions(plan, changes, result))
        invoices = self._invoice_writer(plan, batches)
        done = sum(result.states.values())
        for written in self._write_groups(plan, batches, invoices):
            result.add_group(written)
            done += len(written.entries)
            self.progress(done, len(changes))
        duplicates, problem = invoices.search_again()
        for entry in duplicates:
            result.replace(entry, "verified")
        result.problems += [problem] if problem else []
        result.documents = invoices.search.seen
        return result

    def _read_actions(self, plan: Plan, changes: Sequence[Change], result: ApplyResult) -> list[Action]:
        """Read what each change expects. One that cannot be read is not sent; the others go on."""
        actions: list[Action] = []
        unreadable: list[Entry] = []
        for change in changes:
            try:
                actions.append(registry.action_of(change))
            except BadExpectation as error:
                unreadable.append(Entry(change, "failed", f"not sent: {error}"))
        self.ledger.record(plan.plan_id, unreadable)
        for entry in unreadable:
            result.add(entry)
        return actions

    def _write_groups(self, plan: Plan, batches: Batches, invoices: UsageInvoiceWriter) -> Iterator[WrittenGroup]:
        """Write group by group; after a reason to stop, record the rest as not started."""
        targets = self._group_writer(plan)
        size, stop = BatchSize(), ""
        for group in batches.alone:
            written = self._skip(plan, group, stop) if stop else targets.write(group)
            stop = stop or written.stop
            yield written
        for group in batches.shared_groups(size):
            written = self._skip(plan, group, stop) if stop else targets.write(group, size.per_call)
            size.learn(written)
            stop = stop or written.stop
            yield written
        creations = CreationWriter(self.halo, self.ledger, self.step, self.clock)
        for creation in batches.creations:
            written = self._skip(plan, [creation], stop) if stop else creations.write(plan.plan_id, creation)
            stop = stop or written.stop
            yield written
        size = BatchSize()
        for documents in batches.document_groups(size):
            written = self._skip(plan, documents, stop) if stop else invoices.write(documents)
            size.learn(written)
            stop = stop or written.stop
            yield written

    def _skip(self, plan: Plan, group: Sequence[Action], stop: str) -> WrittenGroup:
        entries = [Entry(action.change, "skipped", f"not started: {stop}") for action in group]
        self.ledger.record(plan.plan_id, entries)
        return WrittenGroup(entries)

    def _group_writer(self, plan: Plan) -> GroupWriter:
        reader = TargetReader(self.halo, self.licence_calls)
        sender = Sender(self.halo, reader, LineWriter(self.halo, self.line_fallback), self.step)
        return GroupWriter(plan.plan_id, reader, self.pax8, self.ledger, sender, self.today, self.vendor_day, self.step)

    def _invoice_writer(self, plan: Plan, batches: Batches) -> UsageInvoiceWriter:
        search = DocumentSearch(self.halo, self.today, batches.documents)
        return UsageInvoiceWriter(
            plan.plan_id, self.halo, search, self.ledger, self.step, self.clock, self.writer, self.retired
        )


def ensure_applicable(plan: Plan, now: datetime, *, acknowledged: bool = False) -> None:
    """Raise PipelineError, in a plain sentence, when the plan may not be applied at `now` (UTC).

    `acknowledged`: a person has agreed to what a guardrail holds in this very plan, or nothing of it is to be written.
    """
    if not plan.complete:
        raise PipelineError(f"plan {plan.plan_id} is not complete: {plan.problem}")
    if now > plan.expires_at:
        raise PipelineError(f"plan {plan.plan_id} expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC; plan again")
    if plan.held and not acknowledged:
        raise PipelineError(f"plan {plan.plan_id} is held whole by a guardrail: {plan.held}")


def _ensure_written(changes: Sequence[Change]) -> None:
    """A plan of another version may hold actions that this one does not write: refuse it before the first claim."""
    for change in changes:
        if not registry.is_written(change.action):
            raise PipelineError(
                f"row {change.row_id} asks for {change.action}, which this version does not write; run again for a new plan"
            )
