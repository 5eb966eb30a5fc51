"""Writes one line of a recurring invoice: alone, or with its whole invoice where Halo has no call for one line
(docs/vendors/halo.md#writing, #line, docs/architecture.md#write-quantity).

The whole invoice is the most dangerous write there is: a line that is not sent with it is deleted. It is sent only when
policy allows it, after a refusal that means "no such call" (404, 405), and when `change_seq` can show that nobody else
saved the invoice meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pax8_pipeline.billing.actions import differences
from pax8_pipeline.billing.actions.action import TargetAction, line_members_allowed
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.target import change_number, lines_by_id
from pax8_pipeline.billing.applying.ports import HaloGateway
from pax8_pipeline.errors import PipelineError, VendorError, WriteContested, WriteRefused, WriteUnknown
from pax8_pipeline.settings import LineFallback
from pax8_pipeline.values import id_in_halo

NO_SUCH_CALL = (404, 405)


class ChangedUnderUs(PipelineError):
    """Nothing was sent: the target is not as it was read a moment ago."""


class Surprise(PipelineError):
    """A write was sent, and what Halo shows differs in a way nobody planned: nothing more is written in this run."""


@dataclass
class LineWriter:
    """Writes the lines of one apply. Remembers that this Halo has no call for single lines, once that was found."""

    halo: HaloGateway
    fallback: LineFallback = "off"
    _no_such_call: WriteRefused | None = field(default=None, init=False)

    def write(self, group: Sequence[TargetAction], before: Object, line: Object, member: dict[str, Any]) -> Any:
        """Save `line` of the recurring invoice `before` with one member changed; return Halo's reply.

        `group`: all actions that are written to this invoice together. Raises what the gateway raises, ChangedUnderUs
        and Surprise. One whole line is sent: one element cannot drop other lines, a whole one blanks no member.
        """
        if self._no_such_call is not None:
            return self._whole_invoice(group, before, id_in_halo(line.get("id")) or 0, member)
        try:
            return self.halo.update_line(whole_line(before, line, member))
        except WriteRefused as refused:
            if refused.status not in NO_SUCH_CALL:
                raise
            if self.fallback == "off":
                raise _refused(
                    f"{refused} Where the line is still there, this Halo has no call for single lines: set the quantity "
                    "by hand, or allow halo.line_fallback: whole_invoice in policy.yaml (docs/operating.md#line-fallback says what that risks)",
                    refused,
                ) from refused
            return self._whole_invoice(group, before, id_in_halo(line.get("id")) or 0, member, refused)

    def _whole_invoice(
        self,
        group: Sequence[TargetAction],
        before: Object,
        line_id: int,
        member: dict[str, Any],
        refused: WriteRefused | None = None,
    ) -> Any:
        """Send the recurring invoice with every line as it is now, and read at once what that did."""
        now = self.halo.recurring_invoice(id_in_halo(before.get("id")) or 0)
        found = _changes_since(group, before, now, line_id)
        if found:
            raise ChangedUnderUs(f"not sent, it changed since it was read: {'; '.join(found)}")
        self._no_such_call = refused or self._no_such_call  # the line is there: it is the call that is not
        number = change_number(now)
        if number is None:
            raise _refused(
                f"not sent: recurring invoice {now['id']} shows no change_seq, so nobody could see whether somebody "
                "else saves it meanwhile; set the quantity by hand",
                self._no_such_call,
            )
        return self._replace_lines(now, number, line_id, member)

    def _replace_lines(self, now: Object, number: int, line_id: int, member: dict[str, Any]) -> Any:
        lines = [sendable(line, member if i == line_id else {}) for i, line in lines_by_id(now).items()]
        header = {"id": now["id"], "client_id": now.get("client_id"), "change_seq": number, "lines": lines}
        lost: WriteUnknown | WriteContested | None = None
        reply: Any = None
        try:
            reply = self.halo.replace_lines(header)
        except (WriteUnknown, WriteContested) as error:
            lost = error
        self._check_whole_invoice(now, number, line_id, member, lost)
        if lost is not None:
            raise lost
        return reply

    def _check_whole_invoice(
        self, now: Object, number: int, line_id: int, member: dict[str, Any], lost: VendorError | None
    ) -> None:
        """Raise Surprise unless exactly one saving changed exactly one member of one line, or nothing happened at all."""
        try:
            after = self.halo.recurring_invoice(id_in_halo(now.get("id")) or 0)
        except VendorError as error:
            message = f"{lost or 'the whole recurring invoice was sent'}; not read back: {error}"
            raise WriteUnknown(message, vendor="Halo", where="POST /RecurringInvoice") from error
        saves = (change_number(after) or 0) - number
        found = differences.all_but_one_member(now, after, line_id, next(iter(member)))
        if saves != 1 and not (saves == 0 and not found):
            found.append(
                f"change_seq went from {number} to {change_number(after)}, one saving of ours moves it by one: "
                "somebody else saved the invoice too"
            )
        if found:
            raise Surprise(f"recurring invoice {now['id']}, sent whole: {'; '.join(found)}")


def _changes_since(group: Sequence[TargetAction], before: Object, now: Object, line_id: int) -> list[str]:
    """Say what is no longer as it was read, beside what our own writes of this group did; added lines count."""
    old, new = lines_by_id(before).get(line_id), lines_by_id(now).get(line_id)
    found = differences.unplanned(line_members_allowed(group), before, now)
    found += differences.lines_added(before, now)
    if old is not None and new is not None:
        found += [s for s in differences.line_differences(old, new) if s not in found]
    if any(i < 0 for i in lines_by_id(now)):
        found.append("it has a line whose id cannot be read")
    if now.get("disabled"):
        found.append("the recurring invoice is disabled")
    return found


def _refused(text: str, cause: WriteRefused | None) -> WriteRefused:
    return WriteRefused(text, vendor="Halo", where="POST /RecurringInvoice", status=cause.status if cause else None)


def whole_line(header: Object, line: Object, member: dict[str, Any]) -> dict[str, Any]:
    """Return a line of a recurring invoice to be sent whole, with one member changed."""
    return sendable({**line, "ihid": line.get("ihid") or header["id"]}, member)


def sendable(line: Object, change: dict[str, Any]) -> dict[str, Any]:
    """Return a line fit to be sent: all members as read but Halo's own computed money and its read-only `isActive`."""
    members = {k: v for k, v in line.items() if not differences.is_computed_money(k) and k != "isActive"}
    return {**members, **change}
