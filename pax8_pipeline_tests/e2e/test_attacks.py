"""What an attacker sends to a running `pax8-pipeline dev` in write mode, and what is answered.

A page of another site can make the operator's browser send requests; somebody who reaches the UI can start runs with
any configuration and tags. Neither may have anything written. The right way, a plan with its checksum, writes.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.nightly import night, open_entries
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk, until

EVIL = "https://evil.example"
LAUNCH = """mutation L($p: ExecutionParams!) { launchRun(executionParams: $p) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"
WRITES = """query W($id: ID!) { runOrError(runId: $id) { ... on Run { eventConnection { events {
  ... on MaterializationEvent { assetKey { path } metadataEntries { label
    ... on TextMetadataEntry { text } ... on BoolMetadataEntry { boolValue } } } } } } } }"""
APPLY = {"ops": {"billing__writes": {"config": {"apply": True}}}}
CLI_TAGS = {"dagster/schedule_name": "daily_sync_schedule", "dagster/tick": "1", "pax8_pipeline/permission": "granted"}


class Ui:
    """A running UI, asked as a browser or an attacker asks it."""

    def __init__(self, port: int) -> None:
        self.port, self.host = port, f"localhost:{port}"

    def send(self, method: str, path: str, headers: Mapping[str, str], body: str = "") -> tuple[int, str]:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            asked.putrequest(method, path, skip_host=True)
            for name, value in {"Host": self.host, "Content-Length": str(len(body)), **headers}.items():
                asked.putheader(name, value)
            asked.endheaders(body.encode() or None)
            reply = asked.getresponse()
            # An accepted websocket has no end to read to.
            return reply.status, "" if reply.status == 101 else reply.read().decode("utf-8", "replace")
        finally:
            asked.close()

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        """Ask as the UI's own page does."""
        ours = {"Origin": f"http://{self.host}", "Referer": f"http://{self.host}/", "Sec-Fetch-Site": "same-origin"}
        status, reply = self.send(
            "POST", "/graphql", {**ours, "Content-Type": "application/json"},
            json.dumps({"query": text, "variables": variables}),
        )  # fmt: skip
        assert status == 200, reply
        return dict(json.loads(reply)["data"])

    def runs(self) -> dict[str, str]:
        return {run["runId"]: run["status"] for run in self.query(RUNS)["runsOrError"]["results"]}

    def start(self, job: str, config: Mapping[str, Any], tags: Mapping[str, str] | None = None) -> str:
        """Start a run as a person in the UI does; returns its id."""
        shown = self.query(LAUNCH, p=execution(job, config, tags or {}))["launchRun"]
        assert shown["__typename"] == "LaunchRunSuccess", shown
        return str(shown["run"]["runId"])

    def launch(self, job: str, config: Mapping[str, Any], tags: Mapping[str, str] | None = None) -> str:
        """Start a run and wait for its end; returns the outcome of its writes."""
        run_id = self.start(job, config, tags)
        until(lambda: self.runs()[run_id] in ("SUCCESS", "FAILURE", "CANCELED"), 240)
        events = self.query(WRITES, id=run_id)["runOrError"]["eventConnection"]["events"]
        writes = [e for e in events if (e.get("assetKey") or {}).get("path") == ["billing", "writes"]]
        assert writes, self.runs()[run_id]
        return next(str(m["text"]) for m in writes[0]["metadataEntries"] if m["label"] == "outcome")


def execution(job: str, config: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    where = {"repositoryLocationName": "pax8_pipeline", "repositoryName": "__repository__", "jobName": job}
    tagged = {"dagster/partition": f"{TODAY:%Y-%m}-01", **tags} if job == "daily_sync" else dict(tags)
    metadata = {"tags": [{"key": key, "value": value} for key, value in tagged.items()]}
    return {"selector": where, "runConfigData": dict(config), "mode": "default", "executionMetadata": metadata}


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    world = World(7, TODAY, companies=8, subscriptions=40)
    world.play_day()
    with desk(tmp_path_factory.mktemp("attacked"), world) as made:
        yield made


@pytest.fixture(scope="module")
def ui(at: Operator) -> Iterator[Ui]:
    with at.dagster_ui() as port:
        yield Ui(port)


def mutation() -> str:
    """The mutation with its variables written out, as it fits into an address."""
    selector = (
        'selector: {repositoryLocationName: "pax8_pipeline", repositoryName: "__repository__", jobName: "apply_plan"}'
    )
    return f'mutation {{ launchRun(executionParams: {{{selector}, mode: "default", runConfigData: "{{}}"}}) {{ __typename }} }}'


BODY = json.dumps({"query": mutation()})
IN_ADDRESS = f"/graphql?query={quote(mutation())}"
JSON = {"Content-Type": "application/json"}
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "graphql-ws",
}  # fmt: skip

# Who -> method, path, headers, body, status of the answer.
ATTACKS: dict[str, tuple[str, str, dict[str, str], str, int]] = {
    "image tag: GET mutation, foreign Host, Origin, Referer": (
        "GET", IN_ADDRESS, {"Host": "evil.example", "Origin": EVIL, "Referer": f"{EVIL}/"}, "", 403,
    ),
    "image tag: GET mutation, foreign Referer": ("GET", IN_ADDRESS, {"Referer": f"{EVIL}/"}, "", 403),
    "GET mutation without any trace of a page": ("GET", IN_ADDRESS, {}, "", 405),
    "link: GET mutation opened as a page": (
        "GET", IN_ADDRESS,
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, "", 403,
    ),
    "DNS rebinding: POST JSON, Host of the attacker": ("POST", "/graphql", {"Host": "evil.example:3000", **JSON}, BODY, 403),
    "DNS rebinding: page of the UI": ("GET", "/", {"Host": "evil.example:3000"}, "", 403),
    "fetch: POST text/plain": ("POST", "/graphql", {"Content-Type": "text/plain"}, BODY, 415),
    "fetch: POST text/plain, mutation in the address": ("POST", IN_ADDRESS, {"Content-Type": "text/plain"}, "", 415),
    "form: POST urlencoded, mutation in the address": (
        "POST", IN_ADDRESS, {"Content-Type": "application/x-www-form-urlencoded"}, "", 415,
    ),
    "form: POST multipart": ("POST", IN_ADDRESS, {"Content-Type": "multipart/form-data; boundary=x"}, "", 415),
    "fetch: POST JSON, foreign Origin": ("POST", "/graphql", {"Origin": EVIL, **JSON}, BODY, 403),
    "sandboxed frame: POST JSON, Origin null": ("POST", "/graphql", {"Origin": "null", **JSON}, BODY, 403),
    "another server of this machine": ("POST", "/graphql", {"Origin": "http://localhost:8080", **JSON}, BODY, 403),
    "fetch: POST JSON, Sec-Fetch-Site cross-site": ("POST", "/graphql", {"Sec-Fetch-Site": "cross-site", **JSON}, BODY, 403),
    "preflight": ("OPTIONS", "/graphql", {"Origin": EVIL, "Access-Control-Request-Method": "POST"}, "", 403),
    "report a check by a form": (
        "POST", "/report_asset_check/billing/plan", {"Content-Type": "application/x-www-form-urlencoded"}, "", 415,
    ),
    "report a materialization, foreign Origin": (
        "POST", "/report_asset_materialization/billing/plan", {"Origin": EVIL, **JSON}, "{}", 403,
    ),
    "script tag: logs": ("GET", "/logs/x/y.err", {"Referer": f"{EVIL}/"}, "", 403),
    "page in a frame": (
        "GET", "/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, "", 403,
    ),
    "websocket: foreign Origin": ("GET", "/graphql", {**UPGRADE, "Origin": EVIL}, "", 403),
    "websocket: DNS rebinding": ("GET", "/graphql", {**UPGRADE, "Host": "evil.example", "Origin": "http://evil.example"}, "", 403),
}  # fmt: skip


def test_no_request_of_another_sites_page_is_answered(ui: Ui, at: Operator) -> None:
    answers = {who: ui.send(*attack[:4])[0] for who, attack in ATTACKS.items()}
    assert answers == {who: attack[4] for who, attack in ATTACKS.items()}
    assert ui.runs() == {}
    assert at.posts() == []


def test_the_uis_own_pages_are_answered_and_cannot_be_framed(ui: Ui) -> None:
    assert ui.send("GET", "/graphql", {**UPGRADE, "Origin": f"http://{ui.host}"})[0] == 101
    assert ui.send("GET", "/runs", {"Accept": "text/html"})[0] == 200
    asked = http.client.HTTPConnection("127.0.0.1", ui.port, timeout=60)
    asked.request("GET", "/")
    assert asked.getresponse().headers["X-Frame-Options"] == "DENY"
    asked.close()


# In small: orchestration/assets/test_daily_sync.py, where a plan is written only with its id and checksum.
@pytest.mark.proof
def test_whoever_reaches_the_ui_writes_only_a_plan_with_its_checksum(ui: Ui, at: Operator) -> None:
    assert "only one stored plan" in ui.launch("daily_sync", APPLY, CLI_TAGS)
    assert at.posts() == []
    plan = at.command("plan", "show", "--json", HALO_WRITE_MODE="dry_run").data["plan"]
    named = {"apply": True, "plan_id": plan["plan_id"], "checksum": "0" * 64}
    config = {"ops": {"billing__writes": {"config": named}}}
    assert "checksum in the configuration is not" in ui.launch("apply_plan", config)
    assert at.posts() == []
    named["checksum"] = plan["checksum"]
    cancelled_in_a_write(ui, at, config)
    begun = len(at.posts())
    assert begun == 1
    assert "verified" in ui.launch("apply_plan", config)
    assert len(at.posts()) > begun
    night(at)
    assert open_entries(at) == 0
    assert at.sandbox.world.halo.violations == []


def cancelled_in_a_write(ui: Ui, at: Operator, config: Mapping[str, Any]) -> None:
    """Start a run and cancel it in the UI while Halo is about to answer its first write."""
    stuck = at.sandbox.faults.add("hang", vendor="halo", method="POST", path="/SoftwareLicence")
    run_id = ui.start("apply_plan", config)
    until(lambda: stuck.fired > 0, 240)
    shown = ui.query("mutation T($id: String!) { terminateRun(runId: $id) { __typename } }", id=run_id)
    assert shown["terminateRun"]["__typename"] == "TerminateRunSuccess"
    at.sandbox.faults.remove()
    until(lambda: ui.runs()[run_id] in ("CANCELED", "FAILURE"), 240)


CONTROL: dict[str, tuple[str, str, dict[str, str], int]] = {
    "form": ("POST", "/control/clock", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "text/plain": ("POST", "/control/clock", {"Content-Type": "text/plain"}, 415),
    "foreign Origin": ("POST", "/control/clock", {"Origin": EVIL, **JSON}, 403),
    "DNS rebinding": ("POST", "/control/clock", {"Host": "evil.example", **JSON}, 403),
    "DNS rebinding: credentials": ("GET", "/control/env", {"Host": "evil.example"}, 403),
    "DELETE, foreign Origin": ("DELETE", "/control/requests", {"Origin": EVIL}, 403),
    "script tag": ("GET", "/control/env", {"Referer": f"{EVIL}/"}, 403),
    "a program": ("POST", "/control/clock", JSON, 200),
}


def test_the_sandboxs_control_answers_programs_and_no_other_sites_page(at: Operator) -> None:
    control = Ui(urlsplit(at.sandbox.url).port or 0)
    answers = {who: control.send(m, path, h, '{"play_days": 0}')[0] for who, (m, path, h, _) in CONTROL.items()}
    assert answers == {who: status for who, (*_, status) in CONTROL.items()}


def test_the_host_option_warns_that_the_ui_has_no_login(tmp_path: Path) -> None:
    from pax8_pipeline.commands.playground.dev import _Address

    assert "no login" in _Address("0.0.0.0", 3000).warning
    assert _Address("0.0.0.0", 3000).reached == "127.0.0.1"
