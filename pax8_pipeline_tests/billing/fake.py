"""Halo and Pax8 as apply sees them, in memory, with every way a write can go wrong. No HTTP, no database."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.model import Action, Change, Entry, Plan
from pax8_pipeline.errors import NotFound, ServerFault, WriteRefused, WriteUnknown

TODAY = date(2026, 8, 20)


class Crash(BaseException):
    """The process dies here: nothing of ours may catch it."""


@dataclass
class Rows:
    """A list as the client gives it."""

    objects: Sequence[dict[str, Any]]


@dataclass
class FakeHalo:
    """Recurring invoices and licences. `faults` are taken one per write: ok, lost, not_applied, refused, no_updatelines."""

    invoices: dict[int, dict[str, Any]]
    licence_rows: dict[int, dict[str, Any]]
    faults: list[str] = field(default_factory=list)
    read_faults: int = 0
    applied: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    attempts: int = 0
    side_effect: Any = None

    def recurring_invoice(self, recurring_invoice_id: int) -> dict[str, Any]:
        self._read()
        if recurring_invoice_id not in self.invoices:
            raise NotFound(f"no recurring invoice {recurring_invoice_id}", vendor="Halo", status=404)
        return copy.deepcopy(self.invoices[recurring_invoice_id])

    def licence(self, licence_id: int) -> dict[str, Any]:
        self._read()
        return copy.deepcopy(self.licence_rows[licence_id])

    def update_licence(self, fields: dict[str, Any]) -> None:
        self._write("licence", fields, lambda: self.licence_rows[fields["id"]].update(fields))

    def update_licences(self, rows: Sequence[dict[str, Any]]) -> None:
        def put() -> None:
            for fields in rows:
                self.licence_rows[fields["id"]].update(fields)

        self._write("licences", {"rows": list(rows)}, put)

    def recurring_invoices(self) -> Rows:
        self._read()
        return Rows(copy.deepcopy(list(self.invoices.values())))

    def licences(self) -> Rows:
        self._read()
        return Rows(copy.deepcopy(list(self.licence_rows.values())))

    def update_line(self, line: dict[str, Any]) -> None:
        self._write("line", line, lambda: self._put_line(line))

    def replace_lines(self, header: dict[str, Any]) -> None:
        def put() -> None:
            self.invoices[header["id"]]["lines"] = copy.deepcopy(header["lines"])

        self._write("lines", header, put)

    def _put_line(self, line: dict[str, Any]) -> None:
        for invoice in self.invoices.values():
            invoice["lines"] = [copy.deepcopy(line) if old["id"] == line["id"] else old for old in invoice["lines"]]

    def _read(self) -> None:
        if self.read_faults > 0:
            self.read_faults -= 1
            raise ServerFault("Halo answered 503", vendor="Halo", status=503)

    def _write(self, kind: str, body: dict[str, Any], do: Any) -> None:
        self.attempts += 1
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault == "refused":
            raise WriteRefused("Halo refuses: no", vendor="Halo", status=403)
        if fault == "no_updatelines" and kind == "line":
            raise WriteRefused("no such resource", vendor="Halo", status=404)
        if fault == "not_applied":
            raise WriteUnknown("Halo answered 500", vendor="Halo", status=500)
        do()
        self.applied.append((kind, copy.deepcopy(body)))
        if self.side_effect:
            self.side_effect(self)
        if fault == "lost":
            raise WriteUnknown("the answer was lost", vendor="Halo")


@dataclass
class FakePax8:
    """What Pax8 says of a subscription at the last look."""

    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def subscription(self, subscription_id: str) -> Mapping[str, Any]:
        cancelled = {"status": "Cancelled", "endDate": "2026-08-19T00:00:00Z"}
        return self.subscriptions.get(subscription_id, cancelled)


@dataclass
class MemoryLedger:
    """Keeps entries in order."""

    entries: list[tuple[str, Entry]] = field(default_factory=list)

    def record(self, plan_id: str, entries: Sequence[Entry]) -> None:
        self.entries += [(plan_id, entry) for entry in entries]

    def states(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for _, entry in self.entries:
            found.setdefault(entry.change.row_id, []).append(entry.state)
        return found


def computed_line(line_id: int, licence_id: int, **changes: Any) -> dict[str, Any]:
    """A line that follows one licence."""
    link = {"id": line_id * 10, "licence_id": licence_id, "qty_free": 0, "minimum_qty": 0}
    return {"id": line_id, "ihid": -94, "_itemid": 88, "qty_order": Decimal("1.0"), "unit_price": Decimal("22.10"),
            "unit_cost": Decimal("17.05"), "isinactive": False, "isActive": True, "recurring_invoice_quantity_type": 4,
            "quantity_subscriptions": [link], "quantity_licences": [], "net_amount": Decimal("22.10"),
            "item_shortdescription": "Suite", **changes}  # fmt: skip


def manual_line(line_id: int, quantity: int = 5, **changes: Any) -> dict[str, Any]:
    """A line whose quantity is typed in."""
    base = computed_line(line_id, 0, qty_order=Decimal(quantity))
    return {**base, "recurring_invoice_quantity_type": 0, "quantity_subscriptions": [], **changes}


def licence(licence_id: int, count: int = 5, **changes: Any) -> dict[str, Any]:
    """An active licence."""
    return {"id": licence_id, "client_id": 231, "count": count, "is_active": True, "deleted": False, "name": "Suite",
            "price": Decimal("22.10"), "status": "Active", "end_date": "1900-01-01T00:00:00", **changes}  # fmt: skip


def change(action: Action, after: int | None, *, line: int = 1, licence: int | None = 11, **expect: Any) -> Change:
    """One planned write on recurring invoice -94, seen with quantity 5."""
    manual = action == "set_line_quantity" or licence is None
    seen = {
        "licence_count": None if licence is None else 5,
        "licence_active": None if licence is None else True,
        "line_quantity": "5" if manual else None,
        "line_inactive": False,
        "licences_on_line": None if manual else 1,
        "end_date": "2026-08-19",
    }
    return Change(
        row_id=f"sub-{line}-{licence}", action=action, cls="safe", client_id=231, client_name="Example",
        subscription_id=f"sub-{line}-{licence}", product_name="Suite", recurring_invoice_id=-94, line_id=line,
        licence_id=licence, before="5", after=str(after), quantity_after=None if after is None else Decimal(after),
        currency="USD", money_per_month=Decimal(10), expect={**seen, **expect},
    )  # fmt: skip


def plan(**changes: Any) -> Plan:
    """A plan that may be applied now."""
    now = datetime(2026, 8, 20, 6)
    values: dict[str, Any] = {
        "plan_id": "plan-1", "made_at": now, "expires_at": datetime.max - timedelta(days=2), "run_id": "run-1", "today": TODAY,
        "checksum": "c" * 64, "complete": True, "problem": None, "write_mode": "apply", "rows_considered": 1,
        "rows_safe": 1, "rows_waiting": 0, "rows_blocked": 0, "held": None, "money": {},
    }  # fmt: skip
    return Plan(**{**values, **changes})
