"""Who hears what: failed runs, failed checks, the day's totals; and that no address is ever printed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from pax8_pipeline.definitions import build_defs
from pax8_pipeline.errors import ServerFault
from pax8_pipeline.orchestration import alerts
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.assets import PipelineHarness, out_of_step
from pax8_pipeline_tests.support.books import SUB, TODAY, subscription
from pax8_pipeline_tests.support.vendors import FakePax8, incomplete

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
    message = alerts.success_message(harness.instance, run)
    assert message is not None
    title, body = message
    assert (title, "110.00" in body, "Example" in body) == ("Pax8 sync: 1 changes, 1 checks want a look", True, True)
    assert "[WARN] usage_unassigned on staging/usage_summaries" in body


def test_a_loss_is_told_once_and_again_when_it_costs_more(tmp_path: Path) -> None:
    harness = PipelineHarness(tmp_path, FakePax8(subscription_rows=[subscription(), subscription(id=UNBILLED)]))
    first = alerts.success_message(harness.instance, run_of(harness, harness.sync().run_id))
    assert first is not None
    assert "[WARN] unmapped_subscriptions" in first[1]
    with Warehouse(harness.settings.warehouse_path).connect() as connection:
        past = TODAY - timedelta(days=1)
        connection.execute("UPDATE billing.findings SET first_seen = ?, last_seen = ?, changed_on = ?", [past] * 3)
    assert alerts.success_message(harness.instance, run_of(harness, harness.sync().run_id)) is None
    harness.pax8.subscription_rows = [subscription(), subscription(id=UNBILLED, quantity=21)]
    again = alerts.success_message(harness.instance, run_of(harness, harness.sync().run_id))
    assert again is not None
    assert "[WARN] unmapped_subscriptions" in again[1]


def test_a_run_with_nothing_to_tell_tells_nothing(tmp_path: Path) -> None:
    harness = PipelineHarness(tmp_path)
    assert alerts.success_message(harness.instance, run_of(harness, harness.sync().run_id)) is None


def test_a_failed_run_tells_the_sentence_and_the_check_behind_it(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path)
    harness.halo.faults["items"] = ServerFault("Halo GET /Item answered 503", vendor="Halo")
    harness.pax8.faults["companies"] = incomplete("GET /companies")
    title, body = alerts.failure_message(harness.instance, run_of(harness, harness.sync().run_id))
    assert title == "Pax8 sync: daily_sync failed"
    assert "Halo GET /Item answered 503" in body
    assert "[ERROR] incomplete_read on pax8/companies" in body
    assert "Traceback" not in body


def test_messages_go_to_every_address(pigeon: type[Pigeon], tmp_path: Path) -> None:
    settings = replace(PipelineHarness(tmp_path).settings, alert_urls=(SecretStr("json://a"), SecretStr("json://b")))
    assert alerts.send(settings, "title", "body") == 2
    assert pigeon.sent == [("json://a", "title", "body"), ("json://b", "title", "body")]


def test_without_an_address_the_message_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert alerts.send(PipelineHarness(tmp_path).settings, "title", "what happened") == 0
    assert "what happened" in caplog.text


def test_an_address_that_fails_is_told_by_number_and_never_printed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    settings = replace(PipelineHarness(tmp_path).settings, alert_urls=(SecretStr(SECRET), SecretStr("nonsense://x")))
    assert alerts.send(settings, "title", "body") == 0
    assert "alert address 1 of PAX8_ALERT_URLS did not take the message" in caplog.text
    assert "alert address 2" in caplog.text
    printed = capfd.readouterr()
    assert "topsecret" not in caplog.text + printed.out + printed.err


@pytest.mark.parametrize("name", ["alert_run_failure", "alert_failed_checks"])
def test_both_sensors_are_on_from_the_start(name: str) -> None:
    sensor = build_defs().resolve_sensor_def(name) if hasattr(dg.Definitions, "resolve_sensor_def") else None
    found = sensor or build_defs().get_sensor_def(name)
    assert found.default_status is dg.DefaultSensorStatus.RUNNING


def test_the_success_sensor_sends_what_a_good_run_has_to_tell(
    good: tuple[PipelineHarness, dg.DagsterRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    harness, run = good
    told: list[Any] = []
    monkeypatch.setattr(alerts, "send", lambda settings, title, body: told.append(title))
    context = dg.build_run_status_sensor_context(
        sensor_name="alert_failed_checks",
        dagster_event=_last_event(harness, run),
        dagster_instance=harness.instance,
        dagster_run=run,
    )
    alerts._on_success(context)
    assert told == ["Pax8 sync: 1 changes, 1 checks want a look"]


def _last_event(harness: PipelineHarness, run: dg.DagsterRun) -> dg.DagsterEvent:
    kind = dg.DagsterEventType.RUN_SUCCESS
    event = harness.instance.get_records_for_run(run.run_id, of_type=kind).records[0].event_log_entry.dagster_event
    assert event is not None
    return event
