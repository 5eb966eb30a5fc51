"""The sandbox's own endpoints under /control: faults, switches, clock, events, and changes by a person.

JSON comes in, the world is changed or shown, JSON goes out. What faults and switches do is elsewhere. The vendors have
nothing like it, so the product must not use it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pax8_pipeline.sandbox.faults.registry import KINDS, Faults
from pax8_pipeline.sandbox.faults.traffic import TrafficLog
from pax8_pipeline.sandbox.pax8 import invoices as pax8_invoices
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext

_HELP = {
    "GET /control": "this list",
    "GET /control/env": "the environment a client needs",
    "GET|POST|DELETE /control/faults": "faults in force; order one {kind, vendor, method, path, times, after, "
    "probability, seed, params}; take all back, or one with ?id=",
    "GET|POST /control/switches": "{pax8: {...}, halo: {...}}: how each vendor behaves where the reference is open",
    "POST /control/clock": "{play_days: n} or {to: yyyy-mm-dd}",
    "GET /control/story": "what happened and which verdict it should get",
    "GET /control/verdicts": "the verdict of every subscription today",
    "GET /control/expected": "the state Halo should hold after a correct sync of today",
    "GET /control/usage": "what the invoices visible today make of a usage month, ?month=yyyy-mm: each client's total, "
    "groups without a company, what is left out, by reason",
    "GET /control/halo/state": "the state Halo holds now, in the same shape",
    "GET /control/halo/writes": "accepted writes, and calls that must never be made (violations)",
    "GET /control/pax8/writes": "attempts to write to Pax8",
    "GET|DELETE /control/requests": "requests by vendor and the last of them (?last=n, default 100); forget them",
    "POST /control/edit": "{what: subscription|company|usage_group|invoice|halo_line|halo_licence|halo_client|"
    "halo_recurring_invoice|halo_integration, id, set: {...}}",
    "POST /control/invoices": "{action: credit_and_rebill|second|void, month: yyyy-mm}: what Pax8 does to the first "
    "invoice of that month; credit_and_rebill takes {invoice_id} as well, and {share} of the corrected item, 0.9 by default",
    "POST /control/assign": "{group_id, company_id}: a person links a usage group to a company in Pax8's portal",
    "POST /control/charge": "{month: yyyy-mm, company_id, subscription_id, product_id, product_name, quantity, unit, price, "
    "cost, total, cost_total, currency, group, term, billed_by_pax8}, all but month optional: Pax8 charges something odd "
    "in arrears for that month, on a second invoice where the month's is made already",
    "POST /control/bill": "{subscription_id}: a person adds licence and line in Halo",
    "POST /control/save": "write the state file",
}

Handler = Callable[[Request], Awaitable[Any]]


class Served(Protocol):
    """What /control needs of a served world (`app.Sandbox`)."""

    world: World
    faults: Faults
    requests: TrafficLog

    def env(self) -> dict[str, str]:
        """Return the environment for a client."""

    def changed(self) -> None:
        """Called after every change from outside."""

    def save(self) -> str | None:
        """Write the state file, if there is one; returns its path."""


def control_routes(sandbox: Served) -> list[BaseRoute]:
    """The routes of /control for one sandbox."""
    control = _Control(sandbox)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/control", control.index),
        ("GET", "/control/env", control.env),
        ("GET", "/control/faults", control.list_faults),
        ("POST", "/control/faults", control.add_fault),
        ("DELETE", "/control/faults", control.remove_faults),
        ("GET", "/control/switches", control.show_switches),
        ("POST", "/control/switches", control.set_switches),
        ("POST", "/control/clock", control.move_clock),
        ("GET", "/control/story", control.story),
        ("GET", "/control/verdicts", control.verdicts),
        ("GET", "/control/expected", control.expected),
        ("GET", "/control/halo/state", control.halo_state),
        ("GET", "/control/halo/writes", control.halo_writes),
        ("GET", "/control/pax8/writes", control.pax8_writes),
        ("GET", "/control/requests", control.requests),
        ("DELETE", "/control/requests", control.forget_requests),
        ("POST", "/control/edit", control.edit),
        ("POST", "/control/invoices", control.invoices),
        ("GET", "/control/usage", control.usage),
        ("POST", "/control/assign", control.assign),
        ("POST", "/control/charge", control.charge),
        ("POST", "/control/bill", control.bill),
        ("POST", "/control/save", control.save),
    ]
    return [Route(path, _answering(handler, sandbox), methods=[method]) for method, path, handler in table]


def _answering(handler: Handler, sandbox: Served) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a handler: the result as JSON, a refusal as 400 with the reason; the world is saved after a change."""

    async def answer(request: Request) -> Response:
        try:
            result = await handler(request)
        except (ValueError, KeyError, TypeError) as error:
            return _json(400, {"error": str(error)})
        if request.method != "GET":
            sandbox.changed()
        return _json(200, result)

    return answer


def _json(status: int, data: object) -> Response:
    return Response(jsontext.dumps(data), status_code=status, media_type="application/json")


class _Control:
    def __init__(self, sandbox: Served) -> None:
        self.sandbox = sandbox

    @property
    def world(self) -> World:
        return self.sandbox.world

    async def index(self, _request: Request) -> Any:
        return {"endpoints": _HELP, "fault_kinds": KINDS, "today": self.world.today.isoformat()}

    async def env(self, _request: Request) -> Any:
        return self.sandbox.env()

    # Faults and switches ----------------------------------------------------------------------------------

    async def list_faults(self, _request: Request) -> Any:
        return self.sandbox.faults.to_json()

    async def add_fault(self, request: Request) -> Any:
        return self.sandbox.faults.add_json(await _body(request)).to_json()

    async def remove_faults(self, request: Request) -> Any:
        fault_id = request.query_params.get("id")
        self.sandbox.faults.remove(int(fault_id) if fault_id else None)
        return self.sandbox.faults.to_json()

    async def show_switches(self, _request: Request) -> Any:
        return {"pax8": self.world.pax8.switches.to_json(), "halo": self.world.halo.switches.to_json()}

    async def set_switches(self, request: Request) -> Any:
        body = await _body(request)
        unknown = sorted(set(body) - {"pax8", "halo"})
        if unknown:
            raise ValueError(f"switches are set under pax8 and halo, not {', '.join(unknown)}")
        self.world.pax8.switches.change(body.get("pax8", {}))
        self.world.halo.switches.change(body.get("halo", {}))
        return await self.show_switches(request)

    # World ------------------------------------------------------------------------------------------------

    async def move_clock(self, request: Request) -> Any:
        body = await _body(request)
        if "to" in body:
            self.world.play_to(date.fromisoformat(body["to"]))
        else:
            for _ in range(int(body["play_days"])):
                self.world.play_day()
        return {"today": self.world.today.isoformat()}

    async def story(self, _request: Request) -> Any:
        return [event.to_json() for event in self.world.story]

    async def verdicts(self, _request: Request) -> Any:
        return self.world.expected_verdicts()

    async def expected(self, _request: Request) -> Any:
        return self.world.expected_halo()

    async def halo_state(self, _request: Request) -> Any:
        return self.world.halo_state()

    async def halo_writes(self, _request: Request) -> Any:
        return {"writes": self.world.halo.writes, "violations": self.world.halo.violations}

    async def pax8_writes(self, _request: Request) -> Any:
        return self.world.pax8.write_attempts

    async def requests(self, request: Request) -> Any:
        last = int(request.query_params.get("last", "100"))
        rows = [vars(row) for row in self.sandbox.requests]
        return {"requests": self.sandbox.requests.totals(), "last": rows[-last:] if last else []}

    async def forget_requests(self, _request: Request) -> Any:
        self.sandbox.requests.clear()
        return {}

    async def edit(self, request: Request) -> Any:
        body = await _body(request)
        return edit(self.world, str(body["what"]), body.get("id", ""), dict(body["set"]))

    async def invoices(self, request: Request) -> Any:
        body = await _body(request)
        action = str(body.pop("action"))
        month = _month(body.pop("month")) if "month" in body else None
        return invoice_action(self.world, action, month, **body)

    async def usage(self, request: Request) -> Any:
        return self.world.expected_usage(_month(request.query_params["month"])).to_json()

    async def assign(self, request: Request) -> Any:
        body = await _body(request)
        return _public(self.world.assign_group(str(body["group_id"]), str(body["company_id"])))

    async def charge(self, request: Request) -> Any:
        body = await _body(request)
        return _public(self.world.charge(_month(body.pop("month")), **body))

    async def bill(self, request: Request) -> Any:
        return self.world.bill_in_halo(str((await _body(request))["subscription_id"]))

    async def save(self, _request: Request) -> Any:
        return {"saved": self.sandbox.save()}


async def _body(request: Request) -> dict[str, Any]:
    body = jsontext.loads(await request.body())
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def edit(world: World, what: str, row_id: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set members of one row; return the row. Raises KeyError for an unknown row or member, ValueError for an unknown
    `what`.
    """
    pax8, halo = world.pax8, world.halo
    with pax8.lock, halo.lock:
        in_pax8: dict[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
            "subscription": pax8.change_subscription,
            "company": pax8.change_company,
            "usage_group": pax8.change_group,
            "invoice": pax8.change_invoice,
        }
        if what in in_pax8:
            return in_pax8[what](str(row_id), values)
        row: dict[str, Any]
        if what == "halo_integration":
            row = halo.integration
        elif what == "halo_line":
            lines = (line for header in halo.recurring_invoices.values() for line in header["lines"])
            row = {line["id"]: line for line in lines}[int(row_id)]
        elif what in ("halo_licence", "halo_client", "halo_recurring_invoice"):
            row = getattr(halo, f"{what.removeprefix('halo_')}s")[int(row_id)]
        else:
            raise ValueError(f"nothing called {what!r} can be edited")
        for name in values:
            if name not in row:
                raise KeyError(f"a {what} has no member {name}")
        row.update(values)
        return row


def invoice_action(
    world: World, action: str, month: date | None, *, invoice_id: str | None = None, share: Any = "0.9"
) -> dict[str, Any]:
    """Correct, repeat or void an invoice. Return the new one without its items. Raises ValueError when it is not
    possible.
    """
    store = world.pax8
    with store.lock:
        if action == "credit_and_rebill":
            invoice = world.credit_and_rebill(invoice_id=invoice_id, invoice_month=month, share=Decimal(str(share)))
        elif action not in ("second", "void"):
            raise ValueError(f"unknown action {action!r}; it is credit_and_rebill, second or void")
        elif month is None:
            raise ValueError(f"{action} needs the month")
        else:
            make = pax8_invoices.second_invoice if action == "second" else pax8_invoices.void_invoice
            invoice = make(store, month, on=world.today)
        return _public(invoice)


def _month(text: Any) -> date:
    """The first day of `yyyy-mm`; ValueError for anything else."""
    return date.fromisoformat(f"{text}-01")


def _public(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without the members that the vendor does not know."""
    return {name: value for name, value in row.items() if name[0] != "_"}
