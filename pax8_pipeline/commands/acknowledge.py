"""`pax8-pipeline acknowledge`: record that a loss or overcharge is known and may stay. Nothing is written to Halo."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import click

from pax8_pipeline.billing import acknowledgements as file
from pax8_pipeline.billing import findings
from pax8_pipeline.commands.common import console, json_option, notify, print_table, user_name
from pax8_pipeline.commands.target import data_target, existing_warehouse
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports import formatting, plan_rows
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

SCHEMA = "pax8-pipeline/acknowledged/1"
_MONTH_FINDING = re.compile(r"month_\w+:(\d{4}-\d{2}):")
_COLUMNS = (
    Column("finding_id", "finding"),
    Column("client", "client"),
    Column("product_name", "product"),
    Column("money", "money"),
    Column("since", "since"),
    Column("acknowledged", "acknowledged"),
)
EPILOG = """\b
Examples:
  pax8-pipeline acknowledge --list                                           what waits for a person, with ids
  pax8-pipeline acknowledge c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02 --why "billed by hand until March" --until 2027-03-31
  pax8-pipeline acknowledge "PAX8-USAGE 2026-10 5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11" --why "the client's own contract"
  pax8-pipeline acknowledge c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02 --remove    it counts again
  pax8-pipeline acknowledge c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02 --month 2026-10 --why "credited by Pax8 in November"

ROW is what `run`, `plan show` and --list print: a subscription, a plan row or usage key, or a finding
(kind:row). It counts again when the date passes, the amount grows, the currency changes, or it becomes another
kind of finding. What a guardrail holds is let past by `plan approve --acknowledge`, not by this command."""


@click.command(epilog=EPILOG)
@click.argument("rows", nargs=-1, metavar="ROW...")
@click.option("--why", metavar="TEXT", help="The reason; it is shown beside the row from now on.")
@click.option("--until", metavar="DATE", help="The last day it holds, yyyy-mm-dd; for good unless given.")
@click.option("--by", metavar="NAME", help="Who acknowledges; the user of this machine unless given.")
@click.option("--month", metavar="YYYY-MM", help="ROW is of this compared month: what `month --details` prints.")
@click.option("--list", "listing", is_flag=True, help="Print what waits for a person and what is acknowledged.")
@click.option("--remove", is_flag=True, help="Remove the acknowledgement of ROW.")
@json_option
def acknowledge(
    rows: tuple[str, ...],
    why: str | None,
    until: str | None,
    by: str | None,
    month: str | None,
    listing: bool,
    remove: bool,
    as_json: bool,
) -> None:
    """Say that a loss or overcharge is known and may stay: runs no longer end with exit code 2 for it.

    Written to data/acknowledged.csv, which you may edit and keep in Git.
    """
    settings = data_target(load_settings(), notify)
    warehouse = existing_warehouse(settings)
    acknowledged = {a.finding_id: a for a in file.load(settings.acknowledged_path)}
    if listing:
        file.store(warehouse, list(acknowledged.values()))
        _print(_open(warehouse, month), _of(month, acknowledged), as_json, listing=True)
        return
    if not rows:
        raise PipelineError("name at least one ROW; `pax8-pipeline acknowledge --list` prints them")
    if remove:
        changed = [_known_id(warehouse, acknowledged, name, month) for name in rows]
        acknowledged = {i: a for i, a in acknowledged.items() if i not in changed}
    else:
        new_ones = _acknowledge_rows(settings, _open(warehouse, month), rows, why, until, by)
        changed = [a.finding_id for a in new_ones]
        acknowledged.update({a.finding_id: a for a in new_ones})
    file.save(settings.acknowledged_path, list(acknowledged.values()))
    file.store(warehouse, list(acknowledged.values()))
    _print([row for row in _open(warehouse, month) if row["finding_id"].lower() in changed], acknowledged, as_json)
    if not as_json:
        notify(
            f"{'Removed from' if remove else 'Written to'} {settings.acknowledged_path}: {plural(len(changed), 'row')}"
        )


def _acknowledge_rows(
    settings: Settings, open_findings: Sequence[dict[str, Any]], rows: Sequence[str], why: str | None, until: str | None,
    by: str | None,
) -> list[file.Acknowledgement]:  # fmt: skip
    reason, who = " ".join((why or "").split()), (by if by is not None else user_name()).strip()
    if not reason:
        raise PipelineError("an acknowledgement needs a reason: --why TEXT")
    if not who:
        raise PipelineError("an acknowledgement needs a name: give --by NAME or set USER")
    last = _until(until, settings.today)
    # All of them are searched before any is written: a half-done command is hard to undo.
    chosen = [file.find_finding(open_findings, name) for name in rows]
    return [file.acknowledged(f, reason=reason, who=who, until=last, today=settings.today) for f in chosen]


def _until(text: str | None, today: date) -> date | None:
    if text is None:
        return None
    try:
        last = file.iso_day(text.strip())
    except ValueError:
        raise PipelineError(f"--until: {text!r} is not a date such as 2026-12-31") from None
    if last < today:
        raise PipelineError(f"--until: {last} has passed already, today is {today}")
    return last


def _known_id(warehouse: Warehouse, acknowledged: dict[str, file.Acknowledgement], name: str, month: str | None) -> str:
    """Return the id of an acknowledgement, by its own id (its finding may be gone) or by a name of the finding."""
    finding_id = " ".join(name.split()).lower()
    if finding_id in acknowledged:
        return finding_id
    found = str(file.find_finding(_open(warehouse, month), name)["finding_id"]).lower()
    if found not in acknowledged:
        raise PipelineError(f"{found} is not acknowledged")
    return found


def _open(warehouse: Warehouse, month: str | None) -> list[dict[str, Any]]:
    """Return what waits for a person: of the last plan, or of a compared month."""
    with warehouse.connect() as connection:
        return findings.month_findings(connection, month) if month else findings.open_findings(connection)


def _of(month: str | None, acknowledged: dict[str, file.Acknowledgement]) -> dict[str, file.Acknowledgement]:
    """Return the acknowledgements of one month, or those that are of no month."""
    months = {name: _MONTH_FINDING.match(name) for name in acknowledged}
    return {
        name: a
        for name, a in acknowledged.items()
        if ((found := months[name]) and found[1] == month) or not (found or month)
    }


def _print(
    rows: Sequence[dict[str, Any]],
    acknowledged: dict[str, file.Acknowledgement],
    as_json: bool,
    *,
    listing: bool = False,
) -> None:
    closed = sorted(set(acknowledged) - {row["finding_id"].lower() for row in rows})
    if as_json:
        click.echo(
            formatting.to_json(
                {"schema": SCHEMA, "findings": list(rows), "acknowledged": [vars(a) for a in acknowledged.values()]}
            )
        )
        return
    out = console()
    if rows and out.width < _TABLE_FROM:
        for line in _short_lines(rows, out.width):
            out.print(line, soft_wrap=True)
    elif rows:
        shown_rows = [{**row, "client": plan_rows.client(row), "money": findings.amount_text(row),
                  "since": f"{row['first_seen']}{', new' if row['is_new'] else ''}", "acknowledged": findings.acknowledgement_text(row)}
                 for row in rows]  # fmt: skip
        print_table(out, Table(f"Waits for a person ({len(rows)})", _COLUMNS, shown_rows))
    else:
        out.print("Nothing waits for a person.")
    if findings.add_up(rows).count:
        out.print(findings.add_up(rows).sentence, markup=False, soft_wrap=True)
    if listing and closed:
        out.print(
            f"Acknowledged and not open any more, can be removed: {', '.join(closed)}", markup=False, soft_wrap=True
        )


_TABLE_FROM = 100  # columns


def _short_lines(rows: Sequence[dict[str, Any]], width: int) -> Iterator[str]:
    """Yield three lines for each finding: its money and whom it is about; its id, which is never broken, and since when."""
    yield f"Waits for a person ({len(rows)})"
    for row in rows:
        who = f"{plan_rows.client(row) or 'no company'}: {row['product_name'] or ''}"
        amount = findings.amount_text(row) or "no amount"
        yield textwrap.shorten(f"{amount}, {who}", width, placeholder=" ...")
        since = f"since {row['first_seen']}{', new' if row['is_new'] else ''}"
        yield f"  {row['finding_id']}"
        yield f"  {'; '.join(filter(None, (since, findings.acknowledgement_text(row))))}"
