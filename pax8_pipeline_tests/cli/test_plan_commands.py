"""`plan approve` and `plan apply` on a warehouse made by hand: who, what part, refusals. No vendor is there to ask."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.commands.plan.group import plan
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.settings import Policy
from pax8_pipeline_tests.support.cli import OURS
from pax8_pipeline_tests.support.vendor_data import SUB, TODAY, VendorData, subscription
from pax8_pipeline_tests.support.warehouse_files import release


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [n for n in os.environ if n.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAX8_PIPELINE_DATA", str(tmp_path))
    monkeypatch.setenv("USER", "ada")
    return tmp_path


def planned(folder: Path, trust: str, *more: dict[str, Any], age: timedelta = timedelta(0)) -> str:
    """Store a plan with one increase, made so long ago, under the policy file of the folder."""
    (folder / "policy.yaml").write_text(f"trust: {{default: {trust}}}\n")
    warehouse = VendorData(subscriptions=[subscription(quantity=25), *more]).load(folder)
    now = PlanContext(
        run_id="run-1", today=TODAY, made_at=datetime.now(UTC).replace(tzinfo=None) - age,
        policy=Policy.model_validate({"trust": {"default": trust}}),
        mapping_fingerprint=load_mappings(folder / "mappings").fingerprint, write_mode="dry_run", native="off",
    )  # fmt: skip
    plan_id = plans.make_plan(warehouse, now).plan_id
    release()
    return plan_id


def call(*arguments: str) -> Result:
    return CliRunner().invoke(plan, arguments)


def data(result: Result) -> dict[str, Any]:
    return dict(json.loads(result.stdout))


@pytest.mark.parametrize(
    ("trust", "refused"), [("approve", False), ("propose", False), ("observe", True), ("auto", True)]
)
def test_only_what_waits_can_be_approved(trust: str, refused: bool, folder: Path) -> None:
    result = call("approve", planned(folder, trust), "--json")
    if refused:
        assert "nothing in that part" in str(result.exception)
        return
    answer = data(result)
    assert (answer["approved_by"], answer["rows_covered"], answer["kind"]) == ("ada", 1, "approve")
    assert answer["next"] == [f"pax8-pipeline plan apply {answer['plan_id']}"]
    (shown,) = data(call("show", "--json"))["approvals"]
    assert (shown["approved_by"], shown["rows"], shown["checksum"]) == ("ada", 1, answer["checksum"])


def test_a_part_that_is_not_there_is_refused_and_records_nothing(folder: Path) -> None:
    plan_id = planned(folder, "approve")
    for part in (("--client", "999"), ("--row", "other"), ("--acknowledge",), ("--by", "  ")):
        assert isinstance(call("approve", plan_id, *part).exception, PipelineError)
    assert data(call("show", "--json"))["approvals"] == []
    assert data(call("approve", plan_id, "--row", SUB.upper(), "--client", "231", "--json"))["row_id"] == SUB


def test_a_text_answer_says_who_what_and_the_next_command(folder: Path) -> None:
    plan_id = planned(folder, "approve")
    output = call("approve", plan_id, "--by", "Grace").stdout
    assert "Approved by Grace at " in output
    assert "Money a month in USD: 110.00 up, 0.00 down" in output
    assert f"Next: pax8-pipeline plan apply {plan_id}" in output
    assert "Approved by Grace at " in call("show").stdout


def test_an_expired_plan_is_refused_by_both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan_id = planned(folder, "approve", age=timedelta(hours=25))
    monkeypatch.setenv("HALO_WRITE_MODE", "apply")
    for command in ("approve", "apply"):
        assert f"plan {plan_id} expired at" in str(call(command, plan_id).exception)


@pytest.mark.parametrize("mode", ["", "dry_run", "Apply"])
def test_apply_in_any_other_write_mode_says_so_and_exits_2(
    mode: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_id = planned(folder, "auto")
    monkeypatch.setenv("HALO_WRITE_MODE", mode)
    result = call("apply", plan_id)
    assert (result.exit_code, "the write mode is dry_run" in result.stdout) == (2, True)
    answer = data(call("apply", plan_id, "--json"))
    assert (answer["exit_code"], "the write mode is dry_run" in answer["sentence"]) == (2, True)


def test_a_plan_that_does_not_exist_is_an_error_in_every_write_mode(folder: Path) -> None:
    planned(folder, "auto")
    for command in ("approve", "apply"):
        assert "no plan nonsense" in str(call(command, "nonsense").exception)


def test_the_stored_plans_are_listed_the_newest_first(folder: Path) -> None:
    first = planned(folder, "approve", age=timedelta(hours=2))
    second = planned(folder, "auto")
    found = data(call("list", "--json"))["plans"]
    assert [row["plan_id"] for row in found] == [second, first]
    assert [(row["planned"], row["waiting"], row["written"]) for row in found] == [(1, 0, 0), (0, 1, 0)]
    assert [row["plan_id"] for row in data(call("list", "--json", "--limit", "1"))["plans"]] == [second]
    shown = call("list").stdout.splitlines()
    assert shown[0] == "Plans"
    assert [line.split()[0] for line in shown[3:5]] == [second, first]


@pytest.mark.parametrize(
    ("options", "number"),
    [
        (["--client", "EXAMPLE"], 1),
        (["--client", "231"], 1),
        (["--client", "nobody"], 0),
        (["--verdict", "increase"], 1),
        (["--verdict", "unbilled"], 0),
        (["--min", "110"], 1),
        (["--min", "110.01"], 0),
        (["--new"], 0),  # a change is no finding
    ],
)
def test_show_lists_only_the_rows_that_are_asked_for(folder: Path, options: list[str], number: int) -> None:
    plan_id = planned(folder, "approve")
    assert call("show", *options).stdout.startswith(f"{number} of 1 row of plan {plan_id}")


def test_show_new_lists_what_was_first_found_by_this_plan(folder: Path) -> None:
    unbilled = subscription(id="aaaaaaaa-0000-4000-8000-000000000002")
    plan_id = planned(folder, "approve", unbilled)
    assert call("show", "--new").stdout.startswith(f"1 of 2 rows of plan {plan_id}")
    assert call("show", "--new", "--min", "1000000").stdout.startswith("0 of 2 rows")


def test_show_prints_chosen_rows_a_line_each_with_labels_and_the_command_for_all_of_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = [subscription(id=f"aaaaaaaa-0000-4000-8000-0000000000{n}", quantity=n) for n in range(10, 41)]
    planned(folder, "approve", *more)
    monkeypatch.setenv("COLUMNS", "80")
    lines = call("show", "--verdict", "not billed", "--min", "1").stdout.splitlines()
    assert len(lines) <= 30
    amounts = [line.split()[1] if line.startswith("*") else line.split()[0] for line in lines[1:21]]
    assert amounts == sorted(amounts, key=lambda text: -float(text.replace(",", "")))
    assert lines[1].startswith("* 880.00 USD  not billed")
    assert lines[1].endswith("add a line")
    assert "+11 more: `pax8-pipeline plan show --verdict 'not billed' --min 1 --details`" in lines
    assert not any("unbilled" in line for line in lines)
    table = call("show", "--verdict", "unbilled", "--details").stdout
    assert "880.00 USD a month not billed" in " ".join(table.split())


@pytest.mark.parametrize("columns", ["60", "80"])
def test_the_list_of_plans_fits_a_narrow_terminal(folder: Path, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan_id = planned(folder, "auto")
    monkeypatch.setenv("COLUMNS", columns)
    lines = call("list").stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert [line.split()[0] for line in lines if line][3:] == [plan_id]


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("80", 80), ("120", 120)])
def test_columns_counts_without_a_terminal(
    folder: Path, columns: str, widest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(folder, "approve")
    monkeypatch.setenv("COLUMNS", columns)
    lines = [line for line in call("show", "--details").stdout.splitlines() if " " in line.strip()]
    allowed = ("1. If", "2. If", "Report:", "All rows")  # commands and paths are never broken
    assert max(len(line) for line in lines if not line.startswith(allowed)) <= widest
