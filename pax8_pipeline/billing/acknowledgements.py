"""data/acknowledged.csv: the findings that a person knows of and leaves as they are, for a time or for good.

A person may edit the file, and Git keeps it. This module reads it, says what is wrong in it, copies it into the warehouse,
and finds what an id means. Whether an acknowledgement still covers its finding is decided in
warehouse/sql/views/findings_state.sql.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pax8_pipeline.errors import PipelineError
from pax8_pipeline.mapping.files import FileRow, read_rows
from pax8_pipeline.text import textfiles
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

COLUMNS = ("id", "reason", "who", "until", "amount", "currency", "date")
_ID = re.compile(r"[a-z][a-z0-9_]*(-overcharge)?:\S.*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,4})?")
_CURRENCY = re.compile(r"[A-Za-z]{3}")


@dataclass(frozen=True)
class Acknowledgement:
    """One row of the file. `amount`: the finding's money then, None where it was not known; `until`: its last day."""

    finding_id: str
    reason: str
    who: str
    until: date | None
    amount: Decimal | None
    currency: str | None
    acknowledged_on: date


def load(path: Path) -> tuple[Acknowledgement, ...]:
    """Read the file; a missing one is an empty one. Raises ConfigError with file, row, column and reason."""
    seen: dict[str, int] = {}
    return tuple(_read(row, seen) for row in read_rows(path, COLUMNS))


def _read(row: FileRow, seen: dict[str, int]) -> Acknowledgement:
    finding_id = row.text("id").lower()
    if not _ID.fullmatch(finding_id):
        raise row.error(
            "id", f"{finding_id!r} is not a finding such as unbilled:<subscription id>; "
                  "`pax8-pipeline acknowledge --list` prints them"
        )  # fmt: skip
    if finding_id in seen:
        raise row.error("id", f"{finding_id} is on row {seen[finding_id]} already; keep one of the two")
    seen[finding_id] = row.number
    amount, currency = (
        _optional(row, "amount", _AMOUNT, "an amount such as 24.60"),
        _optional(row, "currency", _CURRENCY, "a currency such as USD"),
    )
    made = row.text("date")
    return Acknowledgement(
        finding_id, row.text("reason"), row.text("who"), _day(row, "until", row.cells.get("until", "").strip()),
        Decimal(amount) if amount else None, currency.upper() if currency else None, _needed(row, "date", made),
    )  # fmt: skip


def _optional(row: FileRow, column: str, form: re.Pattern[str], what: str) -> str | None:
    value = row.cells.get(column, "").strip()
    if value and not form.fullmatch(value):
        raise row.error(column, f"{value!r} is not {what}")
    return value or None


def _day(row: FileRow, column: str, value: str) -> date | None:
    return _needed(row, column, value) if value else None


def _needed(row: FileRow, column: str, value: str) -> date:
    try:
        return iso_day(value)
    except ValueError:
        raise row.error(column, f"{value!r} is not a date such as 2026-12-31") from None


def iso_day(text: str) -> date:
    """Read a date written yyyy-mm-dd and in no other way. Raises ValueError."""
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def save(path: Path, rows: Sequence[Acknowledgement]) -> None:
    """Write the file, whole or not at all, in the order of the ids: a change of one row is one line in Git."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for a in sorted(rows, key=lambda a: a.finding_id):
        amount = "" if a.amount is None else f"{a.amount:.2f}"
        writer.writerow(
            [a.finding_id, a.reason, a.who, a.until or "", amount, a.currency or "", a.acknowledged_on.isoformat()]
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    textfiles.write_whole(path, out.getvalue())


def store(warehouse: Warehouse, rows: Sequence[Acknowledgement]) -> None:
    """Put the file's rows into billing.acknowledged, replacing what stood there."""
    with warehouse.transaction() as connection:
        connection.execute("DELETE FROM billing.acknowledged")
        if rows:
            with connection.appender("billing.acknowledged") as appender:
                appender.append_rows(
                    [(a.finding_id, a.reason, a.who, a.until, a.amount, a.currency, a.acknowledged_on) for a in rows]
                )


def acknowledged(finding: dict[str, Any], *, reason: str, who: str, until: date | None, today: date) -> Acknowledgement:
    """Return the acknowledgement of one open finding as it stands today."""
    money, currency = finding["money"], finding["currency"]
    amount = None if money is None else abs(round(money, 2))
    return Acknowledgement(
        finding["finding_id"].lower(), reason, who, until, amount, currency if amount is not None else None, today
    )


def find_finding(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the one open finding that `name` means: its id, its plan row or usage key, or its subscription.

    Raises PipelineError with what is near when there is none, and with the choices when there are several.
    """
    wanted = " ".join(name.split()).lower()
    for column in ("finding_id", "row_id", "subscription_id"):
        found = [row for row in rows if wanted and str(row[column]).lower() == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            choices = "\n".join(f"  {row['finding_id']}" for row in found)
            raise PipelineError(f"{name} has {plural(len(found), 'finding')}; name one of them:\n{choices}")
    raise PipelineError(f"no open finding {name!r}. {_near(rows, wanted)}")


def _near(rows: Sequence[dict[str, Any]], wanted: str) -> str:
    names = {
        str(row[c]).lower(): row["finding_id"] for row in rows for c in ("subscription_id", "row_id", "finding_id")
    }
    names.pop("", None)
    near = [n for n in names if wanted and wanted in n][:5] or difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    listing = "`pax8-pipeline acknowledge --list` prints all"
    if not near:
        return f"There are {len(rows)}; {listing}" if rows else "There are none; run `pax8-pipeline run` first"
    return "Did you mean " + ", ".join(dict.fromkeys(names[n] for n in near)) + f"? {listing}"
