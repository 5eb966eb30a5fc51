"""Sends the calls of actions to Halo, each once, and says what each answer means.

A refusal is certain; anything else without an answer is unknown (docs/vendors/halo.md#writing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.target import Target
from pax8_pipeline.billing.applying.line_writes import ChangedUnderUs, LineWriter, Surprise, whole_line
from pax8_pipeline.billing.applying.ports import HaloGateway
from pax8_pipeline.billing.applying.read_back import SentWrite
from pax8_pipeline.billing.applying.target_state import TargetReader, TargetState
from pax8_pipeline.billing.model import Entry, State
from pax8_pipeline.errors import VendorError, WriteContested, WriteRefused, WriteUnknown


@dataclass
class SentGroup:
    """What became of the writes of a group so far.

    `sent`: to be verified by reading. `final`: nothing was sent, or it is settled already. `surprise`: why the whole
    apply must stop, "" when it need not. `refused_together`: what calls held that were refused and then sent alone.
    """

    sent: list[SentWrite] = field(default_factory=list)
    final: list[Entry] = field(default_factory=list)
    surprise: str = ""
    refused_together: list[Sequence[TargetAction]] = field(default_factory=list)

    @property
    def entries(self) -> list[Entry]:
        """What is recorded before the reading."""
        return [*(write.entry for write in self.sent), *self.final]


@dataclass(frozen=True)
class _Answer:
    """What Halo answered to one call. `ends_it`: no further call of the action is sent."""

    state: State
    note: str
    ends_it: bool = False
    contested: bool = False


@dataclass
class Sender:
    """Sends the writes of one apply. `step` is called before each call, so that tests can crash there."""

    halo: HaloGateway
    reader: TargetReader
    lines: LineWriter
    step: Callable[[str], None]

    def send_all(self, actions: Sequence[TargetAction], before: TargetState, per_call: int) -> SentGroup:
        """Send the actions in order, `per_call` to a call; after a surprise no more of them."""
        group = SentGroup()
        for start in range(0, len(actions), per_call):
            part = actions[start : start + per_call]
            if group.surprise:
                group.final += [Entry(action.change, "skipped", f"not started: {group.surprise}") for action in part]
            elif len(part) == 1:
                self._send_alone(part[0], before, actions, group)
            else:
                self._send_together(part, before, group)
        return group

    def _send_alone(
        self, action: TargetAction, before: TargetState, actions: Sequence[TargetAction], group: SentGroup
    ) -> None:
        invoice = action.change.recurring_invoice_id
        beside = [other for other in actions if other.change.recurring_invoice_id == invoice]
        try:
            group.sent.append(self.send(action, before, beside))
        except ChangedUnderUs as error:
            group.final.append(Entry(action.change, "drifted", str(error)))
        except Surprise as error:
            group.surprise = f"something changed in a way nobody planned: {error}"
            group.final.append(Entry(action.change, "failed", str(error)))

    def _send_together(self, actions: Sequence[TargetAction], before: TargetState, group: SentGroup) -> None:
        """Send actions of one call each: the licences in one call, the lines in another."""
        targets = [before.to_write(action.change) for action in actions]
        calls = [(action, target, action.calls(target)[0]) for action, target in zip(actions, targets, strict=True)]
        for kind, send in (("licence", self.halo.update_licences), ("line", self.halo.update_lines)):
            part = [(action, _row(call, target)) for action, target, call in calls if call.kind == kind]
            if part:
                self.step(f"before {kind}s")
                self._send_rows([action for action, _ in part], [row for _, row in part], send, group)

    def _send_rows(
        self,
        actions: Sequence[TargetAction],
        rows: list[dict[str, Any]],
        send: Callable[[Sequence[dict[str, Any]]], Any],
        group: SentGroup,
    ) -> None:
        """Send one call. When its content was refused, each is sent alone, by what its target is then; any other error
        (rights, limits, network) would meet each of them too.
        """
        try:
            reply = send(rows)
        except WriteUnknown as error:
            group.sent += [_sent(action, "unknown", str(error)) for action in actions]
        except WriteContested as error:
            group.sent += [_sent(action, "unknown", str(error), contested=True) for action in actions]
        except WriteRefused as error:
            group.refused_together.append(actions)
            for action in actions:
                self._send_after_refusal(action, error, group)
        except VendorError as error:
            group.sent += [_sent(action, "failed", str(error)) for action in actions]
        else:
            note = _answer_text(f"{len(actions)} in one call", reply)
            group.sent += [replace(_sent(action, "sent", note), shared=True) for action in actions]

    def send(self, action: TargetAction, before: TargetState, group: Sequence[TargetAction] = ()) -> SentWrite:
        """Send the calls of one action. Raises ChangedUnderUs and Surprise. `group`: the actions it is written with.

        Between two calls the reading decides about the second, whatever the first was answered: a write can be answered
        201 and change nothing (docs/vendors/halo.md#writing).
        """
        notes: list[str] = []
        state: State = "sent"
        calls = action.calls(before.to_write(action.change))
        for number, call in enumerate(calls):
            if number > 0:
                if not self._first_half_took_effect(action):
                    notes.append(f"the {calls[0].kind} does not show it, so the {call.kind} was not written")
                    return _sent(action, state, *notes)
                notes.append("read back as written")
            answer = self._send_call(action, call, before, group or (action,), first=number == 0)
            notes.append(answer.note)
            state = answer.state
            if answer.ends_it:
                return _sent(action, state, *notes, contested=answer.contested)
        return _sent(action, state, *notes)

    def _send_call(
        self, action: TargetAction, call: Call, before: TargetState, group: Sequence[TargetAction], *, first: bool
    ) -> _Answer:
        self.step(f"before {call.kind}")
        target = before.to_write(action.change)
        try:
            if call.kind == "licence":
                reply = self.halo.update_licence(call.fields)
            else:
                reply = self.lines.write(group, target.header, target.line or {}, call.fields)
        except WriteUnknown as error:
            return _Answer("unknown", str(error))
        except WriteContested as error:
            return _Answer("unknown", str(error), ends_it=True, contested=True)
        except ChangedUnderUs as error:
            if first:
                raise
            return _Answer("failed", str(error), ends_it=True)
        except VendorError as error:
            return _Answer("failed", str(error), ends_it=True)
        return _Answer("sent", _answer_text(call.kind, reply))

    def _first_half_took_effect(self, action: TargetAction) -> bool:
        """Read whether the first of two calls took effect although its answer was lost."""
        try:
            seen = self.reader.read_alone(action)
        except VendorError:
            return False
        return action.half_done(seen.target(action.change))

    def _send_after_refusal(self, action: TargetAction, refused: VendorError, group: SentGroup) -> None:
        """Send what a refused call held, alone, if it still is as it was: the refusal may be another element's."""
        if group.surprise:
            group.final.append(Entry(action.change, "skipped", f"not started: {group.surprise}"))
            return
        try:
            now = self.reader.read_alone(action)
        except VendorError as error:
            group.sent.append(_sent(action, "failed", f"{refused}; {error}"))
            return
        drift = action.drift(now.target(action.change))
        if drift:
            group.sent.append(_sent(action, "unknown", f"{refused}; {'; '.join(drift)}"))
        else:
            self._send_alone(action, now, (action,), group)


def _row(call: Call, target: Target) -> dict[str, Any]:
    """Return what a call sends of its target."""
    return call.fields if call.kind == "licence" else whole_line(target.header, target.line or {}, call.fields)


def _sent(action: TargetAction, state: State, *notes: str, contested: bool = False) -> SentWrite:
    return SentWrite(action, Entry(action.change, state, "; ".join(notes)), contested)


def _answer_text(what: str, reply: Any) -> str:
    warning = getattr(reply, "warning", "")
    return f"{what} answered {getattr(reply, 'status', 'ok')}" + (f", warning: {warning}" if warning else "")
