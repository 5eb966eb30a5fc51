"""What people receive from a run that cron starts: it was held, it ended well, it failed. No daemon runs beside it.

Real processes with nothing but the environment that cron gives, a .env file, and a real HTTP sink.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import pax8_pipeline
from pax8_pipeline_tests.support.nightly import small_story
from pax8_pipeline_tests.support.operator import Operator, desk

CHECKOUT = Path(pax8_pipeline.__file__).parent.parent
CRON = ["env", "-i", "HOME=/", "LOGNAME=ada", "PATH=/usr/bin:/bin", "SHELL=/bin/sh", "/bin/sh", "-c"]
Message = dict[str, str]


@contextmanager
def sink() -> Iterator[tuple[str, list[Message]]]:
    """Take messages on a port of this machine: the address for PAX8_ALERT_URLS, and what came."""
    received: list[Message] = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Take) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_port}", received
        server.shutdown()


def night(at: Operator, address: str, policy: str, **env: str) -> int:
    """One run as cron starts it; return its exit code."""
    (at.folder / "policy.yaml").write_text(policy, encoding="utf-8")
    settings = {**at.sandbox.env(), "PAX8_PIPELINE_DATA": str(at.folder), "HALO_WRITE_MODE": "apply"}
    values = {**settings, "PAX8_ALERT_URLS": address, **env}
    (at.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    line = f"cd {at.folder} && PYTHONPATH={CHECKOUT} {sys.executable} -m pax8_pipeline.cli run"
    return subprocess.run([*CRON, line], capture_output=True, text=True, timeout=300, check=False).returncode


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_run_from_cron_sends_one_message_when_it_is_held_when_it_ends_well_and_when_it_fails(tmp_path: Path) -> None:
    with desk(tmp_path, small_story()) as at, sink() as (address, received):
        codes = [
            night(at, address, "guardrails: {run: {lines_changed: 1}}\n"),
            night(at, address, "alerts: {digest: daily}\n"),
            night(at, address, "{}\n", PAX8_CLIENT_SECRET="wrong"),
        ]
    assert codes == [3, 2, 1]
    held, well, failed = received
    assert held["title"] == "Pax8 sync: daily_sync was held (sandbox)"
    assert held["message"].startswith("Held: ")
    assert "lines_changed" in held["message"].splitlines()[0]

    assert re.fullmatch(r"Pax8 sync: \d+ written(, \d+ checks? needs? attention)? \(sandbox\)", well["title"])
    digest = well["message"].splitlines()[-7:]
    begins = ("", "Seats a month: ", "Not billed: ", "Usage to bill: ", "Largest: ", "Report: ", "Run ")
    assert [line.startswith(begin) for line, begin in zip(digest, begins, strict=True)] == [True] * 7
    assert " written, 0 not verified; " in digest[0]
    assert Path(digest[5].removeprefix("Report: ")).exists()

    assert failed["title"] == "Pax8 sync: daily_sync failed (sandbox)"
    assert "Pax8" in failed["message"]
    for message in received:
        assert "{" not in message["message"], "no JSON, for people read it"
        assert "wrong" not in message["message"].split(), "the secret"
