"""A plain HTTP client for the tests of the world, of Pax8 and of the server. It knows nothing of the product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from pax8_pipeline.sandbox.server.app import Sandbox, running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext

TIMEOUT = 20


@dataclass
class Pax8Caller:
    """Calls the emulated Pax8 as any client would."""

    sandbox: Sandbox
    session: requests.Session = field(default_factory=requests.Session)

    def token(self, **members: Any) -> requests.Response:
        """Ask for a token. Given members replace the right ones; None leaves one out."""
        env = self.sandbox.env()
        body = {
            "client_id": env["PAX8_CLIENT_ID"],
            "client_secret": env["PAX8_CLIENT_SECRET"],
            "audience": "https://api.pax8.com",
            "grant_type": "client_credentials",
        } | members
        body = {name: value for name, value in body.items() if value is not None}
        return self.session.post(env["PAX8_TOKEN_URL"], json=body, timeout=TIMEOUT)

    def log_in(self) -> None:
        token = self.token().json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, path: str, method: str = "GET", **query: Any) -> requests.Response:
        url = self.sandbox.env()["PAX8_API_URL"] + path
        return self.session.request(method, url, params=query, timeout=TIMEOUT)

    def get(self, path: str, **query: Any) -> Any:
        """The answer's JSON; fails on anything but 200."""
        answer = self.call(path, **query)
        assert answer.status_code == 200, answer.text
        return jsontext.loads(answer.content)

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All rows of a list in pages of 200."""
        rows: list[dict[str, Any]] = []
        page = 0
        while True:
            answer = self.get(path, page=page, size=200, **query)
            rows.extend(answer.get("content", []))
            page += 1
            if page >= answer["page"]["totalPages"]:
                return rows


@contextmanager
def serving(world: World, **options: Any) -> Iterator[Pax8Caller]:
    """A running sandbox and a caller with a token."""
    with running_sandbox(world, **options) as sandbox:
        caller = Pax8Caller(sandbox)
        caller.log_in()
        sandbox.requests.clear()
        yield caller
        caller.session.close()
