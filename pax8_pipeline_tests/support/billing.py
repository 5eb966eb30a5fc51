"""Halo and Pax8 as apply uses them, in memory, with every way in which a write can fail. No HTTP, no database."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.model import Change, Entry, Plan, WriteStatus
from pax8_pipeline.errors import NotFound, RateLimited, ServerFault, WriteContested, WriteRefused, WriteUnknown

TODAY = date(2026, 8, 20)
WAIT = timedelta(hours=6)  # policy unknown_wait_hours


class Crash(BaseException):
    """The process dies here. The product must not catch it."""


@dataclass
class Rows:
    """A list as the client returns it."""

    objects: Sequence[dict[str, Any]]
    requests: int = 1


@dataclass
class Reply:
    """The client's answer to a write."""

    saved: dict[str, Any] | None
    status: int = 201
    warning: str = ""
    rows: Sequence[dict[str, Any]] = ()


def as_halo_keeps(number: int, invoice: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An ordinary invoice as Halo shows it after it was sent."""
    lines = [{**line, "id": number * 10 + n, "ihid": number} for n, line in enumerate(invoice["lines"])]
    return copy.deepcopy({**invoice, "id": number, "posted": False, "voided": False, "lines": lines, **changes})


@dataclass
class FakeHalo:
    """Recurring invoices (`headers`), licences, ordinary invoices (`documents`).

    `faults` are used up, one for each write: ok, lost, not_applied, refused, limited, no_updatelines, locked (400 on a
    line), ignored (accepted and nothing changed), contested (another user saved at the same time), late (no answer, and
    the data appears only after `catch_up`). `before_write` is called when a write arrives: another person's change
    between our reading and our write.
    """

    headers: dict[int, dict[str, Any]]
    licence_rows: dict[int, dict[str, Any]]
    faults: list[str] = field(default_factory=list)
    read_faults: int = 0
    applied: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    attempts: int = 0
    side_effect: Any = None
    before_write: Any = None
    before_refusal: Any = None
    documents: dict[int, dict[str, Any]] = field(default_factory=dict)
    replies: bool = True  # a reply names what was created
    pending: list[Any] = field(default_factory=list)
    reads: int = 0
    saved_of_a_call: int | None = None  # how many elements of one call are saved; None: all
    hidden_in_lists: tuple[str, ...] = ()  # members of a line that the list of recurring invoices leaves out
    client_rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    searches: list[tuple[int, ...]] = field(default_factory=list)  # the clients of each list of invoices
    clients_in_a_filter: int | None = None  # a filter with several clients shows only so many of them; None: all

    def recurring_invoice(self, recurring_invoice_id: int) -> dict[str, Any]:
        self._read()
        if recurring_invoice_id not in self.headers:
            raise NotFound(f"no recurring invoice {recurring_invoice_id}", vendor="Halo", status=404)
        return copy.deepcopy(self.headers[recurring_invoice_id])

    def licence(self, licence_id: int) -> dict[str, Any]:
        self._read()
        if licence_id not in self.licence_rows:
            raise NotFound(f"no licence {licence_id}", vendor="Halo", status=404)
        return copy.deepcopy(self.licence_rows[licence_id])

    def update_licence(self, fields: dict[str, Any]) -> None:
        self._write("licence", fields, lambda: self.licence_rows[fields["id"]].update(fields))

    def update_licences(self, rows: Sequence[dict[str, Any]]) -> None:
        def put() -> None:
            for fields in rows[: self.saved_of_a_call]:
                self.licence_rows[fields["id"]].update(fields)

        self._write("licences", {"rows": list(rows)}, put)

    def recurring_invoices(self) -> Rows:
        self._read()
        rows = copy.deepcopy(list(self.headers.values()))
        for line in (line for row in rows for line in row["lines"]):
            for name in self.hidden_in_lists:
                line.pop(name, None)
        return Rows(rows)

    def licences(self) -> Rows:
        self._read()
        return Rows(copy.deepcopy(list(self.licence_rows.values())))

    def licences_of(self, client_id: int) -> Rows:
        return Rows([row for row in self.licences().objects if row["client_id"] == client_id])

    def clients(self) -> Rows:
        self._read()
        return Rows([{**copy.deepcopy(row), "customfields": None} for row in self.client_rows.values()])

    def client(self, client_id: int) -> dict[str, Any]:
        self._read()
        return copy.deepcopy(self.client_rows[client_id])

    def create_client(self, client: dict[str, Any]) -> Reply:
        def put() -> dict[str, Any]:
            number = max(self.client_rows, default=900) + 1
            self.client_rows[number] = {"id": number, "inactive": False, **copy.deepcopy(client)}
            return self.client_rows[number]

        return self._create("client", client, put)

    def create_licence(self, licence: dict[str, Any]) -> Reply:
        def put() -> dict[str, Any]:
            number = max(self.licence_rows, default=4100) + 1
            self.licence_rows[number] = {"id": number, "deleted": False, **copy.deepcopy(licence)}
            return self.licence_rows[number]

        return self._create("licence", licence, put)

    def create_line(self, line: dict[str, Any]) -> Reply:
        def put() -> dict[str, Any]:
            header = self.headers[line["ihid"]]
            header["lines"].append({"id": max(old["id"] for old in header["lines"]) + 1, **copy.deepcopy(line)})
            self._saved(header)
            return dict(header["lines"][-1])

        return self._create("line", line, put)

    def _create(self, kind: str, body: dict[str, Any], put: Callable[[], dict[str, Any]]) -> Reply:
        made: list[dict[str, Any]] = []
        self._write(f"new {kind}", body, lambda: made.append(put()))
        return Reply(copy.deepcopy(made[0]) if made and self.replies else None)

    def update_line(self, line: dict[str, Any]) -> None:
        self._write("line", line, lambda: self._put_line(line))

    def update_lines(self, lines: Sequence[dict[str, Any]]) -> None:
        def put() -> None:
            for line in lines[: self.saved_of_a_call]:
                self._put_line(line)

        self._write("line", {"rows": list(lines)}, put)

    def replace_lines(self, header: dict[str, Any]) -> None:
        def put() -> None:
            self.headers[header["id"]]["lines"] = copy.deepcopy(header["lines"])
            self._saved(self.headers[header["id"]])

        self._write("lines", header, put)

    def invoices(self, start: date, end: date, client_ids: Collection[int] = ()) -> Rows:
        self._read()
        self.searches.append(tuple(client_ids))
        span = (start.isoformat(), end.isoformat())
        found = [d for d in self.documents.values() if span[0] <= d["invoice_date"][:10] <= span[1]]
        return Rows(copy.deepcopy(self._of_clients(found, client_ids)))

    def recurring_invoices_of(self, client_ids: Collection[int]) -> Rows:
        return Rows(self._of_clients(list(self.recurring_invoices().objects), client_ids))

    def _of_clients(self, rows: list[dict[str, Any]], client_ids: Collection[int]) -> list[dict[str, Any]]:
        believed = list(client_ids)[: self.clients_in_a_filter]
        return [row for row in rows if not client_ids or row.get("client_id") in believed]

    def invoice(self, invoice_id: int) -> dict[str, Any]:
        self._read()
        if invoice_id not in self.documents:
            raise NotFound(f"no invoice {invoice_id}", vendor="Halo", status=404)
        return copy.deepcopy(self.documents[invoice_id])

    def create_invoice(self, invoice: dict[str, Any]) -> Reply:
        stored: list[int] = []

        def put() -> None:
            stored.append(self._next_document())
            self.documents[stored[0]] = as_halo_keeps(stored[0], invoice)

        self._write("invoice", invoice, put)
        return Reply(copy.deepcopy(self.documents.get(stored[0])) if self.replies else None)

    def create_invoices(self, invoices: Sequence[dict[str, Any]]) -> Reply:
        stored: list[int] = []

        def put() -> None:
            for invoice in invoices[: self.saved_of_a_call]:
                stored.append(self._next_document())
                self.documents[stored[-1]] = as_halo_keeps(stored[-1], invoice)

        self._write("invoices", {"rows": list(invoices)}, put)
        rows = [copy.deepcopy(self.documents[number]) for number in stored if number in self.documents]
        return Reply(None, rows=rows if self.replies else ())

    def catch_up(self) -> None:
        """Do now what Halo did too slowly."""
        while self.pending:
            self.pending.pop(0)()

    def _next_document(self) -> int:
        return max(self.documents, default=51800) + 1

    def _put_line(self, line: dict[str, Any]) -> None:
        for invoice in self.headers.values():
            if any(old["id"] == line["id"] for old in invoice["lines"]):
                invoice["lines"] = [copy.deepcopy(line) if old["id"] == line["id"] else old for old in invoice["lines"]]
                self._saved(invoice)

    def _saved(self, invoice: dict[str, Any]) -> None:
        """Count every save of a recurring invoice, where this Halo shows it."""
        if "change_seq" in invoice:
            invoice["change_seq"] += 1

    def _read(self) -> None:
        self.reads += 1
        if self.read_faults > 0:
            self.read_faults -= 1
            raise ServerFault("Halo answered 503", vendor="Halo", status=503)

    def _write(self, kind: str, body: dict[str, Any], do: Any) -> None:
        self.attempts += 1
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault == "limited":
            raise RateLimited("Halo answered 429 for too long", vendor="Halo", status=429)
        if fault == "refused":
            raise WriteRefused("Halo refuses: no", vendor="Halo", status=403)
        if fault == "no_updatelines" and kind == "line":
            raise WriteRefused("no such resource", vendor="Halo", status=404)
        if fault == "locked" and kind == "line":
            raise WriteRefused("Halo refuses: this period is locked", vendor="Halo", status=400)
        if fault == "contested":
            if self.before_refusal:
                self.before_refusal(self)
            raise WriteContested("expected to affect 1 row, affected 0", vendor="Halo", status=400)
        if self.before_write:
            self.before_write(self, kind)
        if fault == "ignored":
            return
        if fault == "not_applied":
            raise WriteUnknown("Halo answered 500", vendor="Halo", status=500)
        if fault == "late":
            self.pending.append(do)
            raise WriteUnknown("no answer in time", vendor="Halo")
        do()
        self.applied.append((kind, copy.deepcopy(body)))
        if self.side_effect:
            self.side_effect(self)
        if fault == "lost":
            raise WriteUnknown("the answer was lost", vendor="Halo")


@dataclass
class FakePax8:
    """What Pax8 says about a subscription when apply reads it again."""

    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def subscription(self, subscription_id: str) -> Mapping[str, Any]:
        cancelled = {"status": "Cancelled", "endDate": "2026-08-19T00:00:00Z"}
        return self.subscriptions.get(subscription_id, cancelled)


@dataclass
class MemoryLedger:
    """Keeps entries in order, and when each was recorded by its clock."""

    entries: list[tuple[str, Entry]] = field(default_factory=list)
    clock: Callable[[], datetime] = lambda: datetime(2026, 8, 20, 6)
    times: list[datetime] = field(default_factory=list)
    known: list[str] = field(default_factory=list)  # usage keys that an earlier run saw for the client

    def record(self, plan_id: str, entries: Sequence[Entry]) -> None:
        self.entries += [(plan_id, entry) for entry in entries]
        self.times += [self.clock() for _ in entries]

    def write_history(self, row_id: str) -> list[WriteStatus]:
        same = [(p, e) for p, e in self.entries if e.change.row_id.lower() == row_id.lower()]
        last = {p: e.state for p, e in same}
        return [WriteStatus(p, s, any(e.state == "claimed" for q, e in same if q == p)) for p, s in last.items()]

    def documents_of(self, client_id: int | None, start: date, end: date) -> list[str]:
        return list(self.known)

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
    """A line with its own quantity."""
    base = computed_line(line_id, 0, qty_order=Decimal(quantity))
    return {**base, "recurring_invoice_quantity_type": 0, "quantity_subscriptions": [], **changes}


def licence(licence_id: int, count: int = 5, **changes: Any) -> dict[str, Any]:
    """An active licence."""
    return {"id": licence_id, "client_id": 231, "count": count, "is_active": True, "deleted": False, "name": "Suite",
            "price": Decimal("22.10"), "status": "Active", "end_date": "1900-01-01T00:00:00", **changes}  # fmt: skip


def change(action: str, after: int | None, *, line: int = 1, licence: int | None = 11, **expect: Any) -> Change:
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


COMPANY = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11"
KEY = f"PAX8-USAGE 2026-07 {COMPANY}"


def usage_line(ref: str = "s1 p1", amount: str = "143.27", **changes: Any) -> dict[str, Any]:
    """One planned line of a usage invoice."""
    return {"ref": f"{ref} 2026-07", "item_id": 120, "text": "Backup Storage, July 2026", "note": "512.75 GB, Example Dental",
            "amount": amount, "cost": "124.58", "charges": ["i/1"], **changes}  # fmt: skip


def usage_invoice(*lines: dict[str, Any], key: str = KEY, client: int = 231, **usage: Any) -> Change:
    """One planned usage invoice; its total is that of its lines unless given."""
    lines = lines or (usage_line(),)
    total = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
    expect = {"key": key, "month": key.split()[1], "company_id": key.split()[2][:36], "client_id": client,
              "invoice_date": TODAY.isoformat(), "currency": "USD", "total": str(total), "cost": "124.58",
              "lines": list(lines), **usage}  # fmt: skip
    return Change(
        row_id=key, action="create_invoice", cls="safe", client_id=client, client_name="Example", subscription_id="",
        product_name="Usage of July 2026", recurring_invoice_id=None, line_id=None, licence_id=None, before="no invoice",
        after=f"{total} USD in {len(lines)} lines", quantity_after=None, currency="USD", money_per_month=total,
        expect={"usage": expect},
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


SUBSCRIPTION = "c0ffee00-0000-4000-8000-00000000a001"


def _new(action: str, row_id: str, expect: dict[str, Any], **changes: Any) -> Change:
    values: dict[str, Any] = {
        "row_id": row_id, "action": action, "cls": "needs_approval", "client_id": 231, "client_name": "Example",
        "subscription_id": SUBSCRIPTION, "product_name": "Suite", "recurring_invoice_id": None, "line_id": None,
        "licence_id": None, "before": "not in Halo", "after": "made", "quantity_after": Decimal(5), "currency": "USD",
        "money_per_month": Decimal(0), "expect": expect,
    }  # fmt: skip
    return Change(**{**values, **changes})


def new_licence(**members: Any) -> Change:
    """A planned new licence with count 5."""
    licence = {
        "id_field": "snowid", "subscription_id": SUBSCRIPTION, "name": "Suite", "count": 5, "price": "22.1",
        "purchase_price": "17.05", "billing_cycle": "Monthly", "term_duration": None, "start_date": "2026-08-12",
        "end_date": None, "product_id": "b7d1a000-0000-4000-8000-000000000777", "item_id": 88, **members,
    }  # fmt: skip
    return _new("create_licence", f"new licence {SUBSCRIPTION}", {"licence": licence})


def new_line(**members: Any) -> Change:
    """A planned new line on recurring invoice -94 that follows the licence of `new_licence`."""
    line = {
        "id_field": "snowid", "subscription_id": SUBSCRIPTION, "item_id": 88, "text": "Suite", "quantity": 5,
        "price": "22.1", "cost": "17.05", "type": 4, **members,
    }  # fmt: skip
    row = f"new line {SUBSCRIPTION}"
    money = Decimal("110.5")
    return _new("create_line", row, {"line": line}, recurring_invoice_id=-94, money_per_month=money, delta=Decimal(5))


def new_client(**members: Any) -> Change:
    """A planned new client."""
    client = {
        "company_id": COMPANY, "name": "Harbour Lane Print", "custom_field": "CFPax8CompanyId", "toplevel_id": None, **members,
    }  # fmt: skip
    return _new("create_client", f"new client {COMPANY}", {"client": client}, client_id=None, subscription_id="")
