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

Given = dict[str, Any]  # the JSON object of a POST, or the query of another call


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


Handler = Callable[[Served, Given], Any]


def control_routes(sandbox: Served) -> list[BaseRoute]:
    """The routes of /control for one sandbox."""
    return [
        Route(path, _answering(handler, sandbox), methods=[method])
        for path, (handlers, _) in _ENDPOINTS.items()
        for method, handler in handlers.items()
    ]


def _answering(handler: Handler, sandbox: Served) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a handler: the result as JSON, a refusal as 400 with the reason; the world is saved after a change."""

    async def answer(request: Request) -> Response:
        try:
            given = _object(await request.body()) if request.method == "POST" else dict(request.query_params)
            result = handler(sandbox, given)
        except (ValueError, KeyError, TypeError) as error:
            return _json(400, {"error": str(error)})
        if request.method != "GET":
            sandbox.changed()
        return _json(200, result)

    return answer


def _object(body: bytes) -> Given:
    given = jsontext.loads(body or b"{}")
    if not isinstance(given, dict):
        raise ValueError("the body must be a JSON object")
    return given


def _json(status: int, data: object) -> Response:
    return Response(jsontext.dumps(data), status_code=status, media_type="application/json")


def _index(sandbox: Served, _: Given) -> Any:
    endpoints = {f"{'|'.join(handlers)} {path}": text for path, (handlers, text) in _ENDPOINTS.items()}
    return {"endpoints": endpoints, "fault_kinds": KINDS, "today": sandbox.world.today.isoformat()}


def _remove_faults(sandbox: Served, given: Given) -> Any:
    fault_id = given.get("id")
    sandbox.faults.remove(int(fault_id) if fault_id else None)
    return sandbox.faults.to_json()


def _show_switches(sandbox: Served, _: Given) -> Any:
    return {"pax8": sandbox.world.pax8.switches.to_json(), "halo": sandbox.world.halo.switches.to_json()}


def _set_switches(sandbox: Served, given: Given) -> Any:
    unknown = sorted(set(given) - {"pax8", "halo"})
    if unknown:
        raise ValueError(f"switches are set under pax8 and halo, not {', '.join(unknown)}")
    sandbox.world.pax8.switches.change(given.get("pax8", {}))
    sandbox.world.halo.switches.change(given.get("halo", {}))
    return _show_switches(sandbox, given)


def _move_clock(sandbox: Served, given: Given) -> Any:
    if "to" in given:
        sandbox.world.play_to(date.fromisoformat(given["to"]))
    else:
        for _ in range(int(given["play_days"])):
            sandbox.world.play_day()
    return {"today": sandbox.world.today.isoformat()}


def _requests(sandbox: Served, given: Given) -> Any:
    last = int(given.get("last", "100"))
    rows = [vars(row) for row in sandbox.requests]
    return {"requests": sandbox.requests.totals(), "last": rows[-last:] if last else []}


def _forget_requests(sandbox: Served, _: Given) -> Any:
    sandbox.requests.clear()
    return {}


def _invoices(sandbox: Served, given: Given) -> Any:
    action = str(given.pop("action"))
    month = _month(given.pop("month")) if "month" in given else None
    return invoice_action(sandbox.world, action, month, **given)


def _assign(sandbox: Served, given: Given) -> Any:
    return _public(sandbox.world.assign_group(str(given["group_id"]), str(given["company_id"])))


def _charge(sandbox: Served, given: Given) -> Any:
    return _public(sandbox.world.charge(_month(given.pop("month")), **given))


def edit(world: World, what: str, row_id: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set members of one row and return it. Raises KeyError for an unknown row or member, or ValueError."""
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
    """Correct, repeat or void an invoice. Return the new one without its items. Raises ValueError."""
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


_ENDPOINTS: dict[str, tuple[dict[str, Handler], str]] = {
    "/control": ({"GET": _index}, "this list"),
    "/control/env": ({"GET": lambda sandbox, _: sandbox.env()}, "the environment a client needs"),
    "/control/faults": (
        {
            "GET": lambda sandbox, _: sandbox.faults.to_json(),
            "POST": lambda sandbox, given: sandbox.faults.add_json(given).to_json(),
            "DELETE": _remove_faults,
        },
        "faults in force; order one {kind, vendor, method, path, times, after, probability, seed, params}; take all "
        "back, or one with ?id=",
    ),
    "/control/switches": (
        {"GET": _show_switches, "POST": _set_switches},
        "{pax8: {...}, halo: {...}}: how each vendor behaves where the reference is open",
    ),
    "/control/clock": ({"POST": _move_clock}, "{play_days: n} or {to: yyyy-mm-dd}"),
    "/control/story": (
        {"GET": lambda sandbox, _: [event.to_json() for event in sandbox.world.story]},
        "what happened and which verdict it should get",
    ),
    "/control/verdicts": (
        {"GET": lambda sandbox, _: sandbox.world.expected_verdicts()},
        "the verdict of every subscription today",
    ),
    "/control/expected": (
        {"GET": lambda sandbox, _: sandbox.world.expected_halo()},
        "the state Halo should hold after a correct sync of today",
    ),
    "/control/usage": (
        {"GET": lambda sandbox, given: sandbox.world.expected_usage(_month(given["month"])).to_json()},
        "what the invoices visible today make of a usage month, ?month=yyyy-mm: each client's total, groups without a "
        "company, what is left out, by reason",
    ),
    "/control/halo/state": (
        {"GET": lambda sandbox, _: sandbox.world.halo_state()},
        "the state Halo holds now, in the same shape",
    ),
    "/control/halo/writes": (
        {"GET": lambda sandbox, _: {"writes": sandbox.world.halo.writes, "violations": sandbox.world.halo.violations}},
        "accepted writes, and calls that must never be made (violations)",
    ),
    "/control/pax8/writes": (
        {"GET": lambda sandbox, _: sandbox.world.pax8.write_attempts},
        "attempts to write to Pax8",
    ),
    "/control/requests": (
        {"GET": _requests, "DELETE": _forget_requests},
        "requests by vendor and the last of them (?last=n, default 100); forget them",
    ),
    "/control/edit": (
        {
            "POST": lambda sandbox, given: edit(
                sandbox.world, str(given["what"]), given.get("id", ""), dict(given["set"])
            )
        },
        "{what: subscription|company|usage_group|invoice|halo_line|halo_licence|halo_client|halo_recurring_invoice|"
        "halo_integration, id, set: {...}}",
    ),
    "/control/invoices": (
        {"POST": _invoices},
        "{action: credit_and_rebill|second|void, month: yyyy-mm}: what Pax8 does to the first invoice of that month; "
        "credit_and_rebill takes {invoice_id} as well, and {share} of the corrected item, 0.9 by default",
    ),
    "/control/assign": (
        {"POST": _assign},
        "{group_id, company_id}: a person links a usage group to a company in Pax8's portal",
    ),
    "/control/charge": (
        {"POST": _charge},
        "{month: yyyy-mm, company_id, subscription_id, product_id, product_name, quantity, unit, price, cost, total, "
        "cost_total, currency, group, term, billed_by_pax8}, all but month optional: Pax8 charges something odd in "
        "arrears for that month, on a second invoice where the month's is made already",
    ),
    "/control/bill": (
        {"POST": lambda sandbox, given: sandbox.world.bill_in_halo(str(given["subscription_id"]))},
        "{subscription_id}: a person adds licence and line in Halo",
    ),
    "/control/save": ({"POST": lambda sandbox, _: {"saved": sandbox.save()}}, "write the state file"),
}
