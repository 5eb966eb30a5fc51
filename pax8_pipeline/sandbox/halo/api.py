"""Halo over HTTP: routes under /api and /auth, rights, and which call does what.

It knows paths, status codes, headers and bodies (docs/vendors/halo.md#token, #lists, #writing). What a list has is in
`lists.py`, what a write does in `writes.py`, faults and rate limits in `faults`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pax8_pipeline.sandbox.core.credentials import HaloCredentials
from pax8_pipeline.sandbox.halo import answers, invoicing, writes
from pax8_pipeline.sandbox.halo.auth import answer_token_form, scope_for
from pax8_pipeline.sandbox.halo.lists import RESOURCES, Query, list_answer
from pax8_pipeline.sandbox.halo.members import HaloRefusal, conversion, message
from pax8_pipeline.sandbox.halo.rows import AGENT
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.text import jsontext

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_WRITES = {  # the writes of docs/architecture.md#writing and similar ones; the product must never make any other
    "client",
    "softwarelicence",
    "recurringinvoice",
    "recurringinvoice/updatelines",
    "recurringinvoice/lines",
    "invoice",
    "invoice/updatelines",
}
_NOT_FOUND_PAGE = (
    "<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head>"
    "<body><h2>404 - File or directory not found.</h2></body></html>"
)
_TABLES = {
    "client": "clients",
    "item": "items",
    "softwarelicence": "licences",
    "recurringinvoice": "recurring_invoices",
    "invoice": "invoices",
    "clientcontract": "contracts",
    "supplier": "suppliers",
}


def halo_routes(store: HaloStore, credentials: HaloCredentials) -> list[BaseRoute]:
    """The routes "/api/..." and "/auth/token" of one tenant. Mount them where the server wants Halo."""

    async def token(request: Request) -> Response:
        body = await request.body()
        if "application/x-www-form-urlencoded" not in request.headers.get("content-type", ""):
            return _answer(400, {"error": "invalid_request", "error_description": "The body is not a form."})
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        with store.lock:
            tenant = request.query_params.get("tenant")
            status, answer = answer_token_form(form, tenant, credentials, store.tokens, store.switches.scopes)
        return _answer(status, answer)

    async def api(request: Request) -> Response:
        body = await request.body()
        call = _Call(store, request, body)
        if call.resource == "authinfo" and request.method == "GET":
            site = str(request.url).split("?")[0]
            root = site[: -len(f"/api/{request.path_params['path']}")]
            return _answer(200, {"auth_url": f"{root}/auth", "tenant_id": credentials.tenant})
        try:
            with store.lock:
                status, answer = call.run()
                return _answer(status, answer)
        except HaloRefusal as refusal:
            return _answer(refusal.status, refusal.body)

    return [Route("/auth/token", token, methods=["POST"]), Route("/api/{path:path}", api, methods=_METHODS)]


def _answer(status: int, body: Any) -> Response:
    """Make a response: None is an empty body, a str is HTML, everything else is JSON."""
    if body is None:
        return Response(status_code=status)
    if isinstance(body, str):
        return Response(body, status_code=status, media_type="text/html")
    return Response(jsontext.dumps(body), status_code=status, media_type="application/json")


class _Call:
    """One call on /api."""

    def __init__(self, store: HaloStore, request: Request, raw: bytes) -> None:
        self.store = store
        self.method = request.method
        self.path = "/" + request.path_params["path"].strip("/")
        self.parts = self.path.strip("/").split("/")
        self.resource = self.parts[0].lower()
        self.query = Query(dict(request.query_params))
        self.authorization = request.headers.get("authorization", "")
        self.content_type = request.headers.get("content-type", "")
        self.raw = raw

    def run(self) -> tuple[int, Any]:
        """Check rights, then read or write. Raises HaloRefusal."""
        order = self.resource == "integrationdata"
        if order or (self.method != "GET" and (self.method != "POST" or self._action() not in _WRITES)):
            why = "IntegrationData calls Pax8 and can order there" if order else "the pipeline never makes this call"
            self.store.log_violation(self.method, self.path, self.raw.decode("utf-8", "replace")[:2000], why)
        self._check_token()
        if self.resource == "pax8details" and self.method == "GET":
            return 200, self._pax8_details()
        if order:
            return 200, self._integration_data()
        if self.method == "GET" and self._action() in ("instanceinfo", "agent/me"):
            return 200, self._about()
        if self.resource not in RESOURCES:
            raise HaloRefusal(404, _NOT_FOUND_PAGE)
        if self.method == "GET":
            return 200, self._read()
        if self.method == "POST":
            return self._post()
        if self.method == "DELETE" and len(self.parts) == 2:
            return 200, self._delete()
        raise HaloRefusal(405)

    # Rights -----------------------------------------------------------------------------------------------

    def _check_token(self) -> None:
        switches = self.store.switches
        scheme, _, token = self.authorization.partition(" ")
        scopes = self.store.tokens.scopes_of(token.strip()) if scheme.lower() == "bearer" else None
        if scopes is None:
            raise self._unauthorized("invalid_token", "The token is missing or has expired.")
        needed = scope_for(self.resource, self.method)
        if needed is not None and needed not in scopes & set(switches.scopes):
            if switches.scope_refusal == 403:
                raise HaloRefusal(403)
            raise self._unauthorized("insufficient_scope", f"The scope {needed} is required.")
        if self._listed(switches.forbidden_for_agent):
            raise HaloRefusal(403)

    def _unauthorized(self, error: str, description: str) -> HaloRefusal:
        if self.store.switches.unauthorized_body == "empty":
            return HaloRefusal(401)
        return HaloRefusal(401, {"error": error, "error_description": description})

    def _listed(self, names: list[str]) -> bool:
        return self.resource in (name.lower() for name in names)

    def _action(self) -> str:
        return "/".join(self.parts).lower()

    # Reading ----------------------------------------------------------------------------------------------

    def _read(self) -> Any:
        resource = RESOURCES[self.resource]
        hidden = self._listed(self.store.switches.empty_for_agent)
        if len(self.parts) == 1:
            answer = list_answer(self.store, self.resource, self.query)
            return answer if not hidden else _emptied(answer)
        if len(self.parts) > 2 or self.resource not in _TABLES:
            raise HaloRefusal(404, _NOT_FOUND_PAGE)
        if self._listed(self.store.switches.detail_denied):
            raise self._unauthorized("access_denied", "You do not have permission to view this record.")
        if hidden:
            raise HaloRefusal(403)
        return resource.answer(self.store, self._row(), details=self.query.flag("includedetails"))

    def _row(self) -> Any:
        number = self._number()
        table = getattr(self.store, _TABLES[self.resource])
        if number not in table:
            raise HaloRefusal(404)
        return table[number]

    def _number(self) -> int:
        try:
            return int(self.parts[1])
        except ValueError:
            raise message(f"The value '{self.parts[1]}' is not valid.") from None

    def _pax8_details(self) -> Any:
        mode = self.store.switches.pax8details
        if mode == "forbidden":
            raise HaloRefusal(403)
        if mode == "missing":
            raise HaloRefusal(404, _NOT_FOUND_PAGE)
        row = answers.pax8_details_answer(self.store)
        if len(self.parts) > 1:
            if mode == "empty" or self._number() != row["id"]:
                raise HaloRefusal(404)
            return row
        slim = {name: row[name] for name in ("id", "guid", "url", "tenant", "auth_type", "environment")}
        shapes = {
            "ok": [{**row, "client_mappings": None}],
            "bare_array": [slim],
            "keyed": {"record_count": 1, "pax8details": [slim]},
            "object": row,
            "empty": [],
        }
        return shapes[mode]

    def _about(self) -> Any:
        """Which Halo answers, and the agent of the application."""
        switches = self.store.switches
        if self.resource == "agent":
            return {"id": AGENT[0], "name": AGENT[1], "isapiagent": True, "is_disabled": False}
        if not switches.instance_info:
            raise HaloRefusal(404, _NOT_FOUND_PAGE)
        version = switches.app_version
        return {"app_version": version, "database_version": version, "hosted_group": "eu", "tenant_id": "sandbox"}

    def _integration_data(self) -> Any:
        """`AdjustQty/Pax8` orders another quantity at Pax8: it waits on the licence. Any other path returns nothing."""
        body = self._body() if self.raw else {}
        licence = self.store.licences.get(body.get("licence_id", 0)) if isinstance(body, dict) else None
        if self._action().startswith("integrationdata/adjustqty") and licence is not None:
            licence.update(requested_quantity=body.get("new_quantity"), requested_quantity_date=self.store.stamp())
        return {"success": True}

    # Writing ----------------------------------------------------------------------------------------------

    def _post(self) -> tuple[int, Any]:
        store, action = self.store, self._action()
        switches, path = store.switches, self.path
        if action in _WRITES and action in (name.lower() for name in switches.ignored_writes):
            return switches.post_status, self._echo()
        if action in _WRITES and switches.contested_save != "off":
            writes.contested(store, self._body(), action, header_saved=switches.contested_save == "header_saved")
        if action == "client":
            return self._saved(writes.save_clients(store, self._body(), path), answers.client_answer, "clients")
        if action == "softwarelicence":
            saved = writes.save_licences(store, self._body(), path)
            return self._saved(saved, answers.licence_answer, "licences")
        if action == "recurringinvoice":
            saved = writes.save_recurring_invoices(store, self._body(), path)
            return self._saved(saved, answers.header_answer, "invoices")
        if action == "invoice":
            saved = writes.save_invoices(store, self._body(), path)
            return self._saved(saved, answers.header_answer, "invoices")
        if action in ("recurringinvoice/updatelines", "invoice/updatelines"):
            self._refuse_call(switches.updatelines_supported)
            table = store.recurring_invoices if self.resource == "recurringinvoice" else store.invoices
            saved = writes.update_lines(store, self._body(), path, table)
            return self._saved(saved, answers.line_answer, "lines")
        if action == "recurringinvoice/lines":
            self._refuse_call(switches.lines_call_supported)
            return self._saved(writes.add_lines(store, self._body(), path), answers.line_answer, "lines")
        return self._forbidden_post(action)

    def _forbidden_post(self, action: str) -> tuple[int, Any]:
        """Calls that the product must never make. Those that Halo has are executed, so that a test sees the damage."""
        if action == "recurringinvoice/process":
            numbers = self._body()
            headers = [self.store.recurring_invoices[n] for n in numbers if n in self.store.recurring_invoices]
            return 200, [invoicing.make_invoice(self.store, h, self.store.now().date()) for h in headers]
        if self.resource == "invoice" and len(self.parts) == 3 and self.parts[2].lower() == "void":
            row = self._row()
            row["voided"] = True
            return 200, answers.header_answer(self.store, row, details=True)
        raise HaloRefusal(405 if len(self.parts) == 1 else 404)

    def _delete(self) -> Any:
        if self.resource not in _TABLES:
            raise HaloRefusal(405)
        row = self._row()
        del getattr(self.store, _TABLES[self.resource])[row["id"]]
        return RESOURCES[self.resource].answer(self.store, row, details=True)

    def _body(self) -> Any:
        if "json" not in self.content_type:
            raise HaloRefusal(415)
        try:
            return jsontext.loads(self.raw)
        except ValueError as error:
            raise conversion(f"Unexpected character encountered while parsing value: {error}") from None

    def _refuse_call(self, supported: bool | int) -> None:
        if supported is True:
            return
        bodies = {400: {"message": "Invalid request."}, 404: _NOT_FOUND_PAGE, 405: None}
        raise HaloRefusal(int(supported), bodies[int(supported)])

    def _echo(self) -> Any:
        """A write that is accepted and not done: the answer is what was sent, as if it had been saved."""
        body = self._body()
        return body[0] if isinstance(body, list) and len(body) == 1 else body

    def _saved(self, saved: list[writes.Saved], answer: Any, key: str) -> tuple[int, Any]:
        switches = self.store.switches
        rows = []
        for one in saved:
            row = answer(self.store, one.row, details=True)
            rows.append({**row, "_warning": one.warning} if one.warning else row)
        if switches.post_reply == "envelope":
            return switches.post_status, {"record_count": len(rows), key: rows}
        single = switches.post_reply == "object" and len(rows) == 1
        return switches.post_status, rows[0] if single else rows


def _emptied(answer: Any) -> Any:
    if isinstance(answer, list):
        return []
    return {
        name: [] if isinstance(value, list) else (0 if name == "record_count" else value)
        for name, value in answer.items()
    }
