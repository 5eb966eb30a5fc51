"""Sends usage invoices to Halo, once, and says what the answer means for each. Part of `usage_invoices`.

A refusal is certain; anything else without an answer is unknown (docs/vendors/halo.md#writing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.action import DocumentAction
from pax8_pipeline.billing.applying.document_results import id_of
from pax8_pipeline.billing.applying.ports import InvoiceGateway
from pax8_pipeline.billing.model import Entry, State
from pax8_pipeline.errors import VendorError, WriteContested, WriteRefused, WriteUnknown


@dataclass(frozen=True)
class SentDocuments:
    """What Halo answered to one call. `ids`: the invoices that the reply names, by usage key in lower case.

    `content_refused`: Halo did not accept what the call held; otherwise a refusal meets every call (rights, limits).
    """

    actions: Sequence[DocumentAction]
    state: State
    detail: str
    ids: Mapping[str, int] = field(default_factory=dict)
    content_refused: bool = False

    @property
    def taken(self) -> bool:
        """Whether Halo answered that it took them."""
        return self.state == "sent"

    @property
    def unknown(self) -> bool:
        """Whether the answer was lost."""
        return self.state == "unknown"

    @property
    def refused(self) -> bool:
        """Whether Halo, or the client before it, refused the call."""
        return self.state == "failed"

    @property
    def may_be_sent_alone(self) -> bool:
        """Whether each may be accepted alone although all of them together were refused."""
        return self.content_refused and len(self.actions) > 1

    @property
    def entries(self) -> list[Entry]:
        """One entry for each, in order."""
        return [self.entry(action) for action in self.actions]

    def entry(self, action: DocumentAction) -> Entry:
        """Return what is recorded of one of them before the reading."""
        return Entry(action.change, self.state, self.detail)


def send_documents(halo: InvoiceGateway, actions: Sequence[DocumentAction], writer: str) -> SentDocuments:
    """Send the invoices in one call. `writer`: the identity of the data folder that sends them."""
    try:
        if len(actions) == 1:
            reply = halo.create_invoice(actions[0].body(writer))
        else:
            reply = halo.create_invoices([action.body(writer) for action in actions])
    except WriteUnknown as error:
        return SentDocuments(actions, "unknown", str(error))
    except VendorError as error:
        content = isinstance(error, WriteRefused) and not isinstance(error, WriteContested)
        return SentDocuments(actions, "failed", str(error), content_refused=content)
    return SentDocuments(actions, "sent", _answer_text(len(actions), reply), _ids(actions, reply))


def _answer_text(count: int, reply: Any) -> str:
    warning = getattr(reply, "warning", "")
    what = "invoice" if count == 1 else f"{count} invoices in one call"
    return f"{what} answered {getattr(reply, 'status', 'ok')}" + (f", warning: {warning}" if warning else "")


def _ids(actions: Sequence[DocumentAction], reply: Any) -> dict[str, int]:
    """Return the ids that a reply names. A reply of several is read by the keys in it: its order proves nothing."""
    if len(actions) == 1:
        number = id_of(getattr(reply, "saved", None))
        return {} if number is None else {actions[0].key.lower(): number}
    return {
        key: number
        for row in getattr(reply, "rows", ())
        if (number := id_of(row)) is not None
        for key in usage_documents.keys_of(row)
    }
