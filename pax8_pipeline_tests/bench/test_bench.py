"""The bench compares equal things: its rivals find what the product finds, and its copies of a world behave as the world."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

from pax8_pipeline.sandbox.server.app import running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.bench import halo_calls, product_plan, reading, results
from pax8_pipeline_tests.bench.raw_worlds import change_quantities, multiply, read_raw
from pax8_pipeline_tests.bench.rivals import pandas_plan
from pax8_pipeline_tests.bench.rounds import Figure, Taken, Way, in_turns, memory_peak, process
from pax8_pipeline_tests.bench.world import Vendors
from pax8_pipeline_tests.support.operator import TODAY

FIGURE = Figure(
    "Group", "a & b", "s", {"product": [2.0, 4.0, 3.0], "other <way>": [6.0]}, target=2.5, note="equal rows"
)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw tables of a small world, of which some quantities are not Halo's."""
    folder = tmp_path_factory.mktemp("raw")
    world = World(3, TODAY, companies=12, subscriptions=150, usage=4)
    world.write_mappings(folder / "mappings")
    with running_sandbox(world) as sandbox:
        file = read_raw(Vendors(sandbox.url, sandbox.env(), folder / "mappings"), folder / "data")
    change_quantities(file)
    return file


def copy_of(raw: Path, folder: Path) -> Path:
    shutil.copytree(raw.parent, folder)
    return folder / raw.name


def changes(file: Path) -> list[list[int]]:
    product_plan.main(file)
    return list(json.loads((file.parent / "product.json").read_text()))


def test_pandas_finds_the_quantities_that_the_product_plans(raw: Path, tmp_path: Path) -> None:
    file = copy_of(raw, tmp_path / "one")
    ours = changes(file)
    pandas_plan.main(file)
    assert len(ours) >= 2
    assert json.loads((file.parent / "pandas.json").read_text()) == ours


def test_a_world_in_three_copies_has_three_times_the_rows_and_the_changes(raw: Path, tmp_path: Path) -> None:
    once, thrice = copy_of(raw, tmp_path / "once"), copy_of(raw, tmp_path / "thrice")
    multiply(thrice, 3)
    assert len(changes(thrice)) == 3 * len(changes(once))
    assert verdicts(thrice) == {verdict: 3 * count for verdict, count in verdicts(once).items()}


def verdicts(file: Path) -> Counter[str]:
    with Warehouse(file).connect(read_only=True) as connection:
        return Counter(dict(connection.execute("SELECT verdict, count(*) FROM billing.plan GROUP BY 1").fetchall()))


def test_each_way_has_its_turn_as_the_first() -> None:
    order: list[str] = []

    def go(name: str) -> Taken:
        order.append(name)
        return Taken(float(len(order)))

    taken = in_turns([Way("a", lambda _: go("a")), Way("b", lambda _: go("b"))], 2, order.append)
    assert [name for name in order if name in "ab"] == ["a", "b", "b", "a"]
    assert {name: len(goes) for name, goes in taken.items()} == {"a": 2, "b": 2}


def test_a_figure_is_the_median_and_the_ratio_to_the_product() -> None:
    assert FIGURE.medians == {"product": 3.0, "other <way>": 6.0}
    assert FIGURE.ratios == {"other <way>": 2.0}
    assert FIGURE.reached is False


def test_the_table_names_ratio_and_target() -> None:
    assert "| a & b | 3.00 s | other <way>: 6.00 s | 2.00 | 2.50 s: not reached |" in results.as_markdown([FIGURE])


def test_the_chart_is_a_picture_whatever_the_names_are() -> None:
    texts = [element.text for element in ET.fromstring(results.chart([FIGURE])).iter() if element.text]
    assert "Group: a & b, s" in texts
    assert "other <way>" in texts


def test_the_json_has_every_value() -> None:
    (row,) = json.loads(results.as_json([FIGURE], 3))["figures"]
    assert (row["values"]["product"], row["ratios"], row["reached"]) == ([2.0, 4.0, 3.0], {"other <way>": 2.0}, False)


def test_a_process_that_fails_says_what_it_printed() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3:\nout of order"):
        process(["sh", "-c", "echo out of order; exit 3"])


def test_the_memory_of_a_process_is_its_own() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:  # waits until its input is closed
        assert 0 < memory_peak(child.pid) < memory_peak(os.getpid()) / 2
    assert memory_peak(child.pid) == 0


def test_rows_are_compared_by_value(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_text('{"id": "a", "price": 5, "status": null}\n', encoding="utf-8")
    other.write_text('{"id": "a", "price": 5.0, "status": null}\n', encoding="utf-8")
    members = ("id", "price", "status")
    assert reading.rows_of(one, members) == reading.rows_of(other, members)


def test_the_calls_of_a_day_are_counted_by_kind_and_shared_by_its_writes(tmp_path: Path) -> None:
    counted = halo_calls.count_calls(tmp_path / "day", halo_calls.Size(16, 90, 6, 8), page_cap=100)
    assert counted.states == {"verified": 8 + counted.documents}
    assert counted.documents >= 5
    # A search before and two readings after the first, then three for each call of several, and one search of all keys.
    assert counted.writing["POST Invoice"] <= 3
    assert counted.writing["POST SoftwareLicence"] + counted.writing.get("POST RecurringInvoice/updatelines", 0) <= 6
    assert counted.calls == sum(counted.reading.values()) + sum(counted.writing.values())
    assert f"{counted.documents} usage invoices" in counted.note()
