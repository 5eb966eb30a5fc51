"""Writes one group of changes: read, compare, claim, send, read back, record. The order of these steps is the rule.

What is sent and compared is in `actions`, what an answer means in `sending`. Facts: docs/architecture.md#writing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from pax8_pipeline.billing.actions.action import TargetAction
from pax8_pipeline.billing.actions.compare import calendar_day
from pax8_pipeline.billing.applying.batches import WrittenGroup
from pax8_pipeline.billing.applying.ports import Pax8Gateway, Record
from pax8_pipeline.billing.applying.read_back import build_claim, name_repeated_failures, sharing_failed, verify_writes
from pax8_pipeline.billing.applying.sending import Sender, SentGroup
from pax8_pipeline.billing.applying.target_state import TargetReader, TargetState
from pax8_pipeline.billing.model import Entry
from pax8_pipeline.errors import VendorError


@dataclass
class GroupWriter:
    """Writes the groups of one plan. `today` is our day; `vendor_day` the day by Pax8's newest answer, None without one."""

    plan_id: str
    reader: TargetReader
    pax8: Pax8Gateway
    ledger: Record
    sender: Sender
    today: date
    vendor_day: Callable[[], date | None]
    step: Callable[[str], None]

    def write(self, actions: Sequence[TargetAction], per_call: int = 1) -> WrittenGroup:
        """Write one group, `per_call` changes to a call."""
        try:
            before = self.reader.read(actions)
            ready, drifted = self._split_by_drift(actions, before)
        except VendorError as error:
            return self._not_started(actions, error)
        self.ledger.record(self.plan_id, drifted)
        if not ready:
            return WrittenGroup(drifted)
        group = self._claim_and_send(ready, before, per_call)
        self.step("before read-back")
        try:
            after = self.reader.read_again(ready, before.listed)
        except VendorError as error:
            return self._not_read_back(drifted, group, error)
        found = verify_writes(group.sent, before, after)
        entries = name_repeated_failures(found.entries, self.ledger.write_history)
        self.step("before verdict")
        self.ledger.record(self.plan_id, entries)
        stop = "; ".join(filter(None, (group.surprise, found.surprise)))
        failed = sharing_failed(group.sent, group.refused_together, entries)
        return WrittenGroup([*drifted, *group.final, *entries], stop, found.done_by_others, failed)

    def _not_started(self, actions: Sequence[TargetAction], error: VendorError) -> WrittenGroup:
        entries = [Entry(action.change, "skipped", f"not started: {error}") for action in actions]
        self.ledger.record(self.plan_id, entries)
        return WrittenGroup(entries, str(error))

    def _claim_and_send(self, ready: Sequence[TargetAction], before: TargetState, per_call: int) -> SentGroup:
        self.step("before claim")
        self.ledger.record(self.plan_id, [build_claim(action, before) for action in ready])
        self.step("after claim")
        group = self.sender.send_all(ready, before, per_call)
        self.step("after send")
        self.ledger.record(self.plan_id, group.entries)
        return group

    def _not_read_back(self, drifted: list[Entry], group: SentGroup, error: VendorError) -> WrittenGroup:
        """A refusal stays a refusal; whatever else was sent is unknown, for the next run to settle by reading."""
        entries = [
            write.entry
            if write.entry.state == "failed"
            else Entry(write.action.change, "unknown", f"{write.entry.detail}; not read back: {error}")
            for write in group.sent
        ]
        self.ledger.record(self.plan_id, [entry for entry in entries if entry.state == "unknown"])
        return WrittenGroup([*drifted, *group.final, *entries], group.surprise or str(error))

    def _split_by_drift(
        self, actions: Sequence[TargetAction], before: TargetState
    ) -> tuple[list[TargetAction], list[Entry]]:
        """Split into what is still as the plan saw it, and entries for what drifted."""
        ready: list[TargetAction] = []
        drifted: list[Entry] = []
        for action in actions:
            found = action.drift(before.to_write(action.change))
            if not found and action.ends:
                found = self._no_longer_cancelled(action.change.subscription_id)
            if found:
                drifted.append(Entry(action.change, "drifted", "; ".join(found)))
            else:
                ready.append(action)
        return ready, drifted

    def _no_longer_cancelled(self, subscription_id: str) -> list[str]:
        """Ask Pax8 once more: only a subscription that says Cancelled now, its end date passed, ends anything."""
        subscription = self.pax8.subscription(subscription_id)
        end = calendar_day(subscription.get("endDate"))
        # The earlier of our day and Pax8's: a wrong clock here must not end what is paid for.
        today = min(filter(None, (self.today, self.vendor_day())))
        cancelled = str(subscription.get("status", "")).strip().lower() == "cancelled"
        if cancelled and end is not None and end < today:
            return []
        if end is not None and today <= end < self.today:
            return [f"its end date {end} has passed by our day {self.today}, not by Pax8's, {today}"]
        return [f"Pax8 now says {subscription.get('status')}, end date {subscription.get('endDate') or 'none'}"]
