"""A small Halo tenant over real HTTP for the tests of the emulator.

One server thread for the process, with a store for each test; a caller with a token; and a tenant as in
docs/vendors/halo.md. It has no assertions, faults or worlds.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import requests
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from pax8_pipeline.sandbox.core.credentials import HaloCredentials
from pax8_pipeline.sandbox.halo.api import halo_routes
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.text import jsontext

CLIENT, ITEM, MANUAL_ITEM, LICENCE, HEADER, LINE, MANUAL_LINE = 231, 88, 90, 4127, -94, 24967, 24968


class StoppedClock:
    """A world's clock that does not move until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


@dataclass
class HaloKit:
    """The tenant under test: its store and clock, and calls with a token that is fetched at the first use."""

    store: HaloStore
    clock: StoppedClock
    url: str
    token: str = ""
    session: requests.Session = field(default_factory=requests.Session)

    def ask_token(self, tenant: str | None = "sandbox", **form: str) -> requests.Response:
        fields = {
            "grant_type": "client_credentials",
            "client_id": "sandbox-halo",
            "client_secret": "sandbox-halo-secret",
            "scope": "all",
            **form,
        }
        params = {} if tenant is None else {"tenant": tenant}
        return self.session.post(f"{self.url}/halo/auth/token", data=fields, params=params, timeout=10)

    def call(self, method: str, path: str, *, params: Any = None, body: Any = None) -> requests.Response:
        if not self.token:
            self.token = self.ask_token().json()["access_token"]
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else jsontext.dumps(body).encode()
        url = f"{self.url}/halo/api{path}"
        return self.session.request(method, url, params=params, data=data, headers=headers, timeout=10)

    def wait(self, **delta: float) -> None:
        """Let the world's time pass, and use a new token from then on."""
        self.clock.move(**delta)
        self.token = ""

    def get(self, path: str, **params: Any) -> Any:
        """The parsed body of a read that must succeed."""
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return jsontext.loads(answer.content)

    def post(self, path: str, body: Any) -> Any:
        """The parsed body of a write that must succeed."""
        answer = self.call("POST", path, body=body)
        assert answer.status_code in (200, 201), (answer.status_code, answer.text)
        return jsontext.loads(answer.content)

    def refused(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and parsed body of a write that must be refused."""
        answer = self.call("POST", path, body=body)
        assert answer.status_code >= 400, (answer.status_code, answer.text)
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.status_code, jsontext.loads(answer.content) if is_json else answer.text

    def header(self, number: int = HEADER) -> Any:
        return self.get(f"/RecurringInvoice/{number}", includedetails="true")

    def line(self, number: int = LINE, header: int = HEADER) -> Any:
        return next(line for line in self.header(header)["lines"] if line["id"] == number)


class _Swapped:
    """An ASGI app that passes every call to the app that is set."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@functools.cache
def _server() -> tuple[_Swapped, str]:
    holder = _Swapped()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)  # connections made before uvicorn runs wait in the backlog: nothing here needs to wait for it
    config = uvicorn.Config(holder, log_level="warning", lifespan="off", access_log=False)
    threading.Thread(target=uvicorn.Server(config).run, args=([listener],), daemon=True).start()
    return holder, f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def running_halo() -> Iterator[HaloKit]:
    """An empty tenant on the process's server."""
    clock = StoppedClock()
    store = HaloStore(now=clock)
    holder, url = _server()
    holder.app = Starlette(routes=[Mount("/halo", routes=halo_routes(store, HaloCredentials()))])
    kit = HaloKit(store, clock, url)
    with kit.session:
        yield kit


def sample_tenant(store: HaloStore) -> None:
    """The client, licence and recurring invoice of docs/vendors/halo.md#client, #licence, #recurring-invoice."""
    store.add_client(
        id=CLIENT,
        name="Northwind Dental",
        pax8monthlyinvoice=HEADER,
        currencyisocode="USD",
        customfields=[{"name": "CFPax8CompanyId", "value": "5f2b7c1e-0000-4000-8000-000000000001"}],
        external_links=[{"third_party_id": "5f2b7c1e-0000-4000-8000-000000000001", "module_id": 999}],
    )
    store.add_item(id=ITEM, name="M365 Business Premium", recurringprice=22, recurringcost=18.7)
    store.add_item(id=MANUAL_ITEM, name="Backup seat", recurringprice=4)
    store.add_licence(
        id=LICENCE,
        name="Microsoft 365 Business Premium [NCE]",
        count=18,
        client_id=CLIENT,
        price=Decimal("22.00"),
        purchase_price=Decimal("18.70"),
        distributor="Pax8",
        snowid="c0ffee00-0000-4000-8000-00000000a001",
        item_id=ITEM,
    )
    store.add_recurring_invoice(
        id=HEADER,
        client_id=CLIENT,
        reference="Monthly services",
        nextcreationdate="2026-02-01T00:00:00",
        lines=[
            {
                "id": LINE,
                "_itemid": ITEM,
                "item_shortdescription": "M365 Business Premium",
                "qty_order": 18,
                "unit_price": 22,
                "unit_cost": Decimal("18.7"),
                "recurring_invoice_quantity_type": 4,
                "quantity_subscriptions": [{"kind": 4, "licence_id": LICENCE, "pro_rata": 1}],
            },
            {
                "id": MANUAL_LINE,
                "_itemid": MANUAL_ITEM,
                "item_shortdescription": "Backup seat",
                "qty_order": 5,
                "unit_price": 4,
                "unit_cost": 3,
            },
        ],
    )
