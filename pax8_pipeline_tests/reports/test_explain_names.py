"""`explain` finds a client or a company by its name, and never chooses between two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.planning import planner
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports.explain.events import History
from pax8_pipeline.reports.explain.history import SeveralNames, explain
from pax8_pipeline.reports.explain.names import Named, named, nearest
from pax8_pipeline.reports.explain.text import history_lines
from pax8_pipeline_tests.reports.test_explain import DAY, lived, read_on
from pax8_pipeline_tests.support.vendor_data import COMPANY, SUB, company, plan_context, subscription
from pax8_pipeline_tests.support.warehouse_files import release

CLIENT = Named("client", "231", "Quarry Lane Print", None, 3)
ITS_COMPANY = Named("company", "c-1", "Quarry Lane Print", "231", 3)
OTHER = Named("company", "c-2", "Quarry Lane", None, 1)
FAR = Named("client", "9", "Harbour Dental", None, 0)
NAMES = [CLIENT, ITS_COMPANY, OTHER, FAR]


def found(folder: Path, wanted: str, kind: str | None = None, **vendor_data: Any) -> list[History]:
    """Explain a name in a warehouse with these vendor data."""
    warehouse = read_on(folder, "run-1", DAY, **vendor_data)
    release()
    with warehouse.connect(read_only=True) as connection:
        return explain(connection, wanted, kind)


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ("Quarry Lane", [OTHER]),  # the whole name comes before a part of another name
        ("  quarry  LANE print ", [CLIENT]),  # its company is the same customer
        ("print", [CLIENT]),
        ("lane", [CLIENT, OTHER]),
        ("Quarrie", []),
        (" ", []),
    ],
)
def test_a_name_or_a_part_of_it_finds_a_client_or_a_company(wanted: str, matches: list[Named]) -> None:
    assert named(NAMES, wanted) == matches


@pytest.mark.parametrize(
    ("wanted", "names"),
    [("Quarrie Lane", ["Quarry Lane", "Quarry Lane Print"]), ("dentl", ["Harbour Dental"]), ("xyz", []), ("", [])],
)
def test_of_an_unknown_name_the_nearest_are_given(wanted: str, names: list[str]) -> None:
    assert nearest(NAMES, wanted) == names


def test_the_history_of_a_client_has_its_subscriptions_plans_approvals_and_writes(tmp_path: Path) -> None:
    warehouse, plan_id = lived(tmp_path)
    release()
    with warehouse.connect(read_only=True) as connection:
        (history,) = explain(connection, "example")
    assert (history.kind, history.id, history.name) == ("client", "231", "Example")
    assert [row["subscription_id"] for row in history.now] == [SUB]
    assert {event.source for event in history.events} == {"Pax8", "Halo", "plan", "approval", "ledger"}
    assert plan_id in {event.plan_id for event in history.events}
    # What stood there from the first read on is in `now`; only the change is an event.
    assert [event.text for event in history.events if event.source == "Pax8"] == [
        f"subscription {SUB}: quantity 20 -> 25"
    ]
    assert next(history_lines(history)) == "Halo client 231: Example"


def test_a_company_without_a_client_has_a_history_by_name_and_by_id(tmp_path: Path) -> None:
    vendor_data: dict[str, Any] = {"subscriptions": [subscription(quantity=25)], "client_map": []}
    (by_name,) = found(tmp_path, "Example Dental", **vendor_data)
    (by_id,) = found(tmp_path / "second", COMPANY.upper(), **vendor_data)
    assert (by_name.kind, by_name.id) == (by_id.kind, by_id.id) == ("company", COMPANY)
    assert by_name.now


def test_a_name_that_fits_several_is_never_chosen_by_the_program(tmp_path: Path) -> None:
    other = company(id="0f0f0f0f-0d52-4c0b-9a64-2f1f3c0e9a11", name="Example Legal")
    with pytest.raises(SeveralNames, match=r"^2 clients and companies have a name like 'exam'") as error:
        found(tmp_path, "exam", companies=[company(), other])
    assert {(m.kind, m.id) for m in error.value.matches} == {("client", "231"), ("company", other["id"])}
    (chosen,) = found(tmp_path / "second", "exam", "client", companies=[company(), other])
    assert chosen.id == "231"


def test_a_name_of_nobody_is_answered_with_the_names_like_it(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"^nothing has the id or the name Exampel; names like it: Example"):
        found(tmp_path, "Exampel")


def test_the_rows_of_a_matched_company_belong_to_the_history_of_its_client(tmp_path: Path) -> None:
    """The plan of the first day had no client yet; its row names the company only."""
    unmatched = read_on(tmp_path, "run-0", DAY, subscriptions=[subscription(quantity=25)], client_map=[])
    planner.make_plan(unmatched, plan_context(run_id="run-0"))
    (history,) = found(tmp_path, "Example", "client", subscriptions=[subscription(quantity=25)])
    assert [event.facts["verdict"] for event in history.events if event.source == "plan"] == ["unmatched_company"]
