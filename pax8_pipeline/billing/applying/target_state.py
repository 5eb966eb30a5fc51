"""One reading of the targets of several changes: one by one, or from Halo's lists for a wave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pax8_pipeline.billing.actions.action import TargetAction
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.target import Target
from pax8_pipeline.billing.applying.ports import HaloGateway
from pax8_pipeline.billing.model import Change
from pax8_pipeline.errors import NotFound
from pax8_pipeline.values import id_in_halo

_GONE: Object = {"id": 0, "lines": []}


@dataclass(frozen=True)
class TargetState:
    """Recurring invoices by id, and the licences that matter on them by id."""

    headers: Mapping[int, Object]
    licences: Mapping[int, Object]

    def header(self, change: Change) -> Object:
        """Return the recurring invoice of a change; one without lines when it is gone."""
        return self.headers.get(change.recurring_invoice_id or 0, _GONE)

    def target(self, change: Change) -> Target:
        """Return what a change writes to, as it was read."""
        licence = None if change.licence_id is None else self.licences.get(change.licence_id)
        return Target.of(change, self.header(change), licence)


def read_targets(halo: HaloGateway, actions: Sequence[TargetAction]) -> TargetState:
    """Read the one recurring invoice of some actions and their licences. Raises VendorError, NotFound when one is gone."""
    invoice = actions[0].change.recurring_invoice_id
    if invoice is None:
        raise NotFound("the plan names no recurring invoice", vendor="Halo", where="RecurringInvoice")
    header = halo.recurring_invoice(invoice)
    return TargetState({invoice: header}, {i: halo.licence(i) for i in sorted(_licence_ids(actions))})


def read_wave(halo: HaloGateway, actions: Sequence[TargetAction], *, before_write: bool) -> TargetState:
    """Read a wave: headers from the list; licences one by one right before a write, from the list after it."""
    invoices = {action.change.recurring_invoice_id for action in actions}
    wanted = _licence_ids(actions)
    headers = _by_id(halo.recurring_invoices().objects, invoices)
    if before_write:
        return TargetState(headers, {i: halo.licence(i) for i in sorted(wanted)})
    return TargetState(headers, _by_id(halo.licences().objects, wanted))


def _licence_ids(actions: Iterable[TargetAction]) -> set[int]:
    return {action.change.licence_id for action in actions if action.change.licence_id is not None}


def _by_id(objects: Iterable[Object], wanted: Iterable[int | None]) -> dict[int, Object]:
    ids = set(wanted)
    return {i: found for found in objects if (i := id_in_halo(found.get("id"))) in ids and i}
