"""Random vendor data, random trouble, crashes between any two statements, people editing: the rules hold all the same.

The machine keeps what Pax8 wants (seats, ends, prices of manual lines), lets apply run into trouble, and plans again from what Halo shows. Trouble is: a
crash at any step, answers lost, writes refused or not applied, a read-back that fails, `updatelines` refused, a target
edited since the plan, a cancellation taken back since the plan, somebody editing another line while apply works, big
nights with several writes to a call, and an undo (through the same trouble). Rules checked: never a write without a claim on record, never
one outside the plan, never twice for one row, nothing but the planned member of the planned target changed, no verdict
"verified" that Halo does not show, and once the trouble is over the next plan is empty.

How many steps: every rule counts itself, and the test asserts how many a run makes (hypothesis' own statistics do not
count steps): at least 1,000 in `make test`, 10,000 in `make proofs`.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count, cycle
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.action import TargetAction
from pax8_pipeline.billing.actions.target import Target, followed_licences
from pax8_pipeline.billing.applying import batches, target_state
from pax8_pipeline.billing.applying.apply import Applier
from pax8_pipeline.billing.model import Change, Entry
from pax8_pipeline.errors import WriteRefused
from pax8_pipeline_tests import proofs
from pax8_pipeline_tests.support.billing import (
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

STEPS_WANTED, EXAMPLES = (10_000, 700) if proofs.WHOLE else (1_000, 70)
STEPS_EACH = 30
NOISE = 900
CRASH_STEPS = 30  # more steps than most nights have: some crashes come after the last one
SINGLE_PLACES, SHARED_PLACES = {"before line", "before licence"}, {"before lines", "before licences"}
PLACES = {
    "before claim",
    "after claim",
    "after send",
    "before read-back",
    "before verdict",
    *SINGLE_PLACES,
    *SHARED_PLACES,
}
COUNTED: Counter[str] = Counter()


@dataclass(frozen=True)
class Subject:
    """One subscription's target: a manual line, a line of its own that follows its licence, or a shared line."""

    invoice: int
    line: int
    licence: int | None = None
    shared: bool = False

    @property
    def key(self) -> str:
        return f"sub-{self.line}-{self.licence}"


@dataclass(frozen=True)
class Sharing:
    """How many writes share a call and a reading, and from how many rows on a list is read."""

    sizes: tuple[int, ...]
    per_reading: int = 5
    list_from: int = 10


SINGLE = Sharing((1,), 1)
SHARING = [SINGLE, Sharing((1, 2, 3)), Sharing((1, 4), list_from=1), Sharing((2,), list_from=0)]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in one night."""

    faults: tuple[str, ...] = ()
    crash: int | None = None
    unread: bool = False
    edited: Subject | None = None
    taken_back: bool = False
    meddled: int | None = None
    sharing: Sharing = SINGLE


@st.composite
def troubles(draw: st.DrawFn, subjects: list[Subject]) -> Trouble:
    kinds = st.sampled_from(["ok", "ok", "lost", "not_applied", "refused", "no_updatelines"])
    return Trouble(
        faults=tuple(draw(st.lists(kinds, max_size=8))),
        crash=draw(st.none() | st.integers(0, CRASH_STEPS)),
        unread=draw(st.integers(0, 3)) == 0,
        edited=draw(st.none() | st.sampled_from(subjects)),
        taken_back=draw(st.integers(0, 4)) == 0,
        meddled=draw(st.none() | st.integers(0, CRASH_STEPS)),
        sharing=draw(st.sampled_from(SHARING)),
    )


@dataclass
class Tenant(FakeHalo):
    """A Halo that may do without `updatelines` as a whole."""

    updatelines: bool = True

    def update_line(self, line: dict[str, Any]) -> None:
        if not self.updatelines:
            raise WriteRefused("no such resource", vendor="Halo", status=404)
        super().update_line(line)

    def update_lines(self, lines: Sequence[dict[str, Any]]) -> None:
        if not self.updatelines:
            raise WriteRefused("no such resource", vendor="Halo", status=404)
        super().update_lines(lines)


def action_of(change: Change) -> TargetAction:
    """The action of a change of a line or licence."""
    found = registry.action_of(change)
    assert isinstance(found, TargetAction)
    return found


def vendor_data(manual: int, computed: int, shared: int) -> tuple[Tenant, list[Subject]]:
    """Two recurring invoices with lines of each kind, and on each a line that nothing in Pax8 feeds."""
    invoices, licences, subjects = {}, {}, []
    for invoice_id in (-94, -95):
        first = 1 if invoice_id == -94 else 101
        found = [Subject(invoice_id, first + n) for n in range(manual)]
        found += [Subject(invoice_id, first + 20 + n, first + 1020 + n) for n in range(computed)]
        for n in range(shared):
            number = first + 40 + n
            found += [Subject(invoice_id, number, number + more, shared=True) for more in (1000, 2000)]
        lines: dict[int, dict[str, Any]] = {}
        for one in found:
            if one.licence is None:
                lines[one.line] = manual_line(one.line, ihid=invoice_id)
                continue
            licences[one.licence] = licence(one.licence)
            line = lines.setdefault(one.line, computed_line(one.line, one.licence, ihid=invoice_id))
            if one.licence not in followed_licences(line):
                line["quantity_subscriptions"].append(
                    {"id": one.line * 10 + 1, "licence_id": one.licence, "qty_free": 0, "minimum_qty": 0}
                )
        noise = manual_line(NOISE - invoice_id, 3, ihid=invoice_id, item_shortdescription="Retainer")
        invoices[invoice_id] = {
            "id": invoice_id, "client_id": 231, "disabled": False, "change_seq": 1, "lines": [*lines.values(), noise],
        }  # fmt: skip
        subjects += found
    return Tenant(invoices, licences), subjects


class Billing(RuleBasedStateMachine):
    """What Pax8 wants of each subject: a quantity, or None for ended; and of a manual line a price."""

    @initialize(manual=st.integers(1, 3), computed=st.integers(1, 3), shared=st.integers(0, 1))
    def begin(self, manual: int, computed: int, shared: int) -> None:
        self.halo, self.subjects = vendor_data(manual, computed, shared)
        self.wanted: dict[str, int | None] = {one.key: 5 for one in self.subjects}
        self.prices = {one.key: self._lines()[one.line]["unit_price"] for one in self.subjects if one.licence is None}
        self.pax8 = FakePax8()
        self.ledger = MemoryLedger()
        self.plans = 0
        self.last: list[Change] = []
        self.untouched = self._others()

    # What Halo holds --------------------------------------------------------------------------------------

    def _lines(self) -> dict[int, dict[str, Any]]:
        return {line["id"]: line for invoice in self.halo.headers.values() for line in invoice["lines"]}

    def _licence(self, one: Subject) -> dict[str, Any]:
        return {} if one.licence is None else self.halo.licence_rows[one.licence]

    def _others(self) -> dict[str, Any]:
        """Everything but the members a plan may name."""
        halos, ours = ("isActive", "net_amount"), ("qty_order", "isinactive", "unit_price")
        lines = {
            i: {k: v for k, v in line.items() if k not in halos and (i > NOISE or k not in ours)}
            for i, line in self._lines().items()
        }
        fields = ("count", "is_active", "status", "end_date")
        licences = {i: {k: v for k, v in c.items() if k not in fields} for i, c in self.halo.licence_rows.items()}
        return copy.deepcopy({"lines": lines, "licences": licences})

    def _targets(self) -> dict[str, Any]:
        """The members a plan may name, by subject."""
        lines, found = self._lines(), {}
        for one in self.subjects:
            row, line = self._licence(one), lines[one.line]
            own = (
                {k: row.get(k) for k in ("count", "is_active", "status", "end_date")}
                if row
                else (line["qty_order"], line["unit_price"])
            )
            found[one.key] = (own, line["isinactive"])
        return copy.deepcopy(found)

    # Planning ---------------------------------------------------------------------------------------------

    def _plan(self) -> list[Change]:
        self.plans += 1
        lines = self._lines()
        made = [self._change(one, lines[one.line]) for one in self.subjects]
        return [c for c in made if c is not None]

    def _change(self, one: Subject, line: dict[str, Any]) -> Change | None:
        row, want = self._licence(one), self.wanted[one.key]
        has = row["count"] if row else int(line["qty_order"])
        off = (not row or not row["is_active"]) and (one.shared or line["isinactive"])
        if want is None:
            done = off and (not one.shared or has == 0)
            return None if done else self._made("end_licence" if one.shared else "end_line", None, one, line)
        if line["isinactive"] or (row and not row["is_active"]):
            return None  # blocked: nothing is ever switched on by itself
        if want == has:
            # A plan has one action for a line: the price comes when the quantity is in step.
            price = self.prices.get(one.key, line["unit_price"])
            return None if price == line["unit_price"] else self._priced(price, one, line)
        return self._made("set_licence_count" if row else "set_line_quantity", want, one, line)

    def _made(self, action: str, after: int | None, one: Subject, line: dict[str, Any], **more: Any) -> Change:
        row = self._licence(one)
        seen = {
            "licence_count": row.get("count"), "licence_active": row.get("is_active"),
            "line_quantity": None if row else str(line["qty_order"]), "line_inactive": line["isinactive"],
            "licences_on_line": len(followed_licences(line)) or None, **more,
        }  # fmt: skip
        return replace(
            change(action, after, line=one.line, licence=one.licence, **seen), recurring_invoice_id=one.invoice
        )

    def _priced(self, price: Decimal, one: Subject, line: dict[str, Any]) -> Change:
        now = str(line["unit_price"])
        made = self._made("set_line_price", None, one, line, line_price=now)
        return replace(made, before=now, after=str(price), quantity_after=Decimal(line["qty_order"]))

    # Steps ------------------------------------------------------------------------------------------------

    @rule(data=st.data(), quantities=st.lists(st.none() | st.integers(1, 40), min_size=1, max_size=6))
    def pax8_changes(self, data: st.DataObject, quantities: list[int | None]) -> None:
        COUNTED["pax8 changes"] += 1
        for quantity in quantities:
            one = data.draw(st.sampled_from(self.subjects))
            if self.wanted[one.key] is not None:
                self.wanted[one.key] = quantity

    @rule(data=st.data(), cents=st.lists(st.integers(1, 9900), min_size=1, max_size=4))
    def prices_change(self, data: st.DataObject, cents: list[int]) -> None:
        COUNTED["prices change"] += 1
        for price in cents:
            self.prices[data.draw(st.sampled_from(sorted(self.prices)))] = Decimal(price) / 100

    @rule(data=st.data())
    def a_night(self, data: st.DataObject) -> None:
        COUNTED["nights in trouble"] += 1
        self._night(self._plan(), data.draw(troubles(self.subjects)))

    @precondition(lambda self: self.last)
    @rule(data=st.data(), calm=st.booleans())
    def undo(self, data: st.DataObject, calm: bool) -> None:
        COUNTED["undone nights"] += 1
        inverse = self._inverse()
        self._night(inverse, Trouble() if calm else data.draw(troubles(self.subjects)))
        if calm:
            assert all(self._reached(c) for c in inverse), "an undo without trouble did not undo"

    @rule(sharing=st.sampled_from(SHARING), updatelines=st.booleans())
    def trouble_is_over(self, sharing: Sharing, updatelines: bool) -> None:
        """Whatever the tenant is like: without `updatelines` every line has to go the long way."""
        COUNTED["clean nights"] += 1
        self.halo.updatelines = updatelines
        self._night(self._plan(), Trouble(sharing=sharing))
        if prices := self._plan():
            assert {made.action for made in prices} == {"set_line_price"}
            self._night(prices, Trouble(sharing=sharing))
        self.halo.updatelines = True
        assert self._plan() == [], "the plan after a clean night is not empty"
        lines = self._lines()
        for one in self.subjects:
            row, want = self._licence(one), self.wanted[one.key]
            if want is None and not one.shared:
                assert lines[one.line]["isinactive"], "an ended line still bills"
            if want is None and row:
                assert not row["is_active"]
                assert not one.shared or row["count"] == 0

    # One night --------------------------------------------------------------------------------------------

    def _inverse(self) -> list[Change]:
        """Take back what the last night verified and nobody changed since, as `rollback` plans it."""
        found, lines = [], self._lines()
        for done in self.last:
            one = next(s for s in self.subjects if s.key == done.row_id)
            if not self._reached(done):
                continue
            before = json.loads(self._claims()[done.row_id].before_state or "{}", parse_float=Decimal)
            action = action_of(done)
            assert action.inverse is not None
            if done.action == "set_line_price":
                found.append(self._priced(Decimal(done.before or 0), one, lines[one.line]))
                continue
            after = before["licence"]["count"] if done.licence_id else int(Decimal(before["line"]["qty_order"]))
            restore = action.undo_restores(before)
            found.append(
                self._made(action.inverse, None if action.ends else after, one, lines[one.line], restore=restore)
            )
        self.plans += 1
        self.last = []
        return found

    def _claims(self) -> dict[str, Entry]:
        return {e.change.row_id: e for _, e in self.ledger.entries if e.state == "claimed"}

    def _reached(self, done: Change) -> bool:
        header = self.halo.headers[done.recurring_invoice_id or 0]
        licence_row = self.halo.licence_rows.get(done.licence_id or 0)
        return action_of(done).reached(Target.of(done, header, licence_row))

    def _night(self, changes: list[Change], trouble: Trouble) -> None:
        if trouble.edited is not None:
            self._edit(trouble.edited)
        gone_back = {c.row_id for c in changes if registry.ends(c.action)} if trouble.taken_back else set()
        self.pax8.subscriptions = {key: {"status": "Active", "endDate": None} for key in gone_back}
        before, sent, noted = self._targets(), len(self.halo.applied), len(self.ledger.entries)
        self._apply(changes, trouble)
        self._judge(changes, trouble, gone_back, before, sent, noted)

    def _edit(self, one: Subject) -> None:
        """A person types another quantity between plan and apply."""
        if one.licence is None:
            self._lines()[one.line]["qty_order"] += 100
        else:
            self.halo.licence_rows[one.licence]["count"] += 100

    def _meddle(self, number: int) -> None:
        """A person gives the line that is nobody's another quantity, while apply is at work."""
        line = self._lines()[NOISE + (94 if number % 2 else 95)]
        line["qty_order"] += 1
        self.halo.headers[line["ihid"]]["change_seq"] += 1
        self.untouched["lines"][line["id"]]["qty_order"] += 1

    def _apply(self, changes: list[Change], trouble: Trouble) -> None:
        passed = 0

        def step(name: str) -> None:
            nonlocal passed
            COUNTED[f"step {name}"] += 1
            if name == "before read-back" and trouble.unread:
                self.halo.read_faults = 1
            if passed == trouble.meddled:
                self._meddle(passed)
            if passed == trouble.crash:
                COUNTED[f"crash {name}"] += 1
                raise Crash
            passed += 1

        self.halo.faults, self.halo.read_faults = list(trouble.faults), 0
        try:
            with (
                patch.multiple(batches, SIZES=trouble.sharing.sizes, PER_READING=trouble.sharing.per_reading),
                patch.object(target_state, "LIST_FROM", trouble.sharing.list_from),
            ):
                Applier(self.halo, self.pax8, self.ledger, TODAY, line_fallback="whole_invoice", step=step).apply(
                    plan(plan_id=f"plan-{self.plans}"), changes
                )
        except Crash:
            pass
        finally:
            self.halo.faults, self.halo.read_faults = [], 0

    def _written(self, sent: int) -> list[tuple[str, str]]:
        """(kind, subject) of what took effect in Halo; a header with every line counts for the lines that moved."""
        by_line = {one.line: one.key for one in self.subjects if not one.shared}
        by_licence = {one.licence: one.key for one in self.subjects if one.licence is not None}
        found = []
        for kind, body in self.halo.applied[sent:]:
            if kind == "licences":
                found += [("licence", by_licence[row["id"]]) for row in body["rows"]]
            elif kind == "line" and "rows" in body:
                found += [("line", by_line[row["id"]]) for row in body["rows"]]
            elif kind == "licence":
                found.append((kind, by_licence[body["id"]]))
            elif kind == "line":
                found.append((kind, by_line[body["id"]]))
        return found

    def _judge(
        self,
        changes: list[Change],
        trouble: Trouble,
        gone_back: set[str],
        before: dict[str, Any],
        sent: int,
        noted: int,
    ) -> None:
        planned = {c.row_id: c for c in changes}
        tonight = [entry for _, entry in self.ledger.entries[noted:]]
        claimed = {e.change.row_id for e in tonight if e.state == "claimed"}
        written, after = self._written(sent), self._targets()
        moved = {key for key in before if before[key] != after[key]}
        assert {key for _, key in written} | moved <= planned.keys(), "a write that is in no plan"
        assert {key for _, key in written} | moved <= claimed, "a write without a claim on record"
        assert len(written) == len(set(written)), "a row was written twice"
        left_alone = gone_back | ({trouble.edited.key} if trouble.edited else set())
        assert not left_alone & (moved | {key for _, key in written}), (
            "a target that changed since the plan was written"
        )
        last = {e.change.row_id: e.state for e in tonight}
        for key, state in last.items():
            if state == "verified":
                COUNTED["prices written"] += planned[key].action == "set_line_price"
                assert self._reached(planned[key]), "a write is called verified that Halo does not show"
            if state in ("drifted", "skipped"):
                assert key not in moved, "a write is called not done that was"
        if trouble.crash is None:
            assert last.keys() == planned.keys(), "a row without a word on what became of it"
            assert not set(last.values()) & {"claimed", "sent"}, "a row left open by a night that ended by itself"
        self.last = [
            planned[key] for key, state in last.items() if state == "verified" and action_of(planned[key]).inverse
        ]

    @invariant()
    def nothing_else_ever_changes(self) -> None:
        if hasattr(self, "untouched"):
            assert self._others() == self.untouched


@pytest.mark.whole
def test_thousands_of_steps_and_none_breaks_a_rule() -> None:
    COUNTED.clear()
    run_state_machine_as_test(
        Billing,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_EACH,
            deadline=None,
            derandomize=not proofs.WHOLE,  # the same draws each time; `make proofs` draws others
            suppress_health_check=list(HealthCheck),
        ),
    )
    taken = sum(n for name, n in COUNTED.items() if not name.startswith(("step", "crash")))
    assert taken >= STEPS_WANTED, COUNTED
    assert {name.removeprefix("step ") for name in COUNTED if name.startswith("step ")} >= PLACES
    assert any(name.startswith("crash ") for name in COUNTED)
    assert COUNTED["prices written"] > 0


@pytest.mark.parametrize("sharing", SHARING)
def test_a_crash_at_every_single_step_of_a_night_is_recovered_from(sharing: Sharing) -> None:
    """What is left to chance above, gone through one by one: the night dies at its first step, its second, and so on."""
    died: set[str] = set()
    for number in count():
        COUNTED.clear()
        machine = Billing()
        machine.begin(manual=2, computed=3, shared=1)
        machine.wanted = dict(zip(machine.wanted, cycle([8, None, 2]), strict=False))
        machine._night(machine._plan(), Trouble(crash=number, sharing=sharing))
        machine.trouble_is_over(sharing=sharing, updatelines=True)
        machine.nothing_else_ever_changes()
        crashes = {name.removeprefix("crash ") for name in COUNTED if name.startswith("crash ")}
        if not crashes:
            break
        died |= crashes
    always = {"before claim", "after claim", "after send", "before read-back", "before verdict"}
    assert died >= always | (SHARED_PLACES if max(sharing.sizes) > 1 else SINGLE_PLACES)
