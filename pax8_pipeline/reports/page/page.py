"""Puts the page together: tiles, sections with their tables and sentences, and what an auditor checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.model import Plan
from pax8_pipeline.billing.planning import planner
from pax8_pipeline.reports import formatting, plan_rows, usage_chart, usage_report
from pax8_pipeline.reports.mapping.hints import with_hints
from pax8_pipeline.reports.overview.figures import load_money
from pax8_pipeline.reports.page import client_tables, plan_tables, usage_tables
from pax8_pipeline.reports.page.context import ReportContext
from pax8_pipeline.reports.page.sections import MOST_ROWS, Section, render_page
from pax8_pipeline.reports.page.tiles import tiles
from pax8_pipeline.reports.plan_facts import PlanFacts, plan_facts
from pax8_pipeline.reports.renewals import renewals
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection

_MORE = "the CSV file beside this page, and in the spreadsheet of `pax8-pipeline report --xlsx`".replace("`", "")


def page(
    connection: Connection, plan_id: str, context: ReportContext, rows: Sequence[plan_rows.Row] | None = None
) -> str:
    """Return the report of one plan as a page that needs nothing else. `rows`: its rows without those that need nothing,
    where they have been read already. Raises PipelineError when there is no such plan.
    """
    plan = planner.load_plan(connection, plan_id)
    if rows is None:
        rows = plan_rows.plan_rows(connection, plan_id, no_ops=False)
    newest = plan_id == planner.latest_plan_id(connection)
    open_findings = findings.open_findings(connection, plan_id) if newest else None
    found = findings.add_up(open_findings) if open_findings is not None else None
    money = load_money(connection, plan)
    facts = plan_facts(connection, plan)
    where = context.addresses
    assert money.now.seats is not None  # the plan of the report is a plan of its own month
    hinted = None if open_findings is None else with_hints(connection, open_findings, context.usage)
    tables = plan_tables.plan_tables(with_hints(connection, rows, context.usage), hinted, where)
    sections = [
        Section("losses", "Largest losses", tables=[tables["losses"], tables["overcharges"]]),
        Section("decisions", "Waiting for a decision", tables=[tables["waiting"]]),
        Section("changes", "Changes", tables=[tables["changes"]]),
        Section("held", "Held back, and worth knowing",
                tables=[tables["blocked"], tables["acknowledged"], tables["worth_knowing"]]),
        Section("money", "Money, last month and this month", tables=[client_tables.money_lines(money)], new_page=True),
        Section("clients", "By client", [_about_clients(money.now.seats.known("margin"))],
                [client_tables.by_client(money.now.seats, where)]),
        *([_renewals(connection, plan)] if newest else []),
        _usage(connection, plan_id, context),
        Section("evidence", "For the auditor", facts=_evidence(plan, facts), new_page=True),
    ]  # fmt: skip
    return _render(
        plan, facts, tiles(plan, money, rows, found), [s.with_rows() for s in sections], _status(connection, plan)
    )


def _about_clients(known: str) -> str:
    return (
        "Cost is the partner cost of Pax8's list, or of the newest approved invoice where the list has none; billed is what "
        f"Halo's live lines of these subscriptions bill. Both by the month. The margin counts subscriptions of which both are known: {known}."
    )


def _renewals(connection: Connection, plan: Plan) -> Section:
    """What is due after the newest plan; an older one has no calendar of its own."""
    found = renewals.load_renewals(connection, plan.today)
    sentences = [renewals.ABOUT_SEATS] if found.events else []
    tables = [renewals.calendar_table(found), renewals.moves_table(found)]
    return Section("renewals", "Commitments and renewals", sentences, tables)


def _usage(connection: Connection, plan_id: str, context: ReportContext) -> Section:
    usage = usage_report.load_usage(connection, plan_id)
    if not usage.months:
        return Section("usage", "Usage", ["No metered usage is known."])
    svg = usage_chart.usage_svg(connection, inline=True)
    tables = usage.tables
    return Section(
        "usage",
        "Usage",
        [usage_report.ABOUT],
        [
            usage_tables.months(usage, context),
            *usage_tables.by_client(connection, context),
            tables["groups"],
            tables["movers"],
        ],
        Markup(svg) if svg else None,  # noqa: S704 - made by our own template, which escapes the names in it
        new_page=True,
    )


def _status(connection: Connection, plan: Plan) -> str:
    written = ledger.states(connection, plan.plan_id).get("verified", 0)
    if written:
        return f"{plural(written, 'change')} written to Halo"
    return "a dry run, nothing written" if plan.write_mode != "apply" else "nothing written"


def _evidence(plan: Plan, facts: PlanFacts) -> list[tuple[str, str]]:
    return [
        ("Plan", plan.plan_id),
        ("Made for", formatting.day(plan.today)),
        ("Made at", formatting.moment(plan.made_at)),
        ("Good until", formatting.moment(plan.expires_at)),
        ("Run", plan.run_id),
        ("SHA-256 over its rows", plan.checksum),
        ("Write mode", plan.write_mode),
        ("Rows looked at", f"{plan.rows_considered:,}: {plural(plan.rows_safe, 'change')}, {plan.rows_waiting:,} waiting, "
                           f"{plan.rows_blocked:,} held back, the others need nothing"),
        *(("Figures", sentence) for sentence in facts.sentences),
        *(("History", sentence) for sentence in facts.history),
        ("How to check it", "The same reads, policy and mapping files give the same rows and so the same SHA-256. Each write, with the "
                            "state before it, is in the table billing.ledger of published.duckdb; what each verdict means "
                            "is in docs/reference/verdicts.md."),
    ]  # fmt: skip


def _render(plan: Plan, facts: PlanFacts, first: Sequence[Any], sections: Sequence[Section], status: str) -> str:
    own = {"plan": plan, "facts": facts, "status": status, "more": _MORE}
    return render_page("report.html.j2", first, sections, MOST_ROWS, **own)
