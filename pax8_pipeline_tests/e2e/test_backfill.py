"""A backfill of three years as a person starts it: told beforehand, stopped half way, started again."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pax8_pipeline.sandbox.pax8.switches import Pax8Switches
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk, kill, until

FIRST, LAST, MONTHS = "2023-08", "2026-07", 36
TABLES = ("staging.invoices", "staging.invoice_items", "reconciled.usage_months", "reconciled.usage")
# Every item has its id, so that rows can be compared: without one an item has its place in a list without an order.
SWITCHES = Pax8Switches(item_ids="all")


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    world = World(5, TODAY, companies=6, subscriptions=24, usage=4, invoice_months=MONTHS, pax8_switches=SWITCHES)
    folder = tmp_path_factory.mktemp("backfill")
    (folder / "policy.yaml").write_text(f"usage: {{history_from: {FIRST}, first_month: {FIRST}}}\n")
    with desk(folder, world) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(at: Operator) -> dict[str, Any]:
    """What a backfill says that nobody disturbs; it fills the desk's own folder."""
    at.sandbox.requests.clear()
    ran = at.command("backfill", FIRST, LAST, "--json")
    assert ran.code == 0, ran.err
    return ran.data


def contents(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        return {table: warehouse.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in TABLES}


def items_asked(at: Operator) -> Counter[str]:
    return Counter(path for path in at.sandbox.requests.paths("pax8", "GET") if path.endswith("/items"))


def test_it_says_beforehand_how_many_calls_and_afterwards_what_they_were(
    at: Operator, undisturbed: dict[str, Any]
) -> None:
    invoices = [row for row in at.sandbox.pax8.invoices.values() if row["invoiceDate"] > f"{FIRST}-31"]
    shown = undisturbed["forecast"]
    assert (shown["invoices"], shown["calls"], shown["minutes"]) == (len(invoices), len(invoices), 1)
    assert undisturbed["calls"] == len(invoices) + 1  # and one for the list of invoices
    assert undisturbed["rate_limit_share_pct"] == pytest.approx(undisturbed["calls"] / 10, abs=0.1)
    assert [m["month"] for m in undisturbed["months"]][:: MONTHS - 1] == [FIRST, LAST]
    assert {m["state"] for m in undisturbed["months"]} == {"closed", "reopened"}
    assert sum(m["usage_items"] for m in undisturbed["months"]) > 100
    assert at.posts() == []


def test_stopped_twice_and_started_again_it_leaves_the_same_rows_and_asks_for_nothing_twice(
    at: Operator, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text((at.folder / "policy.yaml").read_text())
    at.sandbox.requests.clear()
    here = {"PAX8_PIPELINE_DATA": str(tmp_path)}
    for number, after in enumerate((25, 5)):
        stuck = at.sandbox.faults.add("hang", vendor="pax8", path="/invoices/*/items", after=after)
        process = at.start("backfill", FIRST, LAST, **here)
        until(lambda stuck=stuck: stuck.fired > 0)  # type: ignore[misc]
        if number:
            kill(process)
            at.sandbox.faults.remove()
        else:
            process.send_signal(signal.SIGINT)
            at.sandbox.faults.remove()
            _, message = process.communicate(timeout=120)
            assert (process.returncode, "Traceback" in message) == (1, False), message
    ended = at.command("backfill", FIRST, LAST, "--json", **here)
    assert ended.code == 0, ended.err
    assert ended.data["forecast"]["invoices"] <= len(at.sandbox.pax8.invoices) - 20  # what the first one kept
    assert contents(tmp_path) == contents(at.folder)
    asked = items_asked(at)
    assert len(asked) == undisturbed["forecast"]["invoices"]
    assert sorted(asked.values())[:20] == [1] * 20
    again = at.command("backfill", FIRST, LAST, "--yes", **here)
    assert (again.code, "nothing has to be read" in again.err) == (0, True)
    assert items_asked(at) == asked


def test_months_loaded_by_a_run_each_are_the_same_rows(
    at: Operator, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text((at.folder / "policy.yaml").read_text())
    ran = at.command("backfill", "2026-06", LAST, "--per-month", "--json", PAX8_PIPELINE_DATA=str(tmp_path))
    assert (ran.code, len(ran.data["runs"])) == (0, 2), ran.err
    assert ran.data["months"] == undisturbed["months"][-2:]


def test_bills_of_a_backfill_wait_for_a_person_and_nothing_is_written(
    at: Operator, undisturbed: dict[str, Any]
) -> None:
    ran = at.command("backfill", "2026-06", LAST, "--bill", "--json")
    assert ran.code == 2, ran.err
    bill = ran.data["bill"]
    usage = [row for row in bill["rows"] if row["action"] == "create_invoice"]
    assert {row["class"] for row in usage} == {"needs_approval"}
    assert {row["row_id"].split()[1] for row in usage} == {"2026-06", "2026-07"}
    assert any(command.startswith("pax8-pipeline plan approve") for command in bill["next"])
    assert at.posts() == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("2026-8", LAST), "FROM: '2026-8' is not a month: write it as yyyy-mm, such as 2026-08"),
        (("2026-13", LAST), "FROM: '2026-13' is not a month"),
        (("2026-07", "2026-06"), "FROM 2026-07 is after TO 2026-06"),
        (("2026-07", "2026-09"), "TO 2026-09 has not started yet: the current month is 2026-08"),
        (("2023-07", LAST), f"FROM 2023-07 is before usage.history_from in policy.yaml, which is {FIRST}"),
    ],
)
def test_months_that_cannot_be_are_refused_in_plain_words(
    at: Operator, arguments: tuple[str, str], sentence: str
) -> None:
    at.sandbox.requests.clear()
    ran = at.command("backfill", *arguments)
    assert (ran.code, sentence in ran.err, len(at.sandbox.requests)) == (1, True, 0), ran.err
