"""The daily job from end to end, on vendors in memory: what runs, what is held back, what people see."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pax8_pipeline.errors import Forbidden, ServerFault, WriteRefused
from pax8_pipeline.orchestration.runs import RunResult
from pax8_pipeline.warehouse import build
from pax8_pipeline_tests.support.assets import (
    MONTH,
    PipelineHarness,
    finished_run,
    harness_of,
    out_of_step,
    planned,
    writes,
    written,
)
from pax8_pipeline_tests.support.vendor_data import SUB
from pax8_pipeline_tests.support.vendors import incomplete

SCHEDULE_TAGS = {
    "dagster/schedule_name": "daily_sync_schedule", "dagster/tick": "1", "pax8_pipeline/permission": "granted",
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[PipelineHarness, RunResult]:
    harness = out_of_step(tmp_path_factory.mktemp("clean"))
    harness.pax8.usage[SUB] = [
        {"id": "u1", "companyId": None, "currentCharges": 4, "partnerTotal": 3, "currencyCode": "USD"}
    ]
    harness.pax8.lines[("u1", "2026-08-20")] = [
        {"usageDate": "2026-08-20", "quantity": 1, "currentCharges": 4, "partnerTotal": 3}
    ]
    return harness, harness.sync()


def test_a_change_is_written_and_read_back(ran: tuple[PipelineHarness, RunResult]) -> None:
    harness, result = ran
    assert (result.success, result.errors, result.applied) == (True, [], {"verified": 1})
    assert [(kind, body["id"], body["count"]) for kind, body in harness.halo.written] == [("licence", 4127, 25)]


def test_every_asset_is_made(ran: tuple[PipelineHarness, RunResult]) -> None:
    harness, result = ran
    made = harness.made(result.run_id)
    assert len(made) == 14 + len(build.STAGING) + 1 + len(build.RECONCILED) + 5
    assert list(made)[-2:] == ["billing/report", "1_overview"], "they come last, after the writes"


def test_a_raw_asset_shows_how_it_was_read(ran: tuple[PipelineHarness, RunResult]) -> None:
    harness, result = ran
    shown = harness.made(result.run_id)["pax8/subscriptions"]
    assert (shown["objects"], shown["requests"], shown["repeats"], shown["complete"]) == (1, 1, 0, True)
    assert {"snapshot_id", "seconds", "dagster/row_count"} <= shown.keys()


def test_a_staging_asset_shows_rows_rejects_and_a_sample(ran: tuple[PipelineHarness, RunResult]) -> None:
    harness, result = ran
    shown = harness.made(result.run_id)["staging/subscriptions"]
    assert (shown["dagster/row_count"], shown["rejects"]) == (1, 0)
    assert SUB in shown["sample"]


def test_the_reconciliation_shows_verdicts_with_their_money(ran: tuple[PipelineHarness, RunResult]) -> None:
    harness, result = ran
    shown = harness.made(result.run_id)["reconciled/subscriptions"]
    assert shown["verdict/increase"] == 1
    assert "110" in shown["verdicts"]
    assert isinstance(shown["dagster/column_lineage"], dg.TableColumnLineage)


def test_the_plan_shows_client_before_after_and_money(ran: tuple[PipelineHarness, RunResult]) -> None:
    harness, result = ran
    shown = harness.made(result.run_id)["billing/plan"]
    assert (shown["plan_id"], shown["safe"], shown["complete"]) == (result.plan_id, 1, True)
    row = next(line for line in shown["preview"].splitlines() if "Suite" in line)
    assert [part in row for part in ("Example", "20", "25", "+110.00 USD")] == [True] * 4
    assert "110" in shown["biggest_changes"]


def test_the_ledger_shows_what_became_of_the_write(ran: tuple[PipelineHarness, RunResult]) -> None:
    harness, result = ran
    shown = harness.made(result.run_id)["billing/ledger"]
    assert (shown["state/verified"], shown["verified_money_a_month"]) == (1, "110.00 USD")


def test_the_report_and_the_published_copy_know_of_the_write(ran: tuple[PipelineHarness, RunResult]) -> None:
    harness, result = ran
    shown = harness.made(result.run_id)["billing/report"]
    assert shown["written"] == {"verified": 1}
    assert "verified" in Path(shown["page"]).read_text(encoding="utf-8")
    with duckdb.connect(shown["published"], read_only=True) as published:
        states = published.execute("SELECT state FROM billing.ledger ORDER BY entry DESC LIMIT 1").fetchall()
    assert states == [("verified",)]


def test_usage_stands_under_the_running_month(ran: tuple[PipelineHarness, RunResult]) -> None:
    harness, result = ran
    records = harness.instance.get_records_for_run(
        result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    ).records
    events = [r.event_log_entry.asset_materialization for r in records]
    months = {
        e.asset_key.to_user_string(): e.partition for e in events if e is not None and "usage" in e.asset_key.path[-1]
    }
    assert (months["pax8/usage_summaries"], months["pax8/usage_lines"]) == (None, MONTH)


def test_usage_without_a_company_is_a_warning_of_the_run_and_stops_nothing(
    ran: tuple[PipelineHarness, RunResult],
) -> None:
    _, result = ran
    assert [(c.asset, c.name, c.severity, c.blocking) for c in result.failed_checks] == [
        ("reconciled/usage", "usage_unassigned", "WARN", False)
    ]


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    harness, plan_id = written(tmp_path)
    messages: list[str] = []
    second = harness.sync(messages=messages)
    assert (second.applied, second.outcome) == ({}, "nothing to write")
    assert len(harness.halo.written) == 1
    assert any(text.startswith("pax8.subscriptions: 1 object,") for text in messages)
    backups = [path.name for path in (tmp_path / "backups").iterdir() if path.is_dir()]
    assert backups == [plan_id], "a run without writes leaves no backup"
    overview = harness.made(second.run_id)["1_overview"]
    assert (overview["not_billed_USD"], overview["waits"]) == (0.0, "nothing"), "no loss is plotted as zero"


def test_a_dry_run_makes_the_plan_and_writes_nothing() -> None:
    run = finished_run("dry_run")
    assert (run.result.success, run.harness.halo.written) == (True, [])
    assert (run.made("billing/plan")["safe"], run.made("billing/writes")["applied"]) == (1, False)
    assert "dry run" in run.made("billing/writes")["reason"]


def test_a_run_with_the_backfill_tag_never_writes(tmp_path: Path) -> None:
    harness, plan_id = planned(tmp_path)
    tags = {"dagster/backfill": "b"}
    ran = harness.job("apply_plan", granted=True, tags=tags, run_config=harness.named(plan_id))
    assert "a backfill never writes" in harness.made(ran.run_id)["billing/writes"]["reason"]
    assert harness.halo.written == []


def test_a_run_that_somebody_started_in_the_ui_writes_nothing_and_says_how_to(tmp_path: Path) -> None:
    """Not even with the configuration and the tags of the schedule."""
    harness = out_of_step(tmp_path, seats_only=True)
    ran = harness.job("daily_sync", partition_key=MONTH, run_config=writes({"apply": True}), tags=SCHEDULE_TAGS)
    reason = harness.made(ran.run_id)["billing/writes"]["reason"]
    assert (ran.success, harness.halo.written) == (False, [])
    assert all(part in reason for part in ("apply_plan", "plan_id", "checksum", "pax8-pipeline run"))


def test_approvals_are_no_configuration(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path)
    for key, value in (("approved_by", "a web page"), ("acknowledge", True)):
        with pytest.raises(dg.DagsterInvalidConfigError, match=key):
            harness.job("apply_plan", run_config=writes({"apply": True, key: value}))


def test_the_native_integration_stops_the_writes_and_the_report_is_made_all_the_same(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path)
    harness.halo.accounts = [{"id": 1, "integrator_enabled": True}]
    result = harness.sync()
    made = harness.made(result.run_id)
    assert (result.success, result.errors, harness.halo.written) == (False, [], [])
    assert result.plan_id is not None
    assert [(c.name, c.severity, c.blocking) for c in result.failed_checks] == [("native_integration", "ERROR", True)]
    assert "billing/writes" not in made
    assert made["billing/report"]["plan_id"] == result.plan_id


def test_settings_of_the_native_integration_that_cannot_be_seen_stop_the_writes(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path, seats_only=True)
    harness.halo.faults["integration"] = Forbidden("Halo: not allowed", vendor="Halo", status=403)
    result = harness.sync()
    assert [c.name for c in result.failed_checks] == ["native_integration"]
    assert harness.halo.written == []


def test_a_run_over_its_guardrail_is_held_whole_with_a_report_and_an_overview(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path)
    (tmp_path / "policy.yaml").write_text("guardrails: {run: {money_delta: 100}}\n", encoding="utf-8")
    result = harness.sync()
    assert [(c.name, c.severity) for c in result.failed_checks] == [("guardrails", "ERROR")]
    assert harness.halo.written == []
    assert {"billing/report", "1_overview"} <= harness.made(result.run_id).keys()


def test_a_write_that_fails_fails_the_run_after_writes_ledger_and_report_are_made(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path)
    harness.halo.write_fault = WriteRefused("Halo refuses: count is locked", vendor="Halo", status=400)
    result = harness.sync()
    made = harness.made(result.run_id)
    assert (result.success, result.applied) == (False, {"failed": 1})
    assert "count is locked" in " ".join(result.errors)
    assert (made["billing/writes"]["failed"], made["billing/ledger"]["state/failed"]) == (1, 1)
    assert made["billing/report"]["written"] == {"failed": 1}


def test_a_list_that_is_not_whole_stops_what_rests_on_it_and_nothing_else(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path, seats_only=True)
    harness.pax8.faults["subscriptions"] = incomplete("GET /subscriptions")
    result = harness.sync()
    made = harness.made(result.run_id)
    assert (result.success, result.plan_id, result.errors) == (False, None, [])
    assert [(c.asset, c.name) for c in result.failed_checks] == [("pax8/subscriptions", "incomplete_read")]
    assert ("staging/subscriptions" in made, "staging/licences" in made) == (False, True)
    assert made["pax8/subscriptions"]["complete"] is False


def test_a_list_that_only_usage_needs_and_that_is_not_whole_does_not_hold_seats(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path)
    harness.halo.faults["invoices"] = incomplete("GET /Invoice")
    result = harness.sync()
    found = [(c.asset, c.name, c.severity, c.blocking) for c in result.failed_checks if c.severity == "ERROR"]
    assert found == [("halo/invoices", "incomplete_read", "ERROR", False)]
    assert result.applied == {"verified": 1}


def test_a_mass_disappearance_stops_the_run_today_and_tomorrow(tmp_path: Path) -> None:
    harness = harness_of(tmp_path, 20)
    assert harness.sync().success
    harness.pax8.subscription_rows = harness.pax8.subscription_rows[:5]
    for _ in range(2):
        result = harness.sync()
        assert [(c.asset, c.name) for c in result.failed_checks] == [("pax8/subscriptions", "snapshot_shrank")]
        assert result.plan_id is None


def test_a_vendor_that_is_down_is_told_in_one_sentence(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path, seats_only=True)
    harness.halo.faults["licences"] = ServerFault(
        "Halo GET /SoftwareLicence answered 503 six times", vendor="Halo", status=503
    )
    result = harness.sync()
    assert result.errors == ["halo__licences: Halo GET /SoftwareLicence answered 503 six times"]
    assert harness.halo.asked("licences") == [None], "a run that somebody watches does not wait and try again"


def test_missing_credentials_are_told_by_name(tmp_path: Path) -> None:
    harness = PipelineHarness(tmp_path)
    from pax8_pipeline.orchestration.runs import run_daily_sync

    result = run_daily_sync(harness.settings, apply=True, instance=harness.instance)
    assert "PAX8_CLIENT_ID, PAX8_CLIENT_SECRET" in " ".join(result.errors)
    assert "HALO_API_URL" in " ".join(result.errors)


def test_a_stored_plan_is_written_by_its_id(tmp_path: Path) -> None:
    harness, plan_id = planned(tmp_path)
    ran = harness.job("apply_plan", run_config=harness.named(plan_id))
    assert ran.success
    assert [body["count"] for _, body in harness.halo.written] == [Decimal(25)]
    made = harness.made(ran.run_id)
    assert set(made) == {"billing/writes", "billing/ledger", "billing/report", "1_overview"}
    assert made["billing/report"]["plan_id"] == plan_id


def test_a_row_that_was_started_is_not_written_again_under_the_same_plan(tmp_path: Path) -> None:
    harness, plan_id = written(tmp_path)
    assert harness.job("apply_plan", run_config=harness.named(plan_id)).success
    assert len(harness.halo.written) == 1


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"checksum": "0" * 64}, "checksum in the configuration is not that of plan"),
        ({"checksum": ""}, "only one stored plan"),
        ({"apply": False}, "only one stored plan"),
        ({"plan_id": ""}, "no plan was made in this run"),
    ],
    ids=["wrong checksum", "no checksum", "no apply", "no plan"],
)
def test_a_plan_is_written_from_the_ui_only_with_its_id_and_checksum(
    other: dict[str, Any], why: str, tmp_path: Path
) -> None:
    harness, plan_id = planned(tmp_path)
    ran = harness.job("apply_plan", run_config=harness.named(plan_id, **other))
    sink = harness.made(ran.run_id)["billing/writes"]
    assert (harness.halo.written, sink["applied"]) == ([], False)
    assert why in sink["outcome"]
    assert ran.success is (other == {"apply": False})  # who asked for a write and got none sees a failed run


@pytest.mark.parametrize(
    ("job", "op", "config"),
    [
        ("apply_plan", "billing__writes", {"apply": True, "plan_id": {"env": "A_SECRET"}, "checksum": "x"}),
        ("daily_sync", "billing__plan", {"bill_from": {"env": "A_SECRET"}, "bill_to": "2026-07"}),
    ],
)
def test_a_configuration_cannot_have_a_variable_of_the_environment_shown(
    job: str, op: str, config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2-hunter2")
    harness = out_of_step(tmp_path)
    only = [dg.AssetKey(op.split("__"))]  # the asset whose configuration it is
    partition: dict[str, Any] = {"partition_key": MONTH, "asset_selection": only} if job == "daily_sync" else {}
    ran = harness.job(job, run_config={"ops": {op: {"config": config}}}, **partition)
    assert not ran.success
    events = harness.instance.all_logs(ran.run_id)
    assert "hunter2" not in " ".join(str(event) for event in events)
