"""Making any of the records unreadable never causes a write that the complete data would not cause.

Many small customers share one set of vendor data, each of another kind; in each example records of every one of them are
spoiled: a member garbled or left out, or the record sent twice. What is planned then must be among what was planned from
the complete data. A member may be left out here only where the vendor's reference does not allow it: an end date that
is not there says that there is no end (docs/vendors/pax8.md#subscriptions), and nobody can tell that from a lost one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pax8_pipeline_tests.support.vendor_data import (
    VendorData,
    company,
    invoice,
    licence,
    line,
    manual_line,
    subscription,
)
from pax8_pipeline_tests.support.warehouse import StagedWarehouse
from pax8_pipeline_tests.support.warehouse_files import release

CUSTOMERS = 32
ENDED = {"status": "Cancelled", "endDate": "2026-08-19"}
GARBAGE = ("?", "12,5", "31/12/2027", {"value": 5}, ["x"])
# Members that may be garbled, and of them those that may not be left out, by list.
MEMBERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "companies": (("id", "billOnBehalfOfEnabled"), ("id", "billOnBehalfOfEnabled")),
    "subscriptions": (
        ("id", "companyId", "quantity", "startDate", "endDate", "billingStart", "status", "price", "currencyCode", "billingTerm"),
        ("id", "companyId", "quantity", "status", "price", "currencyCode", "billingTerm"),
    ),
    "clients": (
        ("id", "inactive", "currencyisocode", "client_to_invoice", "customfields"),
        ("id", "inactive", "currencyisocode"),
    ),
    "licences": (
        ("id", "client_id", "count", "price", "snowid", "is_active", "deleted", "end_date"),
        ("id", "client_id", "count", "price", "is_active", "deleted"),
    ),
    "headers": (
        ("id", "client_id", "disabled", "period", "lines", "currency_code_name"),
        ("id", "client_id", "disabled", "period", "lines"),
    ),
    "lines": (
        ("id", "qty_order", "unit_price", "isinactive", "isActive", "recurring_invoice_quantity_type", "quantity_subscriptions",
         "quantity_licences", "prorata_data", "startdate", "enddate", "onetimecharge", "isgroupdesc", "is_bundled_line", "bundle_id",
         "is_meter", "consumption_line_type", "quantity_custom"),
        ("id", "qty_order", "unit_price", "isinactive", "recurring_invoice_quantity_type", "quantity_subscriptions"),
    ),
    "links": (("licence_id", "qty_free", "minimum_qty", "use_linked_subscription_price"), ("licence_id",)),
}  # fmt: skip


class Customer:
    """One customer with ids of its own. `kind` says what is special about it."""

    def __init__(self, number: int, kind: str) -> None:
        self.number = number
        self.company = f"5b1f7a3e-0d52-4c0b-9a64-{number:012d}"
        self.client, self.licence, self.header, self.line = (
            1000 + number,
            5000 + 10 * number,
            -100 - 10 * number,
            90000 + 10 * number,
        )
        self.client_map = [(self.company, self.client)]
        self.mapped: list[tuple[str, int | None, int | None, int | None]] = []
        self.companies = [company(id=self.company, name=f"Customer {number}")]
        self.clients = [{"id": self.client, "name": f"Customer {number}", "inactive": False, "currencyisocode": "USD"}]
        self.subscriptions = [self.sub(0, quantity=25)]
        self.licences = [self.lic(0)]
        self.recurring = [self.head(0, [self.row(0, [0])])]
        getattr(self, kind)()

    def sub_id(self, n: int) -> str:
        return f"c2b8a9d0-6f34-4a6f-8{n:03d}-{self.number:012d}"

    def sub(self, n: int, **changes: Any) -> dict[str, Any]:
        return subscription(id=self.sub_id(n), companyId=self.company, **changes)

    def lic(self, n: int, **changes: Any) -> dict[str, Any]:
        return licence(**{"id": self.licence + n, "client_id": self.client, "snowid": self.sub_id(n), **changes})

    def row(self, n: int, follows: list[int], **changes: Any) -> dict[str, Any]:
        links = [{"id": 9000 + k, "licence_id": self.licence + k, "qty_free": 0, "minimum_qty": 0} for k in follows]
        return line(**{"id": self.line + n, "ihid": self.header, "quantity_subscriptions": links, **changes})

    def head(self, n: int, lines: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
        return invoice(lines, **{"id": self.header - n, "client_id": self.client, **changes})

    def grown(self) -> None: ...

    def shared(self) -> None:
        self.subscriptions = [self.sub(0, quantity=14), self.sub(1, quantity=18)]
        self.licences = [self.lic(0, count=32)]
        self.mapped = [(self.sub_id(1), None, None, self.licence)]

    def shared_line(self) -> None:
        self.subscriptions = [self.sub(0, quantity=14), self.sub(1, quantity=18)]
        self.licences = []
        self.recurring = [self.head(0, [manual_line(id=self.line, qty_order=32)])]
        self.mapped = [(self.sub_id(n), self.header, self.line, None) for n in (0, 1)]

    def manual(self) -> None:
        self.licences = []
        self.recurring = [self.head(0, [manual_line(id=self.line)])]
        self.mapped = [(self.sub_id(0), self.header, self.line, None)]

    def ended(self) -> None:
        self.subscriptions = [self.sub(0, **ENDED)]

    def ended_but_active(self) -> None:
        self.subscriptions = [self.sub(0, quantity=25, endDate="2026-08-01")]

    def not_begun(self) -> None:
        self.subscriptions = [self.sub(0, quantity=25, startDate="2026-09-01", billingStart="2026-09-01")]

    def trial(self) -> None:
        self.subscriptions = [self.sub(0, quantity=25, billingTerm="Trial")]

    def two_licences(self) -> None:
        self.licences.append(self.lic(1, snowid=self.sub_id(0)))

    def two_lines(self) -> None:
        self.recurring[0]["lines"].append(self.row(1, [0]))

    def two_headers(self) -> None:
        self.recurring.append(self.head(1, [self.row(1, [0])]))

    def two_on_a_line(self) -> None:
        self.subscriptions.append(self.sub(1, quantity=7))
        self.licences.append(self.lic(1))
        self.recurring = [self.head(0, [self.row(0, [0, 1])])]

    def other_currency(self) -> None:
        self.clients[0]["currencyisocode"] = "EUR"

    def other_client(self) -> None:
        self.licences[0]["client_id"] = 77

    def inactive_client(self) -> None:
        self.clients[0]["inactive"] = True

    def billed_by_pax8(self) -> None:
        self.companies[0]["billOnBehalfOfEnabled"] = True

    def inactive_licence(self) -> None:
        self.licences[0]["is_active"] = False

    def deleted_licence(self) -> None:
        self.licences[0]["deleted"] = True

    def disabled_header(self) -> None:
        self.recurring[0]["disabled"] = True

    def line_off(self) -> None:
        self.recurring[0]["lines"][0].update(isinactive=True, isActive=False)

    def line_over(self) -> None:
        self.recurring[0]["lines"][0]["enddate"] = "2026-08-01T00:00:00"

    def bundle(self) -> None:
        self.recurring[0]["lines"][0].update(is_bundled_line=True, bundle_id=4)

    def odd_period(self) -> None:
        self.recurring[0]["period"] = 9

    def pro_rata(self) -> None:
        self.manual()
        self.recurring[0]["lines"][0]["prorata_data"] = [{"id": 1, "quantity": 5, "isinvoiced": False}]

    def two_claims(self) -> None:
        self.client_map = []
        link = [{"name": "CFPax8CompanyId", "value": self.company}]
        self.clients[0]["customfields"] = link
        self.clients.append({**self.clients[0], "id": 3000 + self.number})

    def records(self, kind: str) -> list[list[dict[str, Any]]]:
        """The lists that hold records of one kind."""
        if kind == "headers":
            return [self.recurring]
        lines = [h["lines"] for h in self.recurring if isinstance(h.get("lines"), list)]
        if kind == "lines":
            return lines
        if kind == "links":
            rows = [row for rows in lines for row in rows if isinstance(row, dict)]
            return [r["quantity_subscriptions"] for r in rows if isinstance(r.get("quantity_subscriptions"), list)]
        found: list[dict[str, Any]] = getattr(self, kind)
        return [found]


KINDS = tuple(name for name, value in vars(Customer).items() if callable(value) and value.__code__.co_argcount == 1
              and name not in ("__init__", "records"))  # fmt: skip


@st.composite
def spoiling(draw: st.DrawFn) -> Callable[[Customer], None]:
    """One thing that goes wrong with one record of a customer."""
    kind = draw(st.sampled_from(sorted(MEMBERS)))
    garbled, required = MEMBERS[kind]
    how = draw(st.sampled_from(("garbled", "missing", "twice")))
    member = draw(st.sampled_from(garbled if how == "garbled" else required))
    value, place = draw(st.sampled_from(GARBAGE)), draw(st.integers(0, 3))

    def spoil(firm: Customer) -> None:
        # What an earlier fault made of a record may be no record any more.
        lists = [rows for rows in firm.records(kind) if any(isinstance(row, dict) for row in rows)]
        if not lists:
            return
        rows = lists[place % len(lists)]
        records = [row for row in rows if isinstance(row, dict)]
        row = records[place % len(records)]
        if how == "twice":
            rows.append(copy.deepcopy(row))
        elif how == "missing":
            row.pop(member, None)
        else:
            row[member] = copy.deepcopy(value)

    return spoil


def vendor_data_of(customers: list[Customer]) -> VendorData:
    def all_of(name: str) -> list[Any]:
        return [row for firm in customers for row in getattr(firm, name)]

    return VendorData(
        companies=all_of("companies"), subscriptions=all_of("subscriptions"), clients=[*all_of("clients"), {"id": 77, "inactive": False}],
        licences=all_of("licences"), recurring=all_of("recurring"), client_map=all_of("client_map"), subscription_map=all_of("mapped"),
    )  # fmt: skip


def planned_writes(staged: StagedWarehouse, customers: list[Customer]) -> set[tuple[Any, ...]]:
    names = ("row_id", "action", "client_id", "recurring_invoice_id", "line_id", "licence_id", "after")
    rows = staged.plan(vendor_data_of(customers)).values()
    return {
        tuple(r[n] for n in names) for r in rows if r["action"] != "none" and r["class"] in ("safe", "needs_approval")
    }


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Any:
    yield StagedWarehouse.at(tmp_path_factory.mktemp("staged"))
    release()


@pytest.fixture(scope="module")
def complete(staged: StagedWarehouse) -> set[tuple[Any, ...]]:
    return planned_writes(staged, customers())


def customers() -> list[Customer]:
    return [Customer(n, KINDS[n % len(KINDS)]) for n in range(CUSTOMERS)]


def test_the_complete_data_lead_to_writes_and_to_held_rows(complete: set[tuple[Any, ...]]) -> None:
    assert 5 <= len(complete) < CUSTOMERS


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(spoiling(), min_size=1, max_size=3), min_size=CUSTOMERS, max_size=CUSTOMERS))
def test_unreadable_records_never_cause_a_write(
    staged: StagedWarehouse, complete: set[tuple[Any, ...]], faults: list[list[Callable[[Customer], None]]]
) -> None:
    spoiled = customers()
    for firm, ones in zip(spoiled, faults, strict=True):
        for spoil in ones:
            spoil(firm)
    found = planned_writes(staged, spoiled)
    assert found <= complete, f"caused by what could not be read: {sorted(found - complete, key=str)}"
