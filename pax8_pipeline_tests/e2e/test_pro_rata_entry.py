"""A part-period entry on a manual line of the sandbox's Halo, from the approval to the next invoice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from pax8_pipeline.sandbox.halo.nightly import make_due_invoices
from pax8_pipeline.sandbox.halo.rows import read_day
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.nightly import night, rows
from pax8_pipeline_tests.support.operator import TODAY, desk


def test_an_approved_entry_is_billed_once_and_brings_the_line_into_step(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("pro_rata: {manual_lines: entry}\n", encoding="utf-8")
    world = World(8, TODAY, companies=5, subscriptions=20, usage=0, invoice_months=0)
    subscription_id, link = next(
        (key, link)
        for key, link in sorted(world.links.lines.items())
        if link.licence_id is None and world.oracle.verdict(key) == "in_step" and world.oracle.line(link)["unit_price"]
    )
    line = world.oracle.line(link)
    before = line["qty_order"]
    seats = world.pax8.subscriptions[subscription_id]["quantity"] + 2
    world.pax8.change_subscription(subscription_id, {"quantity": seats})
    with desk(tmp_path, world) as at:
        at.env["PAX8_PIPELINE_TODAY"] = TODAY.isoformat()
        plan, _ = night(at)
        assert (line["qty_order"], line["prorata_data"]) == (before, [])  # it waits for a person
        approved = at.command("plan", "approve", plan.plan_id, "--by", "Ada")
        assert approved.code == 0, approved.err
        night(at)
        (entry,) = line["prorata_data"]
        assert line["qty_order"] == before
        assert Decimal(entry["quantity"]) == Decimal(2)

        header = world.halo.recurring_invoices[link.recurring_invoice_id]
        due = read_day(header["nextcreationdate"])
        assert isinstance(due, date)
        world.clock.set(due)
        made = [world.halo.invoices[i] for i in make_due_invoices(world.halo)]
        of_line = [
            (made_line["qty_order"], made_line["item_shortdescription"])
            for invoice in made
            for made_line in invoice["lines"]
            if made_line["recurring_invoice_line_id"] == link.line_id
        ]
        assert [Decimal(quantity) for quantity, _ in of_line] == [Decimal(before), Decimal(2)]
        assert of_line[1][1].startswith("Pro rata: ")
        at.env["PAX8_PIPELINE_TODAY"] = due.isoformat()
        night(at)
        assert (Decimal(line["qty_order"]), line["prorata_data"]) == (seats, [])
        query = "SELECT verdict FROM reconciled.subscriptions WHERE subscription_id = ?"
        assert rows(at, query, subscription_id) == [{"verdict": "in_step"}]
