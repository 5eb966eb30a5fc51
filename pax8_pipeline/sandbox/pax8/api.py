"""The emulated Pax8 over HTTP: routes, bearer tokens, the error envelope, and the refusal of every write.

It contains docs/vendors/pax8.md#addresses, #errors, #calls. The rules of lists are in `lists.py`, the content of
answers in `answers.py`, faults and rate limits in `faults`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pax8_pipeline.sandbox.core.credentials import Pax8Credentials
from pax8_pipeline.sandbox.pax8.answers import Answers
from pax8_pipeline.sandbox.pax8.lists import BadParameter
from pax8_pipeline.sandbox.pax8.store import TOKEN_LIFE_SECONDS, Pax8Store
from pax8_pipeline.text import jsontext

AUDIENCES = ("https://api.pax8.com", "api://p8p.client")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_TYPE_OF = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    422: "INVALID_PARAM",
}


class Pax8Refusal(Exception):
    """An answer in the common error envelope."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Call:
    """One read with a valid token."""

    query: Mapping[str, str]
    ids: tuple[str, ...]


def pax8_routes(store: Pax8Store, credentials: Pax8Credentials, prefix: str = "/v1") -> list[BaseRoute]:
    """The routes of the partner API under `prefix`, with its token endpoint."""
    api = _Api(store, credentials, prefix)
    return [Route(f"{prefix}/{{path:path}}", api.handle, methods=_METHODS)]


class _Api:
    def __init__(self, store: Pax8Store, credentials: Pax8Credentials, prefix: str) -> None:
        self.store = store
        self.credentials = credentials
        self.answers = Answers(store)
        self.reads: list[tuple[re.Pattern[str], Callable[[Call], str]]] = [
            (re.compile(pattern.replace("{}", "([^/]+)") + "$"), getattr(self, name)) for pattern, name in _READS
        ]

    async def handle(self, request: Request) -> Response:
        path = "/" + str(request.path_params["path"])
        body = await request.body()
        try:
            with self.store.lock:
                if path == "/token" and request.method == "POST":
                    return self._token(request, body)
                self._refuse_writes(request.method, path, body)
                self._check_token(request)
                return _json(200, self._read(path, request))
        except Pax8Refusal as refusal:
            return _json(refusal.status, _envelope(refusal.status, str(refusal), path))
        except BadParameter as bad:
            return _json(400, _envelope(400, str(bad), path))

    # Who may do what --------------------------------------------------------------------------------------

    def _token(self, request: Request, body: bytes) -> Response:
        asked = _credentials_in(request.headers.get("content-type", ""), body, self.store.switches.token_body)
        if asked is None:
            return _json(400, _envelope(400, "Failed to read request", "/token"))
        own = (self.credentials.client_id, self.credentials.client_secret)
        accepted = (asked.get("client_id"), asked.get("client_secret")) == own
        if not accepted or asked.get("grant_type") != "client_credentials" or asked.get("audience") not in AUDIENCES:
            return _json(401, jsontext.dumps({"error": "access_denied", "error_description": "Unauthorized"}))
        token, _expires = self.store.issue_token()
        answer = {"access_token": token, "expires_in": TOKEN_LIFE_SECONDS, "token_type": "Bearer"}
        return _json(200, jsontext.dumps(answer))

    def _refuse_writes(self, method: str, path: str, body: bytes) -> None:
        if method == "GET":
            return
        if method not in ("HEAD", "OPTIONS"):
            attempt = {"method": method, "path": path, "body": body.decode("utf-8", "replace")}
            self.store.write_attempts.append(attempt)
        raise Pax8Refusal(405, f"Request method '{method}' not supported")

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.store.token_lives(token.strip()):
            raise Pax8Refusal(401, "Unauthorized")

    # Reads ------------------------------------------------------------------------------------------------

    def _read(self, path: str, request: Request) -> str:
        query = dict(request.query_params)
        for pattern, read in self.reads:
            match = pattern.match(path)
            if match:
                return read(Call(query, match.groups()))
        raise Pax8Refusal(404, f"No static resource public/v1{path}.")

    def _companies(self, call: Call) -> str:
        return self.answers.list_of("companies", call.query)

    def _company(self, call: Call) -> str:
        return self._one(self.answers.company(call.ids[0]), "Company", call.ids[0])

    def _contacts(self, call: Call) -> str:
        self._known_company(call.ids[0])
        return self.answers.contacts(call.ids[0], call.query)

    def _contact(self, call: Call) -> str:
        self._known_company(call.ids[0])
        return self._one(self.answers.contact(*call.ids), "Contact", call.ids[1])

    def _products(self, call: Call) -> str:
        return self.answers.list_of("products", call.query)

    def _product(self, call: Call) -> str:
        return self._one(self.answers.product(call.ids[0]), "Product", call.ids[0])

    def _pricing(self, call: Call) -> str:
        return self._one(self.answers.pricing(call.ids[0]), "Product", call.ids[0])

    def _provision_details(self, call: Call) -> str:
        return self._one(self.answers.provision_details(call.ids[0]), "Product", call.ids[0])

    def _dependencies(self, call: Call) -> str:
        return self._one(self.answers.dependencies(call.ids[0]), "Product", call.ids[0])

    def _orders(self, call: Call) -> str:
        return self.answers.orders(call.query)

    def _order(self, call: Call) -> str:
        return self._one(None, "Order", call.ids[0])

    def _subscriptions(self, call: Call) -> str:
        company = call.query.get("companyId")
        if company and company.lower() not in self.store.companies:
            raise Pax8Refusal(403, f"Access to company {company} is denied")
        return self.answers.list_of("subscriptions", call.query)

    def _subscription(self, call: Call) -> str:
        return self._one(self.answers.subscription(call.ids[0]), "Subscription", call.ids[0])

    def _history(self, call: Call) -> str:
        return self._one(self.answers.history(call.ids[0]), "Subscription", call.ids[0])

    def _usage_summaries(self, call: Call) -> str:
        company = call.query.get("companyId")
        if company:
            self._known_company(company)
        return self._one(self.answers.usage_summaries(call.ids[0], call.query), "Subscription", call.ids[0])

    def _usage_summary(self, call: Call) -> str:
        return self._one(self.answers.usage_summary(call.ids[0]), "Usage Summary", call.ids[0])

    def _usage_lines(self, call: Call) -> str:
        day = call.query.get("usageDate")
        if not day:
            raise Pax8Refusal(400, "Required request parameter 'usageDate' is not present")
        return self._one(self.answers.usage_lines(call.ids[0], day, call.query), "Usage Summary", call.ids[0])

    def _invoices(self, call: Call) -> str:
        return self.answers.invoices(call.query)

    def _invoice(self, call: Call) -> str:
        return self._one(self.answers.invoice(call.ids[0]), "Invoice", call.ids[0])

    def _invoice_items(self, call: Call) -> str:
        return self._one(self.answers.invoice_items(call.ids[0], call.query), "Invoice", call.ids[0])

    def _draft_items(self, call: Call) -> str:
        if self.store.switches.draft_items_timeout:
            raise Pax8Refusal(408, "The request timed out while calculating draft items")
        offset = call.query.get("monthOffset", "1")
        if offset not in ("0", "1"):
            raise Pax8Refusal(422, "monthOffset must be 0 or 1")
        company = call.query.get("companyId")
        if company:
            self._known_company(company)
        return self.answers.draft_items(int(offset), call.query)

    def _known_company(self, company: str) -> None:
        if company.lower() in map(str.lower, self.store.switches.foreign_companies):
            raise Pax8Refusal(403, f"Access to company {company} is denied")
        if company.lower() not in self.store.companies:
            raise Pax8Refusal(404, f"Company Not Found: {company}")

    def _one(self, text: str | None, what: str, asked: str) -> str:
        if text is None:
            raise Pax8Refusal(404, f"{what} Not Found: {asked}")
        return text


_READS = (
    ("/companies", "_companies"),
    ("/companies/{}", "_company"),
    ("/companies/{}/contacts", "_contacts"),
    ("/companies/{}/contacts/{}", "_contact"),
    ("/products", "_products"),
    ("/products/{}", "_product"),
    ("/products/{}/pricing", "_pricing"),
    ("/products/{}/provision-details", "_provision_details"),
    ("/products/{}/dependencies", "_dependencies"),
    ("/orders", "_orders"),
    ("/orders/{}", "_order"),
    ("/subscriptions", "_subscriptions"),
    ("/subscriptions/{}", "_subscription"),
    ("/subscriptions/{}/history", "_history"),
    ("/subscriptions/{}/usage-summaries", "_usage_summaries"),
    ("/usage-summaries/{}", "_usage_summary"),
    ("/usage-summaries/{}/usage-lines", "_usage_lines"),
    ("/invoices", "_invoices"),
    ("/invoices/draftItems", "_draft_items"),
    ("/invoices/{}", "_invoice"),
    ("/invoices/{}/items", "_invoice_items"),
)


def _credentials_in(content_type: str, body: bytes, allowed: str) -> dict[str, Any] | None:
    """Return the members of a token request: a JSON object, or a form where that is allowed; None for anything else."""
    if "form" in content_type and allowed == "json_or_form":
        return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    try:
        asked = jsontext.loads(body)
    except ValueError:
        return None
    return asked if isinstance(asked, dict) else None


def _envelope(status: int, message: str, path: str) -> str:
    kind = _TYPE_OF.get(status, "INTERNAL_SERVER_ERROR")
    error = {
        "type": kind,
        "message": message,
        "instance": f"/public/v1{path}",
        "status": status,
        "details": [],
    }
    return jsontext.dumps(error)


def _json(status: int, text: str) -> Response:
    return Response(text, status_code=status, media_type="application/json")
