"""Reads the documents of Halo in which usage keys are searched, with few calls. Part of `usage_invoices`.

Contains: which calls a search takes, and when a list of several clients is believed. Does not contain: what a document
that was found means (`document_results`), writing.

Whether Halo takes several clients in one filter is not documented (docs/vendors/halo.md#lists), and a filter that hides
an invoice would bill a month twice. So such a list counts for a search before a write only after it showed, in this
apply, invoices of several clients that must be there; and each time it must show those again. Otherwise the invoices of
all clients are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.action import DocumentAction
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.applying.ports import InvoiceGateway

DAYS_AHEAD = 40  # later invoices are not looked for (docs/architecture.md#write-usage)
CLIENTS_A_CALL = 50  # so that no address gets too long
ONE_BY_ONE = 4  # so many clients are asked one by one rather than reading the invoices of all clients


@dataclass
class DocumentSearch:
    """The searches of one apply. `planned`: all documents that it is to make. `seen`: documents with a usage key that
    the searches showed. `made`: what it made.
    """

    halo: InvoiceGateway
    today: date
    planned: Sequence[DocumentAction]
    seen: list[Object] = field(default_factory=list, init=False)
    made: list[DocumentAction] = field(default_factory=list, init=False)
    _several_proven: bool = field(default=False, init=False)
    _recurring: list[Object] | None = field(default=None, init=False)

    @property
    def last_day(self) -> date:
        """The last day that a search covers."""
        return self.today + timedelta(days=DAYS_AHEAD)

    def before(self, actions: Sequence[DocumentAction]) -> list[Object]:
        """Return the ordinary invoices of the clients of `actions`, before these are written. Raises VendorError."""
        clients = _clients(actions)
        if self._several_proven:
            return self._of_several(actions, self.made[-1:])
        if len(clients) <= ONE_BY_ONE:
            first = _first_day(actions)
            return _each_once(document for client in clients for document in self._read(first, [client]))
        return self._read(_first_day(actions))

    def after(self, actions: Sequence[DocumentAction], taken: Sequence[DocumentAction]) -> list[Object]:
        """Return the same after they were written. `taken`: those that Halo answered that it took. Raises VendorError."""
        clients = _clients(actions)
        if len(clients) == 1:
            return self._read(_first_day(actions), clients)
        return self._of_several(actions, taken)

    def of_all_made(self) -> list[Object]:
        """Return the invoices of the clients for which this apply made one. Raises VendorError."""
        return _each_once(document for part in _parts(self.made) for document in self.after(part, part))

    def recurring(self) -> list[Object]:
        """Return the recurring invoices of the clients of `planned`; they are read once. Raises VendorError."""
        if self._recurring is None:
            self._recurring = self._read_recurring()
        return self._recurring

    def _read_recurring(self) -> list[Object]:
        found: list[Object] = []
        for part in _parts(self.planned):
            clients = _clients(part)
            shown = self.halo.recurring_invoices_of(clients).objects
            # Rows of two clients show that the filter is not read as one client.
            if len(clients) > 1 and len({row.get("client_id") for row in shown} - {None}) < 2:
                return list(self.halo.recurring_invoices().objects)
            found += shown
        return found

    def _of_several(self, actions: Sequence[DocumentAction], certain: Sequence[DocumentAction]) -> list[Object]:
        """Return the invoices of several clients; of all clients when the list does not show what is `certain`."""
        if len(_clients(certain)) > 1 or (certain and self._several_proven):
            # What must be shown is named last: a Halo that reads only the first so many clients does not show it.
            last = _clients(certain)
            clients = [client for client in _clients(actions) if client not in last] + last
            found = self._read(_first_day([*actions, *certain]), clients)
            if _keys(certain) <= {key for document in found for key in usage_documents.keys_of(document)}:
                self._several_proven = True
                return found
            self._several_proven = False
        return self._read(_first_day(actions))

    def _read(self, first: date, clients: Sequence[int] = ()) -> list[Object]:
        found = list(self.halo.invoices(first, self.last_day, clients).objects)
        known = {document.get("id") for document in self.seen}
        self.seen += [d for d in found if d.get("id") not in known and usage_documents.keys_of(d)]
        return found


def _clients(actions: Iterable[DocumentAction]) -> list[int]:
    return sorted({client for action in actions if (client := action.change.client_id) is not None})


def _each_once(documents: Iterable[Object]) -> list[Object]:
    """Return the documents of several lists: one that two of them show is one document."""
    return list({document.get("id"): document for document in documents}.values())


def _keys(actions: Iterable[DocumentAction]) -> set[str]:
    return {action.key.lower() for action in actions}


def _first_day(actions: Sequence[DocumentAction]) -> date:
    return min(action.first_day for action in actions)


def _parts(actions: Sequence[DocumentAction]) -> Iterator[Sequence[DocumentAction]]:
    for start in range(0, len(actions), CLIENTS_A_CALL):
        yield actions[start : start + CLIENTS_A_CALL]
