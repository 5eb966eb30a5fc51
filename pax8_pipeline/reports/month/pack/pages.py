"""The two pages of a month-end pack: the report of the month, and the page that a person signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.month.pack.sheets import summary_facts
from pax8_pipeline.reports.month.result import MonthResult, by_currency
from pax8_pipeline.reports.month.text import MONEY, changes_table, closing_sentence
from pax8_pipeline.reports.page.sections import Section, render_page
from pax8_pipeline.reports.page.tiles import Figure, Tile
from pax8_pipeline.reports.table import Column, Table

_FILES = (Column("file", "File"), Column("checksum", "SHA-256", "id"))
_SIGNED_BY = ("Checked by", "Date", "Signature")
_ABOUT_MONEY = (
    "Invoiced is what Pax8 invoices you, at client prices what it states for the client; both as invoiced. What Halo bills, "
    "the margin and the differences are a month's share: of a price for a year they hold a twelfth."
)


def report(result: MonthResult, tables: Mapping[str, Table]) -> str:
    """Return the report of a compared month as one page. `tables`: the sheets of the pack by their titles."""
    sections = [
        Section("open", "Open items", tables=[tables["Open items"]]),
        Section("changes", "Changed since the month was closed", tables=[changes_table(result)]),
        Section("acknowledged", "Acknowledged", tables=[tables["Acknowledgements"]]),
        Section("clients", "By client", [_ABOUT_MONEY], [tables["By client"]], new_page=True),
        Section("products", "By product", tables=[tables["By product"]]),
        Section("usage", "Usage", tables=[tables["Usage"]]),
        Section("credits", "Credits and fees", tables=[tables["Credits"]]),
        Section("evidence", "For the auditor", facts=summary_facts(result), new_page=True),
    ]
    shown = [
        replace(section, tables=[table.without_empty_columns() for table in section.tables]).with_rows()
        for section in sections
        if section.id != "changes" or result.closing
    ]
    return render_page(
        "month.html.j2",
        _tiles(result),
        shown,
        title="Month end",
        month=result.month,
        lead=f"{result.sentence}. Pax8's list and invoice compared with Halo's bill on {formatting.day(result.head['today'])}.",
        warnings=_warnings(result),
        foot="Every row of the month is in the spreadsheet, in csv/ and in parquet/ beside this page.",
        more="the spreadsheet beside this page",
    )


def _warnings(result: MonthResult) -> list[str]:
    found = [] if result.ties else ["The sums do not tie: invoiced is not explained + not explained"]
    return found + ([closing_sentence(result)] if result.closing and result.changes else [])


def _tiles(result: MonthResult) -> list[Tile]:
    """Return one tile for each currency, and one that says what is open."""
    found = [
        Tile(
            currency,
            [
                Figure(formatting.money(sums.get("invoiced"), currency), "invoiced by Pax8"),
                Figure(formatting.money(sums.get("margin"), currency), "margin, a month"),
            ],
            "Amounts of this currency.",
            lines=[
                f"{label}: {formatting.money(sums[name])}"
                for name, label, always in MONEY
                if name not in ("invoiced", "margin") and (always or sums.get(name))
            ],
        )
        for currency, sums in by_currency(result).items()
    ]
    rows = len(result.open_rows)
    known = len(result.acknowledged_rows)
    tone = "good" if result.agrees else "bad"
    waiting = Tile("Open", [Figure(f"{rows:,}", f"of {len(result.rows):,} rows")], "Rows that wait for a person.",
                   lines=[f"{known:,} acknowledged"] if known else [], tone=tone)  # fmt: skip
    return [*found, waiting]


def sign_off(result: MonthResult, sums: Mapping[str, str]) -> str:
    """Return the page that a person signs: what was compared, who closed the month, and the checksums of all files."""
    closing = result.closing
    rows = [{"file": name, "checksum": checksum} for name, checksum in sums.items()]
    files = Table("Files", _FILES, rows)
    money = [
        (f"Invoiced by Pax8, {currency}", formatting.money(amounts.get("invoiced")))
        for currency, amounts in by_currency(result).items()
    ]
    closed = [
        ("Closed by", closing.closed_by if closing else "not closed"),
        ("Closed at", formatting.moment(closing.closed_at) if closing else ""),
        ("Why with open rows", (closing.why if closing else "") or ""),
        ("SHA-256 over its rows", closing.checksum if closing else ""),
    ]
    sections = [
        Section("result", "Result", facts=[*summary_facts(result), *money]),
        Section("closing", "Closing", facts=[(name, value) for name, value in closed if value]),
        Section("signature", "Signature", facts=[(name, "_" * 40) for name in _SIGNED_BY]),
        Section("files", "Files of this pack", tables=[files]),
    ]
    return render_page(
        "month.html.j2",
        [],
        sections,
        title="Sign-off",
        month=result.month,
        lead=f"{result.sentence}.",
        warnings=_warnings(result),
        foot="The checksum of the rows is also in billing.month_closings of published.duckdb; `sha256sum -c SHA256SUMS` "
        "checks the files.",
        more="SHA256SUMS",
    )
