"""The emulated Pax8 over HTTP: routes, bearer tokens, the error envelope, and the refusal of every write.

It contains docs/vendors/pax8.md#addresses, #errors. The rules of lists are in `lists.py`, paths and the content of
answers (#calls) in `answers.py`, faults and rate limits in `faults`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pax8_pipeline.sandbox.core.credentials import Pax8Credentials
from pax8_pipeline.sandbox.pax8.answers import Answers
from pax8_pipeline.sandbox.pax8.refusal import Pax8Refusal
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


def pax8_routes(store: Pax8Store, credentials: Pax8Credentials, prefix: str = "/v1") -> list[BaseRoute]:
    """The routes of the partner API under `prefix`, with its token endpoint."""
    api = _Api(store, credentials)
    return [Route(f"{prefix}/{{path:path}}", api.handle, methods=_METHODS)]


class _Api:
    def __init__(self, store: Pax8Store, credentials: Pax8Credentials) -> None:
        self.store = store
        self.credentials = credentials
        self.answers = Answers(store)

    async def handle(self, request: Request) -> Response:
        path = "/" + str(request.path_params["path"])
        body = await request.body()
        try:
            with self.store.lock:
                if path == "/token" and request.method == "POST":
                    return self._token(request, body)
                self._refuse_writes(request.method, path, body)
                self._check_token(request)
                return _json(200, self.answers.read(path, dict(request.query_params)))
        except Pax8Refusal as refusal:
            return _json(refusal.status, _envelope(refusal.status, str(refusal), path))

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
    error = {
        "type": _TYPE_OF.get(status, "INTERNAL_SERVER_ERROR"),
        "message": message,
        "instance": f"/public/v1{path}",
        "status": status,
        "details": [],
    }
    return jsontext.dumps(error)


def _json(status: int, text: str) -> Response:
    return Response(text, status_code=status, media_type="application/json")
