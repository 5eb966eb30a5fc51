"""Random books, random faults, crashes between any two statements, people editing: the rules hold all the same.

The machine keeps what Pax8 wants, lets apply run into trouble, and plans again from what Halo shows. Rules checked:
never a write without a claim on record, never twice for one plan row, nothing but the planned field of the planned
target changed, and once the trouble is over the next plan is empty.
"""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pax8_pipeline.billing.apply import Applier
from pax8_pipeline.billing.model import Change
from pax8_pipeline_tests.billing.fake import (
    TODAY,
    Crash,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    change,
    computed_line,
    licence,
    manual_line,
    plan,
)

NOISE = 900
FAULTS = st.lists(st.sampled_from(["ok", "ok", "lost", "not_applied", "refused"]), max_size=8)
STEPS = 24


def books(manual: int, computed: int) -> FakeHalo:
    """Two recurring invoices of manual and computed lines, each with a line that nothing in Pax8 feeds."""
    invoices, licences = {}, {}
    for invoice_id in (-94, -95):
        first = 1 if invoice_id == -94 else 101
        lines = [manual_line(first + n, ihid=invoice_id) for n in range(manual)]
        for n in range(computed):
            number = first + 50 + n
            lines.append(computed_line(number, number + 1000, ihid=invoice_id))
            licences[number + 1000] = licence(number + 1000)
        lines.append(manual_line(NOISE - invoice_id, 3, ihid=invoice_id, item_shortdescription="Retainer"))
        invoices[invoice_id] = {"id": invoice_id, "client_id": 231, "disabled": False, "change_seq": 1, "lines": lines}
    return FakeHalo(invoices, licences)


class Billing(RuleBasedStateMachine):
    """What Pax8 wants of each line: a quantity, or None for ended."""

    @initialize(manual=st.integers(1, 3), computed=st.integers(1, 3))
    def begin(self, manual: int, computed: int) -> None:
        self.halo = books(manual, computed)
        self.wanted: dict[int, int | None] = {i: 5 for i in self._lines() if not self._noise(i)}
        self.ledger = MemoryLedger()
        self.plans = 0
        self.untouched = self._others()

    def _lines(self) -> dict[int, dict[str, Any]]:
        return {line["id"]: line for invoice in self.halo.invoices.values() for line in invoice["lines"]}

    @staticmethod
    def _noise(line_id: int) -> bool:
        return line_id > NOISE

    def _others(self) -> dict[str, Any]:
        """Everything but the fields a plan may name."""
        lines = {i: {k: v for k, v in line.items() if self._noise(i) or k not in ("qty_order", "isinactive", "isActive", "net_amount")}
                 for i, line in self._lines().items()}  # fmt: skip
        fields = ("count", "is_active", "status", "end_date")
        licences = {i: {k: v for k, v in c.items() if k not in fields} for i, c in self.halo.licence_rows.items()}
        return copy.deepcopy({"lines": lines, "licences": licences})

    @rule(data=st.data(), quantity=st.one_of(st.none(), st.integers(1, 40)))
    def pax8_changes(self, data: st.DataObject, quantity: int | None) -> None:
        line_id = data.draw(st.sampled_from(sorted(self.wanted)))
        if self.wanted[line_id] is not None:
            self.wanted[line_id] = quantity

    def _plan(self) -> list[Change]:
        changes = [
            c
            for line_id, line in self._lines().items()
            if not self._noise(line_id)
            for c in self._change(line_id, line)
        ]
        self.plans += 1
        return changes

    def _change(self, line_id: int, line: dict[str, Any]) -> list[Change]:
        manual = line["recurring_invoice_quantity_type"] == 0
        licence_id = None if manual else line_id + 1000
        has = int(line["qty_order"]) if manual else self.halo.licence_rows[line_id + 1000]["count"]
        active = None if manual else self.halo.licence_rows[line_id + 1000]["is_active"]
        seen = {"licence_count": None if manual else has, "licence_active": active,
                "line_quantity": str(line["qty_order"]) if manual else None, "line_inactive": line["isinactive"]}  # fmt: skip
        want = self.wanted[line_id]
        if want is None:
            if line["isinactive"] and not active:
                return []
            made = change("end_line", None, line=line_id, licence=licence_id, **seen)
        elif want == has:
            return []
        else:
            made = change(
                "set_line_quantity" if manual else "set_licence_count", want, line=line_id, licence=licence_id, **seen
            )
        return [Change(**{**made.__dict__, "recurring_invoice_id": line["ihid"]})]

    @rule(
        faults=FAULTS,
        crash=st.one_of(st.none(), st.integers(0, STEPS)),
        blind=st.integers(0, 3),
        edit=st.booleans(),
        data=st.data(),
    )
    def a_night(self, faults: list[str], crash: int | None, blind: int, edit: bool, data: st.DataObject) -> None:
        changes = self._plan()
        edited = data.draw(st.sampled_from(sorted(self.wanted))) if edit else None
        if edited is not None:
            self._edit(edited)
        before, first = copy.deepcopy(self._lines()), len(self.halo.applied)
        self.halo.faults, self.halo.read_faults = list(faults), 0
        self._apply(changes, crash, blind)
        self._judge(changes, edited, before, first)

    def _edit(self, line_id: int) -> None:
        """A person types another quantity between plan and apply."""
        line = self._lines()[line_id]
        if line["recurring_invoice_quantity_type"] == 0:
            line["qty_order"] += 100
        else:
            self.halo.licence_rows[line_id + 1000]["count"] += 100

    def _apply(self, changes: list[Change], crash: int | None, blind: int) -> None:
        left = [crash]

        def step(name: str) -> None:
            if name == "before read-back" and blind == 1:
                self.halo.read_faults = 1
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise Crash

        head = plan(plan_id=f"plan-{self.plans}")
        try:
            Applier(self.halo, FakePax8(), self.ledger, TODAY, step=step).apply(head, changes)
        except Crash:
            pass
        finally:
            self.halo.faults, self.halo.read_faults = [], 0

    def _judge(self, changes: list[Change], edited: int | None, before: dict[int, dict[str, Any]], first: int) -> None:
        planned = {c.line_id: c for c in changes}
        claimed = {
            e.change.line_id for p, e in self.ledger.entries if p == f"plan-{self.plans}" and e.state == "claimed"
        }
        written: list[tuple[str, int]] = []
        for kind, body in self.halo.applied[first:]:
            line_id = body["id"] - 1000 if kind == "licence" else body["id"]
            written.append((kind, line_id))
            assert line_id in planned, "a write that is in no plan"
            assert line_id in claimed, "a write without a claim on record"
            assert line_id != edited, "a target that changed since the plan was written"
        assert len(written) == len(set(written)), "a row was written twice"
        for line_id, line in self._lines().items():
            if line_id not in planned:
                assert line == before[line_id], "a line outside the plan changed"

    @rule()
    def trouble_is_over(self) -> None:
        self._apply(self._plan(), None, 0)
        assert self._plan() == [], "the plan after a clean night is not empty"
        for line_id, want in self.wanted.items():
            line = self._lines()[line_id]
            if want is None:
                assert line["isinactive"]

    @invariant()
    def nothing_else_ever_changes(self) -> None:
        if hasattr(self, "untouched"):
            assert self._others() == self.untouched


TestBilling = Billing.TestCase
TestBilling.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
