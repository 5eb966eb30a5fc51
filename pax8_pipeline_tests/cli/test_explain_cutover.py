"""`explain` and `cutover` as a person starts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline_tests.support.cli import quick
from pax8_pipeline_tests.support.vendor_data import SUB, VendorData, plan_context, subscription
from pax8_pipeline_tests.support.warehouse_files import release


@pytest.fixture
def data(tmp_path: Path) -> Path:
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path)
    plans.make_plan(warehouse, plan_context())
    release()
    return tmp_path


def test_a_recurring_invoices_minus_sign_is_no_option_and_options_may_follow(data: Path) -> None:
    done = quick(data, "explain", "-94", "--json", PAX8_PIPELINE_DATA=str(data))
    assert done.code == 0, done.err
    assert [f["kind"] for f in json.loads(done.out)["found"]] == ["invoice"]


def test_the_story_is_plain_text_with_the_verdict(data: Path) -> None:
    done = quick(data, "explain", SUB, "--kind", "subscription", PAX8_PIPELINE_DATA=str(data))
    assert done.code == 0, done.err
    assert "increase (safe, rule increase): Pax8 bills more seats than Halo" in done.out


@pytest.mark.parametrize("arguments", [("explain", "nothing"), ("explain", "-5"), ("explain", SUB, "--kind", "plan")])
def test_an_unknown_id_is_one_sentence_and_exit_1(data: Path, arguments: tuple[str, ...]) -> None:
    done = quick(data, *arguments, PAX8_PIPELINE_DATA=str(data))
    assert done.code == 1
    assert done.out == ""
    assert len(done.err.splitlines()) == 1


def test_a_name_is_as_good_as_an_id(data: Path) -> None:
    done = quick(data, "explain", "example", "--kind", "client", PAX8_PIPELINE_DATA=str(data))
    assert done.code == 0, done.err
    assert done.out.startswith("Halo client 231: Example\n")


def test_a_name_of_several_lists_them_with_the_command_for_each(tmp_path: Path) -> None:
    clients = [{"id": number, "name": f"Example {number}", "inactive": False} for number in (231, 232)]
    VendorData(clients=clients).load(tmp_path)
    release()
    done = quick(tmp_path, "explain", "example 23", PAX8_PIPELINE_DATA=str(tmp_path))
    assert done.code == 1
    assert done.out.splitlines() == [
        "Example 231 (Halo client, 1 subscription)",
        "  pax8-pipeline explain 231 --kind client",
        "Example 232 (Halo client, 0 subscriptions)",
        "  pax8-pipeline explain 232 --kind client",
    ]
    assert done.err == "Error: 2 clients and companies have a name like 'example 23'; choose one by its id\n"
    as_data = quick(tmp_path, "explain", "example 23", "--json", PAX8_PIPELINE_DATA=str(tmp_path))
    assert [choice["id"] for choice in json.loads(as_data.out)["choices"]] == ["231", "232"]


def test_cutover_goes_to_the_terminal_a_file_or_a_program(data: Path) -> None:
    shown = quick(data, "cutover", PAX8_PIPELINE_DATA=str(data))
    assert shown.code == 0, shown.err
    assert shown.out.startswith("# Leaving Halo's own Pax8 integration")
    filed = quick(data, "cutover", "--json", "--out", "cutover.md", PAX8_PIPELINE_DATA=str(data))
    assert json.loads(filed.out)["schema"] == "pax8-pipeline/cutover/1"
    assert (data / "cutover.md").read_text(encoding="utf-8") == shown.out


@pytest.mark.parametrize("arguments", [("cutover",), ("explain", "1")])
def test_without_a_warehouse_it_says_what_to_run(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = quick(tmp_path, *arguments, PAX8_PIPELINE_DATA=str(tmp_path))
    assert done.code == 1
    assert "run `pax8-pipeline run` first" in done.err
