"""`doctor` names each thing that is wrong, in words, against emulators that have exactly that wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from pax8_pipeline.clock import ClockSeen, RunDay
from pax8_pipeline.commands.doctor import local, vendors
from pax8_pipeline.commands.doctor.command import doctor
from pax8_pipeline.commands.doctor.diagnosis import Diagnosis
from pax8_pipeline.errors import BadAnswer, ConfigError
from pax8_pipeline.halo.client import NEEDED_SCOPES
from pax8_pipeline.sandbox.halo.nightly import nightly
from pax8_pipeline.sandbox.server.app import Sandbox, running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.cli import OURS
from pax8_pipeline_tests.support.history import copy_history
from pax8_pipeline_tests.support.no_waiting import without_waiting

TODAY = date(2026, 8, 20)


@dataclass
class Patient:
    """A sandbox and the environment with which doctor looks at it."""

    sandbox: Sandbox
    env: dict[str, str]

    def findings(self) -> dict[str, dict[str, str]]:
        result = CliRunner().invoke(doctor, ["--json"], env=self.env, catch_exceptions=False)
        data = json.loads(result.stdout)
        assert result.exit_code == (1 if data["worst"] == "bad" else 0)
        return {finding["point"]: finding for finding in data["findings"]}

    def point(self, name: str) -> dict[str, str]:
        return self.findings()[name]


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patient]:
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    copy_history(tmp_path / "data")
    with without_waiting(), running_sandbox(World(1, TODAY, companies=12)) as sandbox:
        yield Patient(sandbox, {**sandbox.env(), "PAX8_PIPELINE_DATA": str(tmp_path / "data")})


def test_a_healthy_installation_has_nothing_bad(patient: Patient) -> None:
    nightly(patient.sandbox.world.halo)
    found = patient.findings()
    assert {point for point, finding in found.items() if finding["level"] == "bad"} == set()
    companies = len(patient.sandbox.world.pax8.companies)
    assert found["Pax8 companies"]["text"] == f"{companies} can be read"
    assert found["Pax8 invoices"]["text"] == "the last approved one is dated 2026-08-01, 19 days ago"
    assert found["native integration"]["level"] == "ok"
    assert found["today"]["level"] == "warn"  # fixed by PAX8_PIPELINE_TODAY, with live credentials set


def test_nothing_is_written_to_either_vendor(patient: Patient) -> None:
    patient.findings()
    assert patient.sandbox.world.halo.writes == []
    assert patient.sandbox.world.halo.violations == []
    assert patient.sandbox.world.pax8.write_attempts == []


@pytest.mark.parametrize(
    ("variable", "value", "point", "says"),
    [
        ("PAX8_CLIENT_SECRET", "wrong-secret-1234", "Pax8 token", "PAX8_CLIENT_SECRET"),
        ("HALO_CLIENT_SECRET", "wrong-secret-1234", "Halo token", "HALO_CLIENT_SECRET"),
        ("HALO_TENANT", "another", "Halo token", "HALO_TENANT"),
        ("PAX8_API_URL", "http://127.0.0.1:9/v1", "Pax8 network", "PAX8_API_URL"),
        ("HALO_AUTH_URL", "http://127.0.0.1:9/auth", "Halo network", "HALO_AUTH_URL"),
        ("HALO_API_URL", "http://halo.example.com/api", "Halo settings", "use https"),
        ("HALO_TENANT", "", "Halo settings", "not set: HALO_TENANT"),
    ],
)
def test_what_is_wrong_in_the_settings_is_named(
    patient: Patient, variable: str, value: str, point: str, says: str
) -> None:
    patient.env[variable] = value
    found = patient.findings()
    assert found[point]["level"] == "bad"
    assert says in found[point]["text"] + found[point]["advice"]
    other = "Halo token" if variable.startswith("PAX8") else "Pax8 token"
    assert found[other]["level"] == "ok"  # one vendor's trouble does not hide the other's state


def test_secrets_from_files_open_both_vendors(patient: Patient, tmp_path: Path) -> None:
    for name in ("PAX8_CLIENT_SECRET", "HALO_CLIENT_SECRET"):
        (tmp_path / name).write_text(f"{patient.env.pop(name)}\n")
        (tmp_path / name).chmod(0o400)
        patient.env[f"{name}_FILE"] = str(tmp_path / name)
    found = patient.findings()
    assert found["secret files"]["text"] == "PAX8_CLIENT_SECRET, HALO_CLIENT_SECRET come from files"
    assert (found["Pax8 token"]["level"], found["Halo token"]["level"]) == ("ok", "ok")


def test_no_secret_is_ever_printed(patient: Patient) -> None:
    patient.env |= {"PAX8_CLIENT_SECRET": "hush-pax8-9876", "HALO_CLIENT_SECRET": "hush-halo-9876"}
    patient.env["PAX8_ALERT_URLS"] = "slack://hush-hook-9876"
    result = CliRunner().invoke(doctor, [], env=patient.env, catch_exceptions=False)
    assert "bad" in result.output
    assert "hush" not in result.output


Look = Callable[[Patient], None]


def _halo(**switches: Any) -> Look:
    return lambda p: p.sandbox.world.halo.switches.change(switches)


@pytest.mark.parametrize(
    ("change", "point", "level", "says"),
    [
        (_halo(scopes=["read:customers", "read:items"]), "Halo scopes", "bad", "read:softwarelicensing"),
        (_halo(forbidden_for_agent=["Item"]), "Halo items", "bad", "Items read"),
        (_halo(empty_for_agent=["Client"]), "Halo clients", "bad", "may see too little"),
        (_halo(empty_for_agent=["RecurringInvoice"]), "Halo recurring invoices", "warn", "may see too little"),
        (_halo(native_sync="on"), "native integration", "warn", "leave it on while runs are dry"),
        (_halo(pax8details="forbidden"), "native integration", "warn", "native_integration: ignore"),
        (_halo(pax8details="missing"), "native integration", "warn", "native_integration: ignore"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_in_halo_is_named(patient: Patient, change: Look, point: str, level: str, says: str) -> None:
    change(patient)
    found = patient.point(point)
    assert found["level"] == level
    assert says in found["text"] + found["advice"]


def test_what_is_missing_to_write_is_bad_only_when_runs_write(patient: Patient) -> None:
    reads = ["read:customers", "read:items", "read:invoices", "read:softwarelicensing"]
    patient.sandbox.world.halo.switches.change({"native_sync": "on", "scopes": reads})
    dry = patient.findings()
    assert (dry["Halo scopes"]["level"], dry["native integration"]["level"]) == ("ok", "warn")
    patient.env["HALO_WRITE_MODE"] = "apply"
    live = patient.findings()
    assert (live["Halo scopes"]["level"], live["native integration"]["level"]) == ("bad", "bad")
    assert "edit:softwarelicensing" in live["Halo scopes"]["text"]


def test_the_scope_for_new_clients_is_asked_for_where_the_policy_proposes_them(patient: Patient) -> None:
    patient.env["HALO_WRITE_MODE"] = "apply"
    patient.sandbox.world.halo.switches.change({"scopes": list(NEEDED_SCOPES)})
    assert patient.point("Halo scopes")["level"] == "ok"
    policy = Path(patient.env["PAX8_PIPELINE_DATA"]) / "policy.yaml"
    policy.parent.mkdir(exist_ok=True)
    policy.write_text("new_subscriptions: {clients: propose}\n", encoding="utf-8")
    found = patient.point("Halo scopes")
    assert (found["level"], found["text"]) == ("bad", "not granted: edit:customers")


def test_a_policy_that_ignores_the_native_integration_still_hears_that_it_is_on(patient: Patient) -> None:
    data = Path(patient.env["PAX8_PIPELINE_DATA"])
    data.mkdir(exist_ok=True)
    (data / "policy.yaml").write_text("native_integration: ignore\nmatching: {licence_id_field: no_such_member}\n")
    patient.sandbox.world.halo.switches.change({"native_sync": "on"})
    found = patient.findings()
    assert found["native integration"]["level"] == "warn"
    assert found["Halo no_such_member"]["level"] == "bad"


@pytest.mark.parametrize(
    ("file", "text", "point", "says"),
    [
        ("policy.yaml", "write_mod: apply\n", "settings", "write_mod: unknown key"),
        (
            "mappings/clients.csv",
            "pax8_company_id,halo_client_id\n5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11,x\n",
            "mapping files",
            "row 2, column halo_cli",
        ),
        ("warehouse.duckdb", "not a database, but as long as one" * 20, "warehouse", "move the file"),
    ],
)
def test_an_unreadable_file_is_named_with_its_fault(
    patient: Patient, file: str, text: str, point: str, says: str
) -> None:
    path = Path(patient.env["PAX8_PIPELINE_DATA"]) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    found = patient.point(point)
    assert found["level"] == "bad"
    assert says in found["text"] + found["advice"]


def test_a_typing_error_in_the_write_mode_is_told_to_be_a_dry_run(patient: Patient) -> None:
    patient.env["HALO_WRITE_MODE"] = "Apply"
    found = patient.point("write mode")
    assert (found["level"], "dry runs" in found["text"]) == ("warn", True)


def test_dagster_home_that_dagster_would_stumble_over_is_named(patient: Patient, tmp_path: Path) -> None:
    patient.env["DAGSTER_HOME"] = "relative/home"
    assert patient.point("dagster home")["level"] == "bad"
    patient.env["DAGSTER_HOME"] = str(tmp_path)
    assert "no dagster.yaml" in patient.point("dagster home")["text"]


def test_the_schedule_without_a_daemon_is_told(patient: Patient) -> None:
    assert patient.point("schedule")["text"].startswith("off")
    patient.env["PAX8_SCHEDULE"] = "on"
    found = patient.point("schedule")
    assert (found["level"], "no daemon" in found["text"]) == ("warn", True)


def test_a_warehouse_in_use_is_told_with_its_holder(tmp_path: Path) -> None:
    settings = load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})
    Warehouse(settings.warehouse_path).ensure_schema()
    assert [f.level for f in local.warehouse(settings)] == ["ok"]
    program = "import duckdb, sys\nc = duckdb.connect(sys.argv[1])\nprint('open', flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-c", program, str(settings.warehouse_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        found = next(local.warehouse(settings))
        assert (found.level, f"process {holder.pid}" in found.text) == ("warn", True)
        holder.kill()


def test_doctor_without_credentials_names_what_is_missing(patient: Patient) -> None:
    patient.env = {"PAX8_PIPELINE_DATA": patient.env["PAX8_PIPELINE_DATA"]}
    found = patient.findings()
    assert found["Pax8 settings"]["text"] == "not set: PAX8_CLIENT_ID, PAX8_CLIENT_SECRET"
    assert found["Halo settings"]["level"] == "bad"


def test_the_report_for_people_has_a_line_for_each_finding_and_what_to_do(patient: Patient) -> None:
    patient.env["HALO_CLIENT_SECRET"] = "wrong"
    result = CliRunner().invoke(doctor, [], env=patient.env, catch_exceptions=False)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    bad = next(n for n, line in enumerate(lines) if line.startswith("[bad]  Halo token: "))
    assert lines[bad + 1].startswith("       -> ")


# Judgements that need no server
# -------------------------------------------------------------------------------------------------------------------


def clock_off(seconds: float | None, today: date = TODAY, *, stated: bool = False) -> Diagnosis:
    """The finding for a vendor whose clock is so many seconds ahead of ours."""
    noon = datetime(2026, 8, 20, 12, tzinfo=UTC)
    seen = None if seconds is None else ClockSeen(noon + timedelta(seconds=seconds), noon)
    return vendors.clock("Pax8", seen, RunDay(today, stated, noon, ZoneInfo("UTC")))


@pytest.mark.parametrize(
    ("offset", "level"),
    [(119.0, "ok"), (-121.0, "warn"), (599.0, "warn"), (601.0, "bad"), (3700.0, "bad"), (None, "ok")],
)
def test_a_clock_more_than_two_minutes_off_is_a_warning_and_more_than_ten_is_bad(
    offset: float | None, level: str
) -> None:
    """More than ten minutes stop every run that writes."""
    assert clock_off(offset).level == level


def test_the_clock_says_which_way() -> None:
    assert "5 minutes behind Pax8's" in clock_off(300.0).text
    assert "2 minutes ahead of Pax8's" in clock_off(-121.0).text
    assert "62 minutes behind" in clock_off(3700.0).text


def test_a_stated_day_is_compared_with_the_vendors_day_and_no_time_with_it() -> None:
    assert clock_off(40_000.0, stated=True).level == "ok"
    wrong = clock_off(0.0, date(2026, 8, 19), stated=True)
    assert (wrong.level, "Remove PAX8_PIPELINE_TODAY" in wrong.advice) == ("bad", True)


def test_the_agent_and_the_version_are_shown(patient: Patient) -> None:
    found = patient.findings()
    assert "Pax8 Pipeline (API) (id 31)" in found["Halo agent"]["text"]
    assert found["Halo version"]["text"].startswith("2.210.1")
    assert (found["Pax8 clock"]["level"], found["Halo clock"]["level"]) == ("ok", "ok")
    patient.sandbox.world.halo.switches.change({"instance_info": False})
    assert patient.point("Halo version")["level"] == "warn"


@pytest.mark.parametrize(
    ("resource", "point", "right"),
    [
        ("SoftwareLicence", "Halo licences", "Software read"),
        ("RecurringInvoice", "Halo recurring invoices", "Invoices read"),
    ],
)
def test_a_401_on_one_record_is_a_missing_right_and_says_where_to_click(
    patient: Patient, resource: str, point: str, right: str
) -> None:
    patient.sandbox.world.halo.switches.change({"detail_denied": [resource]})
    found = patient.point(point)
    assert found["level"] == "bad"
    assert "the token works" in found["advice"]
    assert right in found["advice"]
    assert "Configuration > Teams & Agents" in found["advice"]


def test_a_day_left_in_the_environment_is_bad(patient: Patient) -> None:
    patient.env["PAX8_PIPELINE_TODAY"] = "2027-06-05"
    assert {patient.point(f"{vendor} clock")["level"] for vendor in ("Pax8", "Halo")} == {"bad"}


def test_the_newest_standing_invoice_counts_and_forty_days_are_the_limit() -> None:
    rows = [
        {"invoiceDate": "2026-08-01", "status": "Void"},
        {"invoiceDate": "2026-07-11T00:00:00Z", "status": "Paid"},
        {"invoiceDate": "2026-08-15", "status": "Credited"},
        {"status": "Unpaid"},
    ]
    assert vendors.newest_invoice(rows, TODAY).text.startswith("the last approved one is dated 2026-07-11, 40 days")
    assert vendors.newest_invoice(rows, TODAY).level == "ok"
    assert vendors.newest_invoice(rows, date(2026, 8, 21)).level == "warn"
    assert vendors.newest_invoice(rows[:1], TODAY).level == "warn"


def test_licences_without_the_column_are_bad_and_with_an_empty_one_a_warning() -> None:
    assert vendors.licence_ids([{"id": 1, "type": 1}], "snowid").level == "bad"
    assert vendors.licence_ids([{"id": 1, "type": 1, "snowid": " "}], "snowid").level == "warn"
    filled = vendors.licence_ids([{"type": 1, "snowid": "a"}, {"type": 0, "snowid": ""}], "snowid")
    assert (filled.level, filled.text) == ("ok", "set on 1 of the 1 checked subscriptions")


def test_an_integration_that_does_not_tell_is_not_taken_for_off() -> None:
    def unreadable() -> list[dict[str, Any]]:
        raise BadAnswer("Halo GET /Pax8Details: no list", vendor="Halo")

    assert vendors.native_integration(lambda: [{"id": 1}], "refuse", writes=False).level == "warn"
    assert vendors.native_integration(unreadable, "refuse", writes=False).level == "warn"
    assert vendors.native_integration(unreadable, "ignore", writes=False).level == "ok"
    assert vendors.native_integration(lambda: [], "refuse", writes=False).level == "ok"


def test_a_config_error_of_a_client_is_a_finding() -> None:
    assert vendors.refusal("Pax8", "companies", ConfigError("PAX8_API_URL: no")).point == "Pax8 settings"
