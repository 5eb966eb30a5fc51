"""Who hears what: failed runs, failed checks, the day's totals; and that no address is ever printed."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from pax8_pipeline.definitions import build_defs
from pax8_pipeline.errors import ServerFault, WarehouseBusy
from pax8_pipeline.orchestration import alerts, heartbeat, messages, runs
from pax8_pipeline.orchestration.alert_claims import claims_folder, forget
from pax8_pipeline.orchestration.messages import Message
from pax8_pipeline.settings.policy import Digest
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.assets import PipelineHarness, out_of_step
from pax8_pipeline_tests.support.scripted_http import ScriptedResponse, serving
from pax8_pipeline_tests.support.vendor_data import SUB, TODAY, subscription
from pax8_pipeline_tests.support.vendors import Pax8InMemory, incomplete

UNBILLED = "aaaaaaaa-0000-4000-8000-000000000002"
SECRET = "json://user:topsecret@127.0.0.1:9/hook"  # nobody listens on port 9


class Pigeon:
    """Stands in for apprise."""

    sent: list[tuple[str, str, str]]

    def __init__(self) -> None:
        self._urls: list[str] = []

    def add(self, url: str) -> bool:
        self._urls.append(url)
        return True

    def notify(self, *, title: str, body: str, body_format: str) -> bool:
        assert body_format == "text"  # names in it are never taken for markup
        Pigeon.sent += [(url, title, body) for url in self._urls]
        return True


@pytest.fixture
def pigeon(monkeypatch: pytest.MonkeyPatch) -> type[Pigeon]:
    import apprise

    Pigeon.sent = []
    monkeypatch.setattr(apprise, "Apprise", Pigeon)
    return Pigeon


def run_of(harness: PipelineHarness, run_id: str) -> dg.DagsterRun:
    found = harness.instance.get_run_by_id(run_id)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[PipelineHarness, dg.DagsterRun]:
    harness = out_of_step(tmp_path_factory.mktemp("good"))
    harness.pax8.usage[SUB] = [
        {"id": "u1", "companyId": None, "currentCharges": 4, "partnerTotal": 3, "currencyCode": "USD"}
    ]
    return harness, run_of(harness, harness.sync().run_id)


def test_a_good_run_tells_totals_the_biggest_changes_and_failed_checks(
    good: tuple[PipelineHarness, dg.DagsterRun],
) -> None:
    harness, run = good
    message = messages.of_run(harness.instance, run, "on_change")
    assert message is not None
    title, body = message.title, message.body
    assert (title, "110.00" in body, "Example" in body) == ("Pax8 sync: 1 written, 1 check needs attention", True, True)
    assert "[WARN] usage_unassigned on reconciled/usage" in body


def test_a_loss_is_told_once_and_again_when_it_costs_more(tmp_path: Path) -> None:
    pax8 = Pax8InMemory(subscription_rows=[subscription(), subscription(id=UNBILLED)])
    harness = PipelineHarness(tmp_path, pax8, seats_only=True)
    first = messages.of_run(harness.instance, run_of(harness, harness.sync().run_id), "on_change")
    assert first is not None
    assert "[WARN] unmapped_subscriptions" in first.body
    with Warehouse(harness.settings.warehouse_path).connect() as connection:
        past = TODAY - timedelta(days=1)
        connection.execute("UPDATE billing.findings SET first_seen = ?, last_seen = ?, changed_on = ?", [past] * 3)
    assert messages.of_run(harness.instance, run_of(harness, harness.sync().run_id), "on_change") is None
    harness.pax8.subscription_rows = [subscription(), subscription(id=UNBILLED, quantity=21)]
    again = messages.of_run(harness.instance, run_of(harness, harness.sync().run_id), "on_change")
    assert again is not None
    assert "[WARN] unmapped_subscriptions" in again.body


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[PipelineHarness, dg.DagsterRun]:
    """A run without news, whose success is pinged."""
    with serving(lambda asked: ScriptedResponse(200, b"")) as server:
        env = {"PAX8_PING_URL": f"{server.url}/ping/secret"}
        harness = PipelineHarness(tmp_path_factory.mktemp("quiet"), env=env)
        run = run_of(harness, harness.sync().run_id)
        assert [asked.path for asked in server.asked] == ["/ping/secret"]
    return harness, run


@pytest.mark.parametrize(("digest", "sent"), [("never", False), ("on_change", False), ("daily", True)])
def test_a_night_without_news_sends_only_a_daily_digest(
    digest: Digest, sent: bool, quiet: tuple[PipelineHarness, dg.DagsterRun]
) -> None:
    harness, run = quiet
    message = messages.of_run(harness.instance, run, digest)
    assert (message is not None) is sent
    if message is not None:
        assert (len(message.body.splitlines()), "{" in message.body) == (7, False)  # six lines and the run


def test_a_failed_command_sends_one_alert_with_the_sentence_and_the_check_behind_it(
    pigeon: type[Pigeon], tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text("alerts: {digest: never}\n", encoding="utf-8")
    harness = out_of_step(tmp_path, PAX8_ALERT_URLS="json://a")
    harness.halo.faults["items"] = ServerFault("Halo GET /Item answered 503", vendor="Halo")
    harness.pax8.faults["companies"] = incomplete("GET /companies")
    assert not harness.sync().success
    [(_, title, body)] = pigeon.sent
    assert title == "Pax8 sync: daily_sync failed"
    assert heartbeat.last_success(harness.settings) is None
    last = heartbeat.last_run(harness.settings)
    assert last is not None
    assert (last.job, last.success) == ("daily_sync", False)
    assert "Halo GET /Item answered 503" in body
    assert "[ERROR] incomplete_read on pax8/companies" in body
    assert "Traceback" not in body


def test_messages_go_to_every_address(pigeon: type[Pigeon], tmp_path: Path) -> None:
    settings = replace(PipelineHarness(tmp_path).settings, alert_urls=(SecretStr("json://a"), SecretStr("json://b")))
    assert alerts.send(settings, Message("title", "body")) == 2
    assert pigeon.sent == [("json://a", "title", "body"), ("json://b", "title", "body")]


def test_without_an_address_the_message_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert alerts.send(PipelineHarness(tmp_path).settings, Message("title", "what happened")) == 0
    assert "what happened" in caplog.text


def test_an_address_that_fails_is_told_by_number_and_never_printed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    settings = replace(PipelineHarness(tmp_path).settings, alert_urls=(SecretStr(SECRET), SecretStr("nonsense://x")))
    assert alerts.send(settings, Message("title", "body")) == 0
    assert "alert address 1 of PAX8_ALERT_URLS did not take the message" in caplog.text
    assert "alert address 2" in caplog.text
    printed = capfd.readouterr()
    assert "topsecret" not in caplog.text + printed.out + printed.err


@pytest.mark.parametrize("name", ["alert_run_failure", "alert_failed_checks", "alert_no_success"])
def test_all_sensors_are_on_from_the_start(name: str) -> None:
    sensor = build_defs().resolve_sensor_def(name) if hasattr(dg.Definitions, "resolve_sensor_def") else None
    found = sensor or build_defs().get_sensor_def(name)
    assert found.default_status is dg.DefaultSensorStatus.RUNNING


def test_a_command_sends_its_alert_and_the_sensor_does_not_send_it_again(
    pigeon: type[Pigeon], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    harness = out_of_step(tmp_path, PAX8_ALERT_URLS="json://a")
    run = run_of(harness, harness.sync().run_id)
    [(address, title, body)] = pigeon.sent
    assert (address, title) == ("json://a", "Pax8 sync: 1 written"), "no word of a sandbox"
    assert body.splitlines()[0] == "1 change written, 0 not verified; 1 planned, 0 waiting for approval, 0 held back"
    assert "Sync" not in capfd.readouterr().err  # the command prints its own result
    assert isinstance(_on_success(harness, run), dg.SkipReason)
    assert len(pigeon.sent) == 1


def test_the_sensor_sends_for_a_run_that_no_command_started(
    good: tuple[PipelineHarness, dg.DagsterRun], pigeon: type[Pigeon], monkeypatch: pytest.MonkeyPatch
) -> None:
    harness, run = good
    (claims_folder(harness.instance) / run.run_id).unlink()
    settings = replace(harness.settings, alert_urls=(SecretStr("json://a"),))
    monkeypatch.setattr(alerts, "load_settings", lambda: settings)
    assert _on_success(harness, run) is None
    assert [title for _, title, _ in pigeon.sent] == ["Pax8 sync: 1 written, 1 check needs attention"]
    assert isinstance(_on_success(harness, run), dg.SkipReason)


def test_a_run_that_cannot_start_sends_an_alert(
    pigeon: type[Pigeon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = out_of_step(tmp_path, PAX8_ALERT_URLS="json://a")

    def busy(settings: Any) -> None:
        raise WarehouseBusy("the warehouse is held by process 7")

    monkeypatch.setattr(runs, "_wait_for_warehouse", busy)
    with pytest.raises(WarehouseBusy):
        harness.sync()
    assert pigeon.sent == [("json://a", "Pax8 sync: daily_sync could not start", "the warehouse is held by process 7")]


def test_a_failed_run_of_any_job_sends_an_alert(pigeon: type[Pigeon], tmp_path: Path) -> None:
    """Somebody materializes one asset in the UI: Dagster gives such a run a job of its own."""
    harness = PipelineHarness(tmp_path, env={"PAX8_ALERT_URLS": "json://a"})
    for success in (True, False):
        run = dg.DagsterRun(job_name="__ASSET_JOB", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.NOT_STARTED)
        harness.instance.add_run(run)
        if success:
            harness.instance.handle_run_event(run.run_id, dg.DagsterEvent("PIPELINE_SUCCESS", "__ASSET_JOB"))
        else:
            harness.instance.report_run_failed(run, "gone")
        alerts.after_run(harness.instance, run.run_id, harness.settings)
    assert [title for _, title, _ in pigeon.sent] == ["Pax8 sync: __ASSET_JOB failed"]
    assert heartbeat.last_run(harness.settings) is None


def test_notes_that_cannot_be_written_change_no_result(
    pigeon: type[Pigeon], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    harness = out_of_step(tmp_path, seats_only=True, PAX8_ALERT_URLS="json://a")
    for name in ("last_run.json", "last_success.json"):
        (tmp_path / f".{name}.{os.getpid()}.new").mkdir()  # a folder in its place stands for a disk that takes nothing
    claims = claims_folder(harness.instance)
    claims.write_text("", encoding="utf-8")
    result = harness.sync()
    assert (result.success, dict(result.applied)) == (True, {"verified": 1})
    assert [title for _, title, _ in pigeon.sent] == ["Pax8 sync: 1 written"]
    assert ".last_run.json." in caplog.text


def test_an_address_of_pax8_that_is_none_does_not_hide_the_reason(pigeon: type[Pigeon], tmp_path: Path) -> None:
    harness = PipelineHarness(tmp_path, env={"PAX8_ALERT_URLS": "json://a", "PAX8_API_URL": "http://[bad"})
    alerts.not_started(harness.settings, "daily_sync", WarehouseBusy("held"))
    assert pigeon.sent == [("json://a", "Pax8 sync: daily_sync could not start", "held")]


def test_a_run_that_is_held_says_so_and_a_practice_run_is_marked_as_one(pigeon: type[Pigeon], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        "guardrails: {run: {money_up: 1}}\nalerts: {digest: never}\n", encoding="utf-8"
    )
    harness = out_of_step(tmp_path, seats_only=True, PAX8_ALERT_URLS="json://a", PAX8_API_URL="http://127.0.0.1:1/v1")
    harness.sync()
    [(_, title, body)] = pigeon.sent
    assert title == "Pax8 sync: daily_sync was held (sandbox)"
    assert body.startswith("Held: ")


def test_a_success_is_noted(quiet: tuple[PipelineHarness, dg.DagsterRun]) -> None:
    harness, run = quiet
    last = heartbeat.last_success(harness.settings)
    assert last is not None
    assert last.run_id == run.run_id
    assert not last.is_late(last.ended_at + timedelta(hours=26))
    assert last.is_late(last.ended_at + timedelta(hours=26, seconds=1))


def test_a_ping_that_fails_is_logged_without_its_address(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    harness = PipelineHarness(tmp_path, env={"PAX8_PING_URL": "http://127.0.0.1:9/topsecret"})
    _success(harness, hours_ago=0)
    assert "PAX8_PING_URL did not take the ping" in caplog.text
    assert "topsecret" not in caplog.text


def test_silence_is_reported_once(pigeon: type[Pigeon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = PipelineHarness(tmp_path, env={"PAX8_ALERT_URLS": "json://a"})
    monkeypatch.setattr(alerts, "load_settings", lambda: harness.settings)
    context = dg.build_sensor_context(instance=harness.instance)
    alerts._on_silence(context)  # there was no success yet: a new folder is not late
    _success(harness, hours_ago=25)
    alerts._on_silence(context)
    assert pigeon.sent == []
    _success(harness, hours_ago=27)
    for _ in range(2):
        alerts._on_silence(context)
    [(_, title, body)] = pigeon.sent
    assert title == "Pax8 sync: no run has ended well"
    assert "run-1" in body


def test_old_notes_of_alerts_are_deleted(quiet: tuple[PipelineHarness, dg.DagsterRun]) -> None:
    harness, run = quiet
    note = claims_folder(harness.instance) / run.run_id
    forget(harness.instance, datetime.now(UTC) - timedelta(days=1))
    assert note.exists()
    forget(harness.instance, datetime.now(UTC) + timedelta(days=1))
    assert not note.exists()


def _success(harness: PipelineHarness, hours_ago: int) -> None:
    ended_at = datetime.now(UTC) - timedelta(hours=hours_ago)
    heartbeat.record(
        harness.settings, heartbeat.RunEnd("run-1", "daily_sync", success=True, ended_at=ended_at), daily=True
    )


def _on_success(harness: PipelineHarness, run: dg.DagsterRun) -> Any:
    context = dg.build_run_status_sensor_context(
        sensor_name="alert_failed_checks",
        dagster_event=_last_event(harness, run),
        dagster_instance=harness.instance,
        dagster_run=run,
    )
    return alerts._on_success(context)


def _last_event(harness: PipelineHarness, run: dg.DagsterRun) -> dg.DagsterEvent:
    kind = dg.DagsterEventType.RUN_SUCCESS
    event = harness.instance.get_records_for_run(run.run_id, of_type=kind).records[0].event_log_entry.dagster_event
    assert event is not None
    return event
