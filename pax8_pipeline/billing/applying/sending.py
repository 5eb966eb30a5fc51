"""Sends the calls of actions to Halo, each once, and says what each answer means.

A refusal is certain; anything else without an answer is unknown (docs/vendors/halo.md#writing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.applying import batches
from pax8_pipeline.billing.applying.line_writes import ChangedUnderUs, LineWriter, Surprise
from pax8_pipeline.billing.applying.ports import HaloGateway
from pax8_pipeline.billing.applying.read_back import SentWrite
from pax8_pipeline.billing.applying.target_state import TargetState, read_targets
from pax8_pipeline.billing.model import Entry, State
from pax8_pipeline.errors import VendorError, WriteContested, WriteRefused, WriteUnknown


@dataclass
class SentGroup:
    """What became of the writes of a group so far.

    `sent`: to be verified by reading. `final`: nothing was sent, or it is settled already. `surprise`: why the whole
    apply must stop, "" when it need not.
    """

    sent: list[SentWrite] = field(default_factory=list)
    final: list[Entry] = field(default_factory=list)
    surprise: str = ""

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
    lines: LineWriter
    step: Callable[[str], None]

    def send_each(self, actions: Sequence[TargetAction], before: TargetState) -> SentGroup:
        """Send the actions of one recurring invoice one after the other; after a surprise no more of them."""
        group = SentGroup()
        for action in actions:
            if group.surprise:
                group.final.append(Entry(action.change, "skipped", f"not started: {group.surprise}"))
                continue
            try:
                group.sent.append(self.send(action, before, actions))
            except ChangedUnderUs as error:
                group.final.append(Entry(action.change, "drifted", str(error)))
            except Surprise as error:
                group.surprise = f"something changed in a way nobody planned: {error}"
                group.final.append(Entry(action.change, "failed", str(error)))
        return group

    def send_wave(self, actions: Sequence[TargetAction], before: TargetState) -> SentGroup:
        """Send licence writes several to a call. A call whose content was refused is done over one by one, by what each
        licence is then; any other error (rights, limits, network) would meet each of them too.
        """
        group = SentGroup()
        for start in range(0, len(actions), batches.PER_CALL):
            group.sent += self._send_shared(actions[start : start + batches.PER_CALL], before)
        return group

    def send(self, action: TargetAction, before: TargetState, group: Sequence[TargetAction] = ()) -> SentWrite:
        """Send the calls of one action. Raises ChangedUnderUs and Surprise. `group`: the actions it is written with.

        Between two calls the reading decides about the second, whatever the first was answered: a write can be answered
        201 and change nothing (docs/vendors/halo.md#writing).
        """
        notes: list[str] = []
        state: State = "sent"
        calls = action.calls(before.target(action.change))
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
        target = before.target(action.change)
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
            seen = read_targets(self.halo, [action])
        except VendorError:
            return False
        return action.half_done(seen.target(action.change))

    def _send_shared(self, actions: Sequence[TargetAction], before: TargetState) -> list[SentWrite]:
        self.step("before licences")
        rows = [call.fields for action in actions for call in action.calls(before.target(action.change))]
        try:
            reply = self.halo.update_licences(rows)
        except WriteUnknown as error:
            return [_sent(action, "unknown", str(error)) for action in actions]
        except WriteContested as error:
            return [_sent(action, "unknown", str(error), contested=True) for action in actions]
        except WriteRefused as error:
            return [self._send_again(action, before, error) for action in actions]
        except VendorError as error:
            return [_sent(action, "failed", str(error)) for action in actions]
        return [_sent(action, "sent", _answer_text("licences", reply)) for action in actions]

    def _send_again(self, action: TargetAction, before: TargetState, refused: VendorError) -> SentWrite:
        """Send what a refused call held, alone, if it still is as it was: the refusal may be another element's."""
        licence_id = action.change.licence_id or 0
        try:
            now = TargetState(before.headers, {licence_id: self.halo.licence(licence_id)})
        except VendorError as error:
            return _sent(action, "failed", f"{refused}; {error}")
        drift = action.drift(now.target(action.change))
        return _sent(action, "unknown", f"{refused}; {'; '.join(drift)}") if drift else self.send(action, now)


def _sent(action: TargetAction, state: State, *notes: str, contested: bool = False) -> SentWrite:
    return SentWrite(action, Entry(action.change, state, "; ".join(notes)), contested)


def _answer_text(what: str, reply: Any) -> str:
    warning = getattr(reply, "warning", "")
    return f"{what} answered {getattr(reply, 'status', 'ok')}" + (f", warning: {warning}" if warning else "")
