"""Action `create_invoice`: one unposted invoice bills a client's usage of a month (docs/architecture.md#write-usage)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self

from pax8_pipeline.billing.actions import usage_invoice
from pax8_pipeline.billing.actions.action import DocumentAction
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.actions.usage_documents import differences, find_matches
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.model import Change


@dataclass(frozen=True)
class InvoiceExpectation:
    """The invoice that is planned. `again`: the plans that made it before, when Halo no longer shows it."""

    usage: UsageInvoice
    again: tuple[str, ...] | None = None

    @classmethod
    def from_json(cls, expect: Mapping[str, Any]) -> InvoiceExpectation:
        """Read the stored JSON. Raises BadExpectation."""
        again = expect.get("again")
        return cls(UsageInvoice.from_json(expect), None if again is None else tuple(again))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON that the plan stores."""
        usage = {"usage": self.usage.to_json()}
        return usage if self.again is None else {**usage, "again": list(self.again)}


@dataclass(frozen=True)
class CreateInvoice(DocumentAction):
    """Make the invoice, once: neither the ledger nor Halo may know its key before."""

    expected: InvoiceExpectation

    name: ClassVar[str] = "create_invoice"
    label: ClassVar[str] = "make a usage invoice"
    is_usage: ClassVar[bool] = True

    @classmethod
    def from_change(cls, change: Change) -> Self:
        """Read what the change expects. Raises BadExpectation."""
        try:
            return cls(change, InvoiceExpectation.from_json(change.expect))
        except BadExpectation as error:
            raise BadExpectation(f"row {change.row_id}: {error}") from error

    @property
    def usage(self) -> UsageInvoice:
        """The planned invoice."""
        return self.expected.usage

    @property
    def key(self) -> str:
        """The usage key."""
        return self.usage.key

    @property
    def first_day(self) -> date:
        """The first day of the usage month: no invoice of it is older."""
        return self.usage.first_day

    @property
    def made_before(self) -> Sequence[str]:
        """The plans that made the invoice before, when it is made again."""
        return self.expected.again or ()

    def validation_errors(self) -> list[str]:
        """Say why it must not be sent, whatever the plan allows."""
        return usage_invoice.validation_errors(self.usage, self.change)

    def body(self, writer: str) -> dict[str, Any]:
        """Return what is sent, with the identity of the data folder that sends it."""
        return self.usage.body(writer)

    def find(self, documents: Iterable[Object]) -> list[Object]:
        """Return the documents that may bill this usage already."""
        return find_matches(self.usage, documents)

    def differences(self, document: Object, *, fresh: bool) -> list[str]:
        """Say how a document differs from the planned one; none means that it is done. `fresh`: made just now."""
        return differences(self.usage, document, fresh=fresh)

    def undo_by_hand(self, detail: str) -> tuple[str, str] | None:
        """Say what a person does: taking back a document is for people (docs/vendors/halo.md#invoice)."""
        found = re.search(r"invoice \d+", detail)
        shown = found[0] if found else "see its key"
        return "usage_invoice", f"a usage invoice is never undone from here: void it in Halo by hand ({shown})"
