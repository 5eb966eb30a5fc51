"""One reading of the targets of several changes: one by one, or from Halo's lists where that takes fewer calls.

Recurring invoices are listed by their clients, licences all together: Halo has no filter for licences of several clients.
A target that a list does not show is read by its id, so nothing is concluded from a row that is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pax8_pipeline.billing.actions.action import TargetAction
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.target import Target
from pax8_pipeline.billing.applying.ports import HaloGateway
from pax8_pipeline.billing.model import Change
from pax8_pipeline.errors import NotFound
from pax8_pipeline.values import id_in_halo

LIST_FROM = 10  # a list whose length is not known yet is read for more rows than that
FILTERED_FROM = 3  # the same for a list of few clients
CLIENTS_A_CALL = 150  # so that no address gets too long
_GONE: Object = {"id": 0, "lines": []}


@dataclass(frozen=True)
class Listed:
    """Which rows of a reading came from Halo's lists; the others were read one by one."""

    invoices: bool = False
    licences: bool = False


@dataclass(frozen=True)
class TargetState:
    """Recurring invoices by id, and the licences that matter on them by id.

    `details`: recurring invoices that were read one by one although `headers` are from the list, because a line of
    theirs is sent whole and the list may show less of it.
    """

    headers: Mapping[int, Object]
    licences: Mapping[int, Object]
    listed: Listed
    details: Mapping[int, Object] = field(default_factory=dict)

    def header(self, change: Change) -> Object:
        """Return the recurring invoice of a change; one without lines when it is gone."""
        return self.headers.get(change.recurring_invoice_id or 0, _GONE)

    def target(self, change: Change) -> Target:
        """Return what a change writes to, to be compared with another reading."""
        return Target.of(change, self.header(change), self._licence(change))

    def to_write(self, change: Change) -> Target:
        """Return what a change writes to, with all that Halo shows of it."""
        detail = self.details.get(change.recurring_invoice_id or 0)
        return Target.of(change, self.header(change) if detail is None else detail, self._licence(change))

    def _licence(self, change: Change) -> Object | None:
        return None if change.licence_id is None else self.licences.get(change.licence_id)


@dataclass
class _Source:
    """Rows of one kind: from a list when that takes fewer calls than reading each of them.

    `all_of` returns the rows of some clients, or of more, and how many calls that took. `list_calls`: how many it takes,
    as far as is known.
    """

    one: Callable[[int], Object]
    all_of: Callable[[Sequence[int]], tuple[list[Object], int]]
    list_calls: int

    def listed(self, ids: Collection[int]) -> bool:
        """Return whether to read the list."""
        return len(ids) > self.list_calls

    def read(self, ids: Iterable[int], clients: Sequence[int], *, listed: bool) -> dict[int, Object]:
        """Return the rows that Halo has, by id. `clients`: whose they are. Raises VendorError."""
        wanted = sorted(set(ids))
        rows: list[Object] = []
        if listed:
            rows, self.list_calls = self.all_of(clients)
        found = {i: row for row in rows if (i := id_in_halo(row.get("id"))) in wanted and i}
        single = {i: row for i in wanted if i not in found and (row := self._one_or_none(i)) is not None}
        return found | single

    def _one_or_none(self, row_id: int) -> Object | None:
        try:
            return self.one(row_id)
        except NotFound:
            return None


@dataclass
class TargetReader:
    """Reads what the changes of one apply write to. Two readings of a group come from the same source, so that a
    difference between them is a change and not another way of showing the same.

    `licence_calls`: how many calls Halo's list of licences took when it was read last; None when nobody knows.
    """

    halo: HaloGateway
    licence_calls: int | None = None

    def __post_init__(self) -> None:
        """Name the two kinds of rows."""
        known = LIST_FROM if self.licence_calls is None else self.licence_calls
        self._invoices = _Source(self.halo.recurring_invoice, self._recurring_of, min(LIST_FROM, FILTERED_FROM))
        self._licences = _Source(self.halo.licence, self._all_licences, known)

    def read(self, actions: Sequence[TargetAction]) -> TargetState:
        """Read what the actions write to, before a write. Raises VendorError."""
        listed = Listed(self._invoices.listed(_invoice_ids(actions)), self._licences.listed(_licence_ids(actions)))
        state = self.read_again(actions, listed)
        if not listed.invoices:
            return state
        sent_whole = [action for action in actions if action.line_member]
        details = self._invoices.read(_invoice_ids(sent_whole), _clients(sent_whole), listed=False)
        return replace(state, details=details)

    def read_again(self, actions: Sequence[TargetAction], listed: Listed) -> TargetState:
        """Read what the actions write to, after a write, as the reading `listed` was made. Raises VendorError."""
        clients = _clients(actions)
        return TargetState(
            self._invoices.read(_invoice_ids(actions), clients, listed=listed.invoices),
            self._licences.read(_licence_ids(actions), clients, listed=listed.licences),
            listed,
        )

    def read_alone(self, action: TargetAction) -> TargetState:
        """Read what one action writes to, whatever was read before. Raises VendorError."""
        return self.read_again([action], Listed())

    def _recurring_of(self, clients: Sequence[int]) -> tuple[list[Object], int]:
        parts = [clients[start : start + CLIENTS_A_CALL] for start in range(0, len(clients), CLIENTS_A_CALL)]
        lists = [self.halo.recurring_invoices_of(part) for part in parts]
        return [row for rows in lists for row in rows.objects], sum(rows.requests for rows in lists)

    def _all_licences(self, _: Sequence[int]) -> tuple[list[Object], int]:
        rows = self.halo.licences()
        return list(rows.objects), rows.requests


def _invoice_ids(actions: Iterable[TargetAction]) -> set[int]:
    return {i for action in actions if (i := action.change.recurring_invoice_id) is not None}


def _licence_ids(actions: Iterable[TargetAction]) -> set[int]:
    return {i for action in actions if (i := action.change.licence_id) is not None}


def _clients(actions: Iterable[TargetAction]) -> list[int]:
    return sorted({i for action in actions if (i := action.change.client_id) is not None})
