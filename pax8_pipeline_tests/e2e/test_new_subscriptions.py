"""A new company with a new subscription, from the proposal to the bill and back, night by night over HTTP.

Real: HTTP to the sandbox, the DuckDB file, plan, approval, ledger and apply. Left out: Dagster (`support/nightly.py`).
Processes that are killed on the way: `test_new_subscription_kills`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.sandbox.oracle import new_things
from pax8_pipeline_tests.support.new_company import (
    PLAN,
    POLICY,
    NewCompany,
    a_person_makes_the_recurring_invoice,
    approve,
    approved_licence_and_line,
    billed_in_the_next_period,
    made,
    posts,
    proposals,
    undone,
    world_with_a_new_company,
)
from pax8_pipeline_tests.support.nightly import PlannedWorld, apply_newest, night, rows
from pax8_pipeline_tests.support.operator import desk


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("new")
    (found / "policy.yaml").write_text(POLICY, encoding="utf-8")
    yield found
    shutil.rmtree(found, ignore_errors=True)


def test_a_new_client_is_proposed_approved_made_once_billed_and_undone(folder: Path) -> None:
    world, new = world_with_a_new_company()
    with desk(folder, world) as at:
        # Proposed, and not made by itself although every client is trusted.
        head, result = night(at)
        assert proposals(at, head.plan_id) == {"create_client": ("needs_approval", "new_client")}
        assert (result is not None and result.states, new_things.clients_of(world.halo, new.company_id)) == ({}, [])

        # Approved, made by the next night, known by its id in the one after.
        assert approve(at) == 1
        _, result = night(at)
        assert result is not None
        assert (result.problems, result.states) == ([], {"verified": 1})
        invoice = a_person_makes_the_recurring_invoice(world, new)
        before = [dict(line) for line in world.halo.recurring_invoices[invoice]["lines"]]
        head, _ = night(at)
        assert proposals(at, head.plan_id) == {
            "create_licence": ("needs_approval", "new_licence"),
            "create_line": ("needs_approval", "new_line"),
        }
        (line,) = [row for row in rows(at, PLAN, head.plan_id) if row["action"] == "create_line"]
        assert (line["money_per_month"], line["recurring_invoice_id"]) == (Decimal("80.85"), invoice)
        losses = rows(
            at, "SELECT money FROM billing.findings WHERE subscription_id = ? AND still_open", new.subscription_id
        )
        assert [row["money"] for row in losses] == [Decimal("80.85")]

        # One approval covers both; the licence is made first.
        assert approve(at) == 2
        _, result = night(at)
        assert result is not None
        assert (result.problems, result.states) == ([], {"verified": 2})
        assert posts(world)[-3:] == ["/Client", "/SoftwareLicence", "/RecurringInvoice/Lines"]
        assert new_things.problems(world.pax8, world.halo, world.links, new.subscription_id) == []
        assert world.halo.recurring_invoices[invoice]["lines"][:1] == before
        new_things.adopt_line(world.halo, world.links, new.subscription_id)
        head, _ = night(at)
        assert proposals(at, head.plan_id) == {}
        assert at.in_step()
        assert (
            rows(at, "SELECT 1 FROM billing.findings WHERE subscription_id = ? AND still_open", new.subscription_id)
            == []
        )

        billed_in_the_next_period(world, invoice)
        undone(at, new)
        assert not world.halo.violations


@pytest.fixture(scope="module")
def approved(folder: Path) -> tuple[PlannedWorld, NewCompany]:
    return approved_licence_and_line(folder / "planned")


# What Halo may do -------------------------------------------------------------------------------------------------

# How Halo answers, what becomes of licence and line, and whether the new things are right afterwards.
ANSWERS: list[tuple[dict[str, Any], dict[str, int], bool]] = [
    ({"post_reply": "envelope", "post_status": 200}, {"verified": 2}, True),
    ({"post_reply": "array", "zoned_times": True, "page_cap": 2}, {"verified": 2}, True),
    ({"lines_call_supported": 404}, {"verified": 1, "failed": 1}, False),
    ({"lines_call_replaces": True}, {"verified": 1, "failed": 1}, True),
    ({"ignored_writes": ["SoftwareLicence"]}, {"unknown": 1, "skipped": 1}, False),
    ({"licence_ids": "vendor"}, {"verified": 2}, True),
]


@pytest.mark.parametrize(("switches", "states", "right"), ANSWERS)
def test_whatever_halo_answers_nothing_is_made_twice_and_a_loss_stops_the_apply(
    switches: dict[str, Any],
    states: dict[str, int],
    right: bool,
    approved: tuple[PlannedWorld, NewCompany],
    folder: Path,
) -> None:
    planned, new = approved
    place = folder / "-".join(switches)
    with planned.desk(place) as at:
        at.sandbox.world.halo.switches.change(switches)
        result = apply_newest(at.environment())
        assert result is not None
        assert result.states == states
        found = made(at, new)
        assert (found["problems"] == []) == right
        assert max(found["writes"].values(), default=0) <= 1
        stopped = any("stopped" in problem for problem in result.problems)
        assert stopped == bool({"lines_call_replaces", "ignored_writes"} & switches.keys())
    shutil.rmtree(place)
