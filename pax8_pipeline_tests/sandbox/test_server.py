"""The sandbox as a server: its environment, its control endpoints, and a state that survives it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from pax8_pipeline.sandbox.server.app import running_sandbox, serve
from pax8_pipeline.sandbox.world import state
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext
from pax8_pipeline_tests.support.pax8_http import TIMEOUT, Pax8Caller, serving

JSON = {"Content-Type": "application/json"}
TODAY = date(2026, 8, 20)


@pytest.fixture
def caller() -> Iterator[Pax8Caller]:
    with serving(World.demo()) as running:
        yield running


def control(caller: Pax8Caller, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    data = None if body is None else jsontext.dumps(body)
    answer = requests.request(
        method, caller.sandbox.url + "/control" + path, data=data, timeout=TIMEOUT, headers=JSON if data else {}
    )
    assert answer.status_code == status, answer.text
    return jsontext.loads(answer.content)


def test_the_environment_is_the_designs(caller: Pax8Caller) -> None:
    env = caller.sandbox.env()
    assert list(env) == [
        "PAX8_CLIENT_ID",
        "PAX8_CLIENT_SECRET",
        "PAX8_API_URL",
        "PAX8_TOKEN_URL",
        "HALO_API_URL",
        "HALO_AUTH_URL",
        "HALO_TENANT",
        "HALO_CLIENT_ID",
        "HALO_CLIENT_SECRET",
        "PAX8_PIPELINE_TODAY",
    ]
    assert env["PAX8_API_URL"].endswith("/pax8/v1")
    assert env["HALO_API_URL"].endswith("/halo/api")
    assert env["PAX8_PIPELINE_TODAY"] == "2026-08-20"
    assert control(caller, "GET", "/env") == env


def test_both_vendors_answer_behind_one_port(caller: Pax8Caller) -> None:
    env = caller.sandbox.env()
    assert requests.get(f"{env['HALO_API_URL']}/authinfo", timeout=TIMEOUT).json()["tenant_id"] == "sandbox"
    assert caller.get("/companies")["page"]["totalElements"] == len(caller.sandbox.pax8.companies)


def test_two_sandboxes_run_side_by_side() -> None:
    with serving(World(1, TODAY, companies=2)) as one, serving(World(2, TODAY, companies=3)) as other:
        assert one.sandbox.url != other.sandbox.url
        assert len(one.all("/companies")) + 1 == len(other.all("/companies"))


def test_control_tells_what_there_is(caller: Pax8Caller) -> None:
    answer = control(caller, "GET", "")
    assert "POST /control/clock" in answer["endpoints"]
    assert "reply_lost" in answer["fault_kinds"]


def test_faults_are_ordered_seen_and_taken_back(caller: Pax8Caller) -> None:
    ordered = control(caller, "POST", "/faults", {"kind": "500", "vendor": "pax8", "times": None})
    assert caller.call("/companies").status_code == 500
    assert [one["fired"] for one in control(caller, "GET", "/faults")] == [1]
    assert control(caller, "DELETE", f"/faults?id={ordered['id']}") == []
    assert caller.call("/companies").status_code == 200


def test_a_fault_that_cannot_be_is_400_with_the_reason(caller: Pax8Caller) -> None:
    assert "earthquake" in control(caller, "POST", "/faults", {"kind": "earthquake"}, status=400)["error"]


def test_switches_are_turned_for_both_vendors(caller: Pax8Caller) -> None:
    body = {"pax8": {"over_max": "400"}, "halo": {"post_reply": "array"}}
    answer = control(caller, "POST", "/switches", body)
    assert (answer["pax8"]["over_max"], answer["halo"]["post_reply"]) == ("400", "array")
    assert caller.call("/companies", size=500).status_code == 400
    assert "over_max" in control(caller, "POST", "/switches", {"pax8": {"over_max": "maybe"}}, status=400)["error"]
    assert "native" in control(caller, "POST", "/switches", {"native": {}}, status=400)["error"]


def test_the_clock_plays_days_and_to_a_day(caller: Pax8Caller) -> None:
    assert control(caller, "POST", "/clock", {"play_days": 2}) == {"today": "2026-08-22"}
    assert control(caller, "POST", "/clock", {"to": "2026-09-05"}) == {"today": "2026-09-05"}
    assert caller.sandbox.env()["PAX8_PIPELINE_TODAY"] == "2026-09-05"
    caller.log_in()
    assert caller.all("/invoices", invoiceDate="2026-09-01")
    control(caller, "POST", "/clock", {"to": "2026-01-01"}, status=400)


def test_story_verdicts_and_states_are_told(caller: Pax8Caller) -> None:
    world = caller.sandbox.world
    story = control(caller, "GET", "/story")
    assert [event["kind"] for event in story] == [event.kind for event in world.story]
    verdicts = control(caller, "GET", "/verdicts")
    assert verdicts == world.expected_verdicts()
    expected, now = control(caller, "GET", "/expected"), control(caller, "GET", "/halo/state")
    assert {int(key) for key in now["lines"]} == set(world.halo_state()["lines"])
    assert sum(expected["licences"][key] != now["licences"][key] for key in now["licences"]) == 6


def test_requests_are_counted_by_vendor(caller: Pax8Caller) -> None:
    caller.call("/companies")
    caller.call("/nothing")
    answer = control(caller, "GET", "/requests?last=2")
    assert answer["requests"] == {"pax8": 2}
    assert [(row["path"], row["status"]) for row in answer["last"]] == [
        ("/pax8/v1/companies", 200),
        ("/pax8/v1/nothing", 404),
    ]
    control(caller, "DELETE", "/requests")
    assert control(caller, "GET", "/requests")["requests"] == {}


def test_writes_to_pax8_are_told(caller: Pax8Caller) -> None:
    caller.call("/orders", "POST")
    assert [row["path"] for row in control(caller, "GET", "/pax8/writes")] == ["/orders"]


@pytest.mark.parametrize(
    ("what", "pick", "values"),
    [
        ("subscription", lambda w: next(iter(w.pax8.subscriptions)), {"quantity": 77}),
        ("company", lambda w: next(iter(w.pax8.companies)), {"externalId": "77"}),
        ("usage_group", lambda w: next(iter(w.pax8.groups)), {"resourceGroup": "Renamed"}),
        ("invoice", lambda w: next(iter(w.pax8.invoices)), {"status": "Void"}),
        ("halo_line", lambda w: next(iter(w.links.lines.values())).line_id, {"isinactive": True}),
        ("halo_licence", lambda w: next(iter(w.halo.licences)), {"count": 77}),
        ("halo_client", lambda w: next(iter(w.halo.clients)), {"currencyisocode": "EUR"}),
        ("halo_recurring_invoice", lambda w: next(iter(w.halo.recurring_invoices)), {"disabled": True}),
        ("halo_integration", lambda w: 1, {"integrator_enabled": True}),
    ],
)
def test_rows_can_be_edited_by_hand(caller: Pax8Caller, what: str, pick: Any, values: dict[str, Any]) -> None:
    row_id = pick(caller.sandbox.world)
    answer = control(caller, "POST", "/edit", {"what": what, "id": row_id, "set": values})
    assert answer | values == answer
    refused = control(caller, "POST", "/edit", {"what": what, "id": row_id, "set": {"nonsense": 1}}, status=400)
    assert "nonsense" in refused["error"]


def test_an_edit_of_a_subscription_is_seen_in_its_history(caller: Pax8Caller) -> None:
    key = next(iter(caller.sandbox.pax8.subscriptions))
    control(caller, "POST", "/edit", {"what": "subscription", "id": key, "set": {"quantity": 77}})
    assert caller.get(f"/subscriptions/{key}")["quantity"] == 77
    assert caller.get(f"/subscriptions/{key}/history")["content"][0]["quantity"] == 77


def test_invoices_are_corrected_on_order(caller: Pax8Caller) -> None:
    before = {row["id"]: row["status"] for row in caller.all("/invoices")}
    answer = control(caller, "POST", "/invoices", {"action": "credit_and_rebill", "month": "2026-08"})
    after = {row["id"]: row["status"] for row in caller.all("/invoices")}
    assert after.keys() - before.keys() == {answer["id"]}
    assert [after[key] for key in before if after[key] != before[key]] == ["Credited"]


def test_a_person_can_bill_a_subscription(caller: Pax8Caller) -> None:
    event = next(event for event in caller.sandbox.world.story if event.kind == "unbilled")
    ids = control(caller, "POST", "/bill", {"subscription_id": event.subscription_id})
    assert caller.sandbox.halo.licences[ids["licence_id"]]["snowid"].lower() == event.subscription_id


# State ------------------------------------------------------------------------------------------------------


def test_every_change_is_on_disk_before_it_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sandbox.json"
    world = World(1, TODAY, companies=8)
    with running_sandbox(world, state_file=path) as sandbox:
        url = sandbox.url + "/control/clock"
        requests.post(url, data=b'{"play_days": 1}', headers=JSON, timeout=TIMEOUT)
        loaded = state.load(path)
        assert loaded.today == date(2026, 8, 21)
        assert jsontext.dumps(loaded.to_json()) == jsontext.dumps(world.to_json())


def test_a_write_to_halo_is_on_disk_even_when_its_answer_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.json"
    world = World(1, TODAY, companies=8)
    licence = next(iter(world.halo.licences.values()))
    with running_sandbox(world, state_file=path) as sandbox:
        sandbox.faults.add("reply_lost", vendor="halo", method="POST", path="/SoftwareLicence")
        env = sandbox.env()
        form = {
            "grant_type": "client_credentials",
            "client_id": env["HALO_CLIENT_ID"],
            "client_secret": env["HALO_CLIENT_SECRET"],
            "scope": "all",
        }
        token = requests.post(env["HALO_AUTH_URL"] + "/token", data=form, timeout=TIMEOUT).json()["access_token"]
        body = [{"id": licence["id"], "client_id": licence["client_id"], "count": 321}]
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.post(
                env["HALO_API_URL"] + "/SoftwareLicence",
                json=body,
                headers={"Authorization": f"Bearer {token}"},
                timeout=TIMEOUT,
            )
        assert state.load(path).halo.licences[licence["id"]]["count"] == 321


def test_a_file_that_is_no_state_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(state.StateFileError, match=r"sandbox\.json"):
        state.load(path)


def test_the_command_serves_until_told_and_goes_on_from_its_state(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.json"
    world = World(1, TODAY, companies=4)
    lines = _serve(world, path, lambda env: None)
    assert any(line.startswith("export PAX8_API_URL=http://127.0.0.1:") for line in lines)
    assert lines[-1] == "The sandbox has ended."
    state.save(_played(state.load(path)), path)
    lines = _serve(World(9, TODAY, companies=2), path, lambda env: _check_day(env, "2026-08-21"))
    assert "2026-08-21" in lines[0]


def _played(world: World) -> World:
    world.play_day()
    return world


def _check_day(env: dict[str, str], day: str) -> None:
    assert env["PAX8_PIPELINE_TODAY"] == day


def _serve(world: World, path: Path, check: Any) -> list[str]:
    """Run `serve` in a thread, check what it announced, stop it; returns all it said."""
    output: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(world, 0, path, output.put), kwargs={"stop": stop})
    thread.start()
    lines: list[str] = []
    while not lines or not lines[-1].startswith("Ctrl-C"):
        lines.append(output.get(timeout=TIMEOUT))
    exported = (line.removeprefix("export ").partition("=") for line in lines if line.startswith("export "))
    try:
        check({name: value for name, _, value in exported})
    finally:
        stop.set()
        thread.join(TIMEOUT)
    while not output.empty():
        lines.append(output.get())
    return lines
