"""A client, a company and a product with names from a nightmare, through a run and all that tells of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.commands import run_report
from pax8_pipeline.commands.common import PlainConsole
from pax8_pipeline.orchestration import messages
from pax8_pipeline.reports import plan_report
from pax8_pipeline.reports.cutover import checklist
from pax8_pipeline.reports.cutover import text as cutover_text
from pax8_pipeline.reports.explain import history
from pax8_pipeline.reports.explain import text as explain_text
from pax8_pipeline.text.plaintext import show_hidden
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.assets import PipelineHarness, written
from pax8_pipeline_tests.support.vendor_data import SUB, company, invoice, licence, line, subscription
from pax8_pipeline_tests.support.vendors import HaloInMemory, Pax8InMemory

CLIENT = "Acme [/UK] Ltd\x1b[31m | <script>x</script>\u202e"
PRODUCT = "\t=Office [edu]\r\n`x`\x9b1m"
STEERING = set("\x1b\x9b\u202e\t\r\x07")


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> PipelineHarness:
    pax8 = Pax8InMemory(
        company_rows=[company(name=CLIENT)], subscription_rows=[subscription(quantity=25, productName=PRODUCT)]
    )
    halo = HaloInMemory(
        client_rows=[{"id": 231, "name": CLIENT, "inactive": False}],
        licence_rows=[licence(name=PRODUCT)],
        recurring_rows=[invoice([line(item_shortdescription=PRODUCT)], reference=CLIENT)],
    )
    made = PipelineHarness(tmp_path_factory.mktemp("nasty"), pax8, halo, env={"HALO_WRITE_MODE": ""})
    made.result = made.sync()  # type: ignore[attr-defined]
    return made


def plan_id(harness: PipelineHarness) -> str:
    return str(harness.result.plan_id)  # type: ignore[attr-defined]


def test_the_terminal_shows_the_names_and_obeys_nothing(harness: PipelineHarness) -> None:
    out = io.StringIO()
    found = run_report.build_run_report(harness.settings, "", plan_id(harness), [], [f"{CLIENT} cannot be read"])
    run_report.show(PlainConsole(file=out, width=200), found, everything=True)
    assert not STEERING & set(out.getvalue())
    assert "Acme [/UK] Ltd" in out.getvalue()
    assert "=Office [edu]" in out.getvalue()


def test_the_report_holds_no_markup_of_a_name(harness: PipelineHarness) -> None:
    folder = harness.settings.reports_path
    texts = {
        end: (folder / f"plan-{plan_id(harness)}.{end}").read_text(encoding="utf-8") for end in ("md", "html", "csv")
    }
    for text in texts.values():
        assert not STEERING & set(text)
    assert "<script>" not in texts["md"]
    assert texts["html"].count("<script") == 1  # the page's own
    assert "Acme \\[/UK\\] Ltd" in texts["md"]
    (row,) = [r for r in csv.DictReader(io.StringIO(texts["csv"])) if r["row_id"] == SUB]
    assert row["product_name"].startswith("'=Office [edu]")


def test_explain_cutover_alerts_and_metadata_hold_no_markup_of_a_name(harness: PipelineHarness) -> None:
    with Warehouse(harness.settings.warehouse_path).connect() as connection:
        stories = [text for story in history.explain(connection, SUB) for text in explain_text.history_lines(story)]
        left = cutover_text.markdown(checklist.cutover(connection))
        shown = plan_report.plan_markdown(connection, plan_id(harness))
    run = harness.instance.get_run_by_id(harness.result.run_id)  # type: ignore[attr-defined]
    assert run is not None
    alert = messages.of_run(harness.instance, run, "daily")
    made: dict[str, Any] = harness.made(run.run_id)
    metadata = [str(value) for asset in made.values() for value in asset.values()]
    assert alert is not None
    for text in (show_hidden("\n".join(stories)), left, shown, alert.title, alert.body, *metadata):
        assert not STEERING & set(text)
    for text in (left, shown):
        assert "<script>" not in text
    assert "<script>" not in "".join(str(made["billing/plan"][name]) for name in ("preview", "biggest_changes"))


def test_the_payload_stays_as_it_was_sent(harness: PipelineHarness) -> None:
    with Warehouse(harness.settings.warehouse_path).connect() as connection:
        (payload,) = connection.execute("SELECT payload FROM pax8.companies").fetchall()[0]
    assert "\\u001b[31m" in payload or "\x1b[31m" in payload


def test_a_plan_is_shown_after_the_writes_were_done(tmp_path: Path) -> None:
    harness, written_plan = written(tmp_path)
    with Warehouse(harness.settings.warehouse_path).connect() as connection:
        connection.execute("UPDATE billing.plan SET client_name = 'Acme [/UK] Ltd'")
    out = io.StringIO()
    run_report.show(
        PlainConsole(file=out, width=200),
        run_report.build_run_report(harness.settings, "", written_plan, [], []),
        details=True,
    )
    assert "Acme [/UK] Ltd" in out.getvalue()
