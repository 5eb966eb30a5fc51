"""The emulated vendors in a process of their own, with a latency for each answer and their limits on or off."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pax8_pipeline.commands.sandbox_server import environment_of, free_port, get_json


class Vendors:
    """A served world. `environment`: how to reach and use both vendors."""

    def __init__(self, url: str, environment: Mapping[str, str], mappings: Path) -> None:
        self.url = url
        self.environment = dict(environment)
        self.mappings = mappings

    def latency(self, seconds: float) -> None:
        """Let each answer take so much longer."""
        self.control("DELETE", "faults")
        if seconds:
            self.control("POST", "faults", {"kind": "latency", "times": None, "params": {"seconds": seconds}})

    def switches(self, **of_vendors: Mapping[str, Any]) -> None:
        """Set switches of the emulators, such as the largest page of Halo."""
        self.control("POST", "switches", of_vendors)

    def calls(self) -> dict[str, int]:
        """How many requests each vendor got since the start."""
        return dict(get_json(f"{self.url}/control/requests")["requests"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the sandbox's own endpoints."""
        request = urllib.request.Request(
            f"{self.url}/control/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")


@contextmanager
def served(folder: Path, companies: int, subscriptions: int, usage: int, *, limits: bool = False) -> Iterator[Vendors]:
    """Serve a world of this size; its mapping files are in `folder`/mappings."""
    port, mappings = free_port(), folder / "mappings"
    sizes = ["--companies", str(companies), "--subscriptions", str(subscriptions), "--usage", str(usage)]
    options = ["--rate-limits" if limits else "--no-rate-limits", "--mappings", str(mappings), "--quiet"]
    command = [sys.executable, "-m", "pax8_pipeline.cli", "sandbox", "--port", str(port)]
    server = subprocess.Popen([*command, *sizes, *options])
    try:
        url = f"http://127.0.0.1:{port}"
        yield Vendors(url, environment_of(url, given_up=lambda: server.poll() is not None), mappings)
    finally:
        server.terminate()
        server.wait()
