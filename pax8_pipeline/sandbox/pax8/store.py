"""The state of the emulated Pax8: what is true, before it is spelt for an answer.

It has rows, their ids, the history of subscriptions, tokens, saving and loading. How a row looks in an answer is in
`wire.py`, usage figures are in `usage.py`, invoice items in `invoice_items.py`, HTTP in `api.py`.

Rows are plain JSON-able dicts in one canonical form: member names of docs/vendors/pax8.md, dates `yyyy-mm-dd`, moments
`yyyy-mm-ddThh:mm:ss.mmm` in UTC, money as Decimal, nothing missing. Members that start with `_` are internal and never
answered.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from pax8_pipeline.sandbox.pax8.switches import Pax8Switches

Row = dict[str, Any]

TOKEN_LIFE_SECONDS = 86400
EXAMPLE_PARTNERS = ("Example MSP LLC", "Example MSP UK Ltd")  # the second is a child partner with its own invoices


class Pax8Store:
    """One partner's view of Pax8. `now` returns the moment of the world's clock (aware UTC).

    Rows may be read freely. Change them with the methods, which update the indices and the revision, under `store.lock`
    while a server runs. The keys of all dicts are ids in lower case.
    """

    def __init__(self, *, now: Callable[[], datetime], switches: Pax8Switches | None = None) -> None:
        self.now = now
        self.switches = switches or Pax8Switches()
        self.lock = threading.RLock()
        self.companies: dict[str, Row] = {}
        self.products: dict[str, Row] = {}
        self.subscriptions: dict[str, Row] = {}
        self.history: dict[str, list[Row]] = {}  # snapshots oldest first; the last one is equal to the row itself
        self.groups: dict[str, Row] = {}  # usage summaries, see `usage.py`
        self.groups_of: dict[str, list[str]] = defaultdict(list)
        self.subscriptions_of: dict[str, list[str]] = defaultdict(list)
        self.invoices: dict[str, Row] = {}
        self.extra_items: list[Row] = []  # requested invoice items, see `world/usage_events.py`
        self.write_attempts: list[Row] = []
        self.revision = 0  # changes with every change of a row
        self._tokens: dict[str, datetime] = {}
        self._tokens_issued = 0

    @property
    def today(self) -> date:
        """The world's calendar day."""
        return self.now().date()

    # Rows -------------------------------------------------------------------------------------------------

    def add_company(self, row: Row) -> Row:
        """Store a company; return the row."""
        return self._keep(self.companies, row)

    def add_product(self, row: Row) -> Row:
        """Store a product (its metered components, if any, are in `_components`)."""
        return self._keep(self.products, row)

    def add_subscription(self, row: Row, past: list[Row] | None = None) -> Row:
        """Store a subscription; `past` has earlier snapshots, oldest first."""
        self.subscriptions_of[row["companyId"]].append(row["id"])
        if past:
            self.history[row["id"]] = [*past, dict(row)]
        return self._keep(self.subscriptions, row)

    def change_subscription(self, subscription_id: str, fields: Mapping[str, Any], *, at: str | None = None) -> Row:
        """Set members of a subscription and append a snapshot to its history; returns the row.

        `at` is the moment of the change as `yyyy-mm-ddThh:mm:ss.mmm` (UTC), now unless given. Raises KeyError
        for an unknown id or member.
        """
        row = self.subscriptions[subscription_id.lower()]
        for name in fields:
            if name not in row:
                raise KeyError(f"a subscription has no member {name}")
        snapshots = self.history.setdefault(row["id"], [dict(row)])
        row.update(fields)
        row["updatedDate"] = at or moment_text(self.now())
        snapshots.append(dict(row))
        self.touch()
        return row

    def change_company(self, company_id: str, fields: Mapping[str, Any]) -> Row:
        """Set members of a company; raises KeyError for an unknown id or member."""
        return self._change(self.companies, company_id, fields)

    def add_group(self, row: Row) -> Row:
        """Store a usage group (one customer at the vendor under a usage subscription)."""
        self.groups_of[row["subscriptionId"]].append(row["id"])
        return self._keep(self.groups, row)

    def change_group(self, group_id: str, fields: Mapping[str, Any]) -> Row:
        """Set members of a usage group, such as `companyId` with `_assignment` when a person links it in the portal."""
        return self._change(self.groups, group_id, fields)

    def add_invoice(self, row: Row) -> Row:
        """Store an invoice (the calendar is in `invoices.py`)."""
        return self._keep(self.invoices, row)

    def change_invoice(self, invoice_id: str, fields: Mapping[str, Any]) -> Row:
        """Set members of an invoice, such as its status."""
        return self._change(self.invoices, invoice_id, fields)

    def touch(self) -> None:
        """Mark the rows as changed, so that nothing that was made from them is used again."""
        self.revision += 1

    def _keep(self, rows: dict[str, Row], row: Row) -> Row:
        rows[row["id"]] = row
        self.touch()
        return row

    def _change(self, rows: dict[str, Row], row_id: str, fields: Mapping[str, Any]) -> Row:
        row = rows[row_id.lower()]
        for name in fields:
            if name not in row:
                raise KeyError(f"there is no member {name}")
        row.update(fields)
        self.touch()
        return row

    # History ----------------------------------------------------------------------------------------------

    def snapshots(self, subscription_id: str) -> list[Row]:
        """All snapshots of a subscription, oldest first; the row itself when it never changed."""
        return self.history.get(subscription_id) or [self.subscriptions[subscription_id]]

    def as_of(self, subscription_id: str, day: date) -> Row:
        """Return the subscription at the end of `day` (its oldest snapshot, if that is younger)."""
        snapshots = self.history.get(subscription_id)
        if not snapshots:
            return self.subscriptions[subscription_id]
        until = day.isoformat()
        for snapshot in reversed(snapshots):
            if (snapshot["updatedDate"] or "")[:10] <= until:
                return snapshot
        return snapshots[0]

    # Tokens -----------------------------------------------------------------------------------------------

    def issue_token(self) -> tuple[str, datetime]:
        """Return a new bearer token and the moment when it expires."""
        self._tokens_issued += 1
        expires = self.now() + timedelta(seconds=TOKEN_LIFE_SECONDS)
        body = hashlib.sha256(f"pax8:{self._tokens_issued}:{expires}".encode()).hexdigest()
        token = f"eyJzYW5kYm94IjoicGF4OCJ9.{body}"
        self._tokens[token] = expires
        return token, expires

    def token_lives(self, token: str) -> bool:
        """True for a bearer token that is known and not expired."""
        expires = self._tokens.get(token)
        return expires is not None and self.now() < expires

    def expire_tokens(self) -> None:
        """Make all tokens issued so far invalid."""
        with self.lock:
            self._tokens.clear()

    # Saving -----------------------------------------------------------------------------------------------

    _ROWS = ("companies", "products", "subscriptions", "groups", "invoices")

    def to_json(self) -> dict[str, Any]:
        """The whole state without tokens and clock; rows are shared with the store."""
        data: dict[str, Any] = {name: list(getattr(self, name).values()) for name in self._ROWS}
        data["history"] = self.history
        data["extra_items"] = self.extra_items
        data["write_attempts"] = self.write_attempts
        data["switches"] = self.switches.to_json()
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, now: Callable[[], datetime]) -> Pax8Store:
        """The inverse of `to_json`."""
        store = cls(now=now, switches=Pax8Switches.from_json(data["switches"]))
        for name in cls._ROWS:
            getattr(store, name).update({row["id"]: row for row in data[name]})
        for row in store.subscriptions.values():
            store.subscriptions_of[row["companyId"]].append(row["id"])
        for row in store.groups.values():
            store.groups_of[row["subscriptionId"]].append(row["id"])
        store.history = data["history"]
        store.extra_items = data.get("extra_items", [])
        store.write_attempts = data["write_attempts"]
        return store


def moment_text(moment: datetime) -> str:
    """A moment in the canonical form of this store."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
