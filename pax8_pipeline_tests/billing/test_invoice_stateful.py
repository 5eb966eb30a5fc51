"""Random months of usage, random trouble, crashes between any two statements, people in Halo: no month is billed twice.

The machine keeps what each month should come to, plans what is not on record, lets apply run into trouble, and settles
by what Halo shows. Trouble is: a crash at any step, answers lost, writes refused, limited, not applied or applied only
later, a read that fails, a person who makes an invoice of the same key by hand (equal or not), voids one of ours or posts
it, and a second apply right after the first. Rules checked: never a POST without a claim, never more than one invoice
of ours with one key that is not voided, "verified" only over exactly one equal invoice, no key verified in two plans,
and once the trouble is over nothing is open.

Runs follow each other within seconds, hours or a day. One thing is taken for granted, because nothing in Halo can rule it
out: what was sent is there, or never will be, six hours later. Invoices of ours are told from a person's by who put them
there, not by what they look like.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.applying import batches
from pax8_pipeline.billing.applying.apply import Applier
from pax8_pipeline.billing.ledger.recovery import Reading, StartedInvoice, decide
from pax8_pipeline.billing.model import Change, Entry
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.billing import (
    TODAY,
    WAIT,
    Crash,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    as_halo_keeps,
    plan,
    usage_invoice,
    usage_line,
)

STEPS_WANTED, EXAMPLES = (5_000, 550) if WHOLE else (1_000, 110)
STEPS_EACH = 20
STEPS = ("before claim", "after claim", "before invoice", "after send", "before read-back", "before verdict")
NIGHT_STEPS = 14
COMPANIES = tuple(f"5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a1{n}" for n in range(3))
KEYS = tuple(f"PAX8-USAGE {month} {company}{suffix}" for company in COMPANIES for month in ("2026-06", "2026-07")
             for suffix in ("", "-adj1"))  # fmt: skip
COUNTED: Counter[str] = Counter()


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in one night."""

    faults: tuple[str, ...] = ()
    crash: tuple[str, int] | None = None
    unread: int | None = None
    meddled: int | None = None
    key: str = KEYS[0]
    how: str = "equal"
    sizes: tuple[int, ...] = (1,)  # how many invoices share a call
    saved_of_a_call: int | None = None  # how many of a call Halo saves; None: all
    clients_in_a_filter: int | None = None  # how many clients a filter with several shows; None: all


@st.composite
def troubles(draw: st.DrawFn) -> Trouble:
    kinds = st.sampled_from(["ok", "ok", "lost", "late", "not_applied", "refused", "limited"])
    return Trouble(
        faults=tuple(draw(st.lists(kinds, max_size=5))),
        crash=draw(st.none() | st.tuples(st.sampled_from(STEPS), st.integers(1, 2))),
        unread=draw(st.none() | st.none() | st.integers(0, NIGHT_STEPS)),
        meddled=draw(st.none() | st.integers(0, NIGHT_STEPS)),
        key=draw(st.sampled_from(KEYS)),
        how=draw(st.sampled_from(["equal", "other", "void", "post"])),
        sizes=draw(st.sampled_from([(1,), (1, 2), (1, 4), (4,)])),
        saved_of_a_call=draw(st.none() | st.none() | st.integers(0, 2)),
        clients_in_a_filter=draw(st.none() | st.integers(0, 2)),
    )


class UsageBilling(RuleBasedStateMachine):
    """Which keys are to be billed, and what became of them."""

    @initialize(wanted=st.sets(st.sampled_from(KEYS), min_size=2, max_size=7))
    def begin(self, wanted: set[str]) -> None:
        self.halo, self.now = FakeHalo({}, {}), datetime(2026, 8, 20, 6)
        self.ledger = MemoryLedger(clock=lambda: self.now)
        self.slow: list[tuple[datetime, Any]] = []  # what Halo is still at work on, and since when
        self.wanted, self.by_hand, self.plans = wanted, set[int](), 0
        self.changes: dict[str, dict[str, Change]] = {}

    # What is so -------------------------------------------------------------------------------------------

    def _change(self, key: str) -> Change:
        client = 231 + COMPANIES.index(key.split()[2][:36])
        lines = [usage_line(f"s{n} p1", f"{n + 1}.10") for n in range(1 + len(key) % 2)]
        return usage_invoice(*lines, key=key, client=client)

    def _shown(self, key: str) -> list[dict[str, Any]]:
        return [d for d in self.halo.documents.values() if key.lower() in usage_documents.keys_of(d)]

    def _states(self) -> dict[tuple[str, str], str]:
        return {(plan_id, entry.change.row_id): entry.state for plan_id, entry in self.ledger.entries}

    def _plan(self) -> list[Change]:
        """As billing/planning/usage/document_verdicts.sql: what the ledger does not have as billed or open, and Halo does not show."""
        taken = {
            key for (_, key), state in self._states().items() if state in ("verified", "claimed", "sent", "unknown")
        }
        return [self._change(key) for key in sorted(self.wanted - taken) if not self._shown(key)]

    def _settle(self) -> None:
        """As the ledger does, with the judgement it uses."""
        states, started = self._states(), []
        billed = {key: plan_id for (plan_id, key), state in states.items() if state == "verified"}
        claimed = {(p, e.change.row_id) for p, e in self.ledger.entries if e.state == "claimed"}
        for (plan_id, key), state in states.items():
            if state in ("claimed", "sent", "unknown") or (
                state in ("failed", "drifted") and (plan_id, key) in claimed
            ):
                usage = UsageInvoice.from_json(self.changes[plan_id][key].expect)
                times = self._times(plan_id, key)
                started.append(StartedInvoice(plan_id, key, state, usage, billed.get(key), *times))  # type: ignore[arg-type]
        reading = Reading(self.now, (TODAY - timedelta(days=62), TODAY + timedelta(days=40)))
        for one in decide(started, list(self.halo.documents.values()), reading, WAIT):
            change = self.changes[one.plan_id][one.row_id]
            self.ledger.record(one.plan_id, [Entry(change, one.state, one.detail, one.note)])

    def _times(self, plan_id: str, key: str) -> tuple[datetime, datetime | None]:
        """When a write was claimed, and when Halo first did not show it (billing/ledger/open_invoices.sql)."""
        mine = [
            (at, entry)
            for at, (plan, entry) in zip(self.ledger.times, self.ledger.entries, strict=True)
            if (plan, entry.change.row_id) == (plan_id, key)
        ]
        absent = [json.loads(e.before_state)["not_shown"] for _, e in mine if e.state == "unknown" and e.before_state]
        claimed = max(at for at, entry in mine if entry.state == "claimed")
        return claimed, min(map(datetime.fromisoformat, absent), default=None)

    def _passes(self, hours: float) -> None:
        """Time passes; what Halo has been at work on for six hours is done, or it would never be."""
        self.now += timedelta(hours=hours)
        self._catch_up(lambda since: self.now - since >= WAIT)

    def _catch_up(self, done: Callable[[datetime], bool]) -> None:
        for since, work in list(self.slow):
            if done(since):
                self.slow.remove((since, work))
                work()

    # Steps ------------------------------------------------------------------------------------------------

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=4))
    def pax8_bills(self, keys: list[str]) -> None:
        COUNTED["more to bill"] += 1
        self.wanted |= set(keys)

    @rule(key=st.sampled_from(KEYS), how=st.sampled_from(["equal", "other", "void", "post"]))
    def a_person_acts(self, key: str, how: str) -> None:
        COUNTED["a person acts"] += 1
        self._meddle(key, how)

    @rule()
    def halo_catches_up(self) -> None:
        COUNTED["Halo catches up"] += 1
        self._catch_up(lambda since: True)

    @rule(trouble=troubles(), again=st.booleans(), hours=st.sampled_from([0.002, 0.5, 3, 5.9, 6, 24]))
    def a_night(self, trouble: Trouble, again: bool, hours: float = 24) -> None:
        COUNTED["nights in trouble"] += 1
        self._passes(hours)
        self._settle()
        changes = self._plan()
        self._apply(changes, trouble)
        if again:  # a second apply of a plan made from the same reading, before anything is settled
            self._apply(changes, Trouble())

    @rule()
    def trouble_is_over(self) -> None:
        COUNTED["clean nights"] += 1
        self._passes(6)
        self._settle()
        self._passes(6)
        self._settle()
        self._apply(self._plan(), Trouble())
        self._settle()
        states = set(self._states().values())
        assert not states & {"claimed", "sent", "unknown"}, "something is open after a clean night"
        assert self._plan() == [], "something is planned after a clean night"
        for key in self.wanted:
            assert self._shown(key), "a month is billed nowhere"

    # One night --------------------------------------------------------------------------------------------

    def _apply(self, changes: list[Change], trouble: Trouble) -> None:
        self.plans += 1
        plan_id = f"plan-{self.plans:03d}"
        self.changes[plan_id] = {c.row_id: c for c in changes}
        seen: Counter[str] = Counter()
        noted, sent = len(self.ledger.entries), len(self.halo.applied)

        def step(name: str) -> None:
            passed = seen.total()
            seen[name] += 1
            COUNTED[f"step {name}"] += 1
            if passed == trouble.unread:
                self.halo.read_faults = 1
            if passed == trouble.meddled:
                self._meddle(trouble.key, trouble.how)
            if (name, seen[name]) == trouble.crash:
                COUNTED[f"crash {name}"] += 1
                raise Crash

        self.halo.faults, died = list(trouble.faults), False
        self.halo.saved_of_a_call = trouble.saved_of_a_call
        self.halo.clients_in_a_filter = trouble.clients_in_a_filter
        try:
            with patch.object(batches, "SIZES", trouble.sizes):
                Applier(self.halo, FakePax8(), self.ledger, TODAY, step=step, clock=lambda: self.now).apply(
                    plan(plan_id=plan_id), changes
                )
        except Crash:
            died = True
        finally:
            self.halo.faults, self.halo.read_faults = [], 0
            self.slow += [(self.now, work) for work in self.halo.pending]
            self.halo.pending = []
        self._judge(plan_id, noted, sent, died=died)

    def _meddle(self, key: str, how: str) -> None:
        shown = self._shown(key)
        if how in ("equal", "other"):
            number = max(self.halo.documents, default=51800) + 1
            made = as_halo_keeps(number, UsageInvoice.from_json(self._change(key).expect).body())
            if how == "other":
                made["lines"][0]["unit_price"] += 1
            self.halo.documents[number] = made
            self.by_hand.add(number)
        elif shown:
            shown[0]["voided" if how == "void" else "posted"] = True

    def _judge(self, plan_id: str, noted: int, sent: int, *, died: bool) -> None:
        tonight = [entry for plan, entry in self.ledger.entries[noted:] if plan == plan_id]
        claimed = {e.change.row_id for e in tonight if e.state == "claimed"}
        calls = [body.get("rows", [body]) for _, body in self.halo.applied[sent:]]
        posted = [invoice["reference"] for call in calls for invoice in call]
        COUNTED["shared calls"] += sum(len(call) > 1 for call in calls)
        assert len(posted) == len(set(posted)), "one key was sent twice in one night"
        assert set(posted) <= claimed, "a POST without a claim"
        last = {e.change.row_id: e for e in tonight}
        for key, entry in last.items():
            if entry.state == "verified":
                self._must_be_there_once(key)
            if entry.state in ("drifted", "skipped"):
                assert key not in posted, "a write is called not done that was"
        if not died:
            assert last.keys() == self.changes[plan_id].keys(), "a row without a word on what became of it"
            assert not {e.state for e in last.values()} & {"claimed", "sent"}, (
                "left open by a night that ended by itself"
            )

    def _must_be_there_once(self, key: str) -> None:
        """Only a person may have touched it after it was judged, and did so before the last step."""
        usage = UsageInvoice.from_json(self._change(key).expect)
        equal = [
            d for d in self._shown(key) if not usage_documents.differences(usage, {**d, "voided": False}, fresh=False)
        ]
        ours = [d for d in equal if d["id"] not in self.by_hand]
        assert len(ours) == 1 or (not ours and len(equal) == 1), "called verified without exactly one equal invoice"

    @invariant()
    def no_month_is_billed_twice_by_us(self) -> None:
        if not hasattr(self, "halo"):
            return
        ours = [d for d in self.halo.documents.values() if d["id"] not in self.by_hand]
        counted = Counter(key for d in ours if not d["voided"] for key in usage_documents.keys_of(d))
        assert not [key for key, n in counted.items() if n > 1], "two invoices of ours with one key"
        verified = Counter(key for (_, key), state in self._states().items() if state == "verified")
        assert not [key for key, n in verified.items() if n > 1], "one key verified in two plans"


@pytest.mark.whole
def test_thousands_of_steps_and_no_month_is_billed_twice() -> None:
    COUNTED.clear()
    run_state_machine_as_test(
        UsageBilling,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_EACH,
            deadline=None,
            derandomize=not WHOLE,  # the same draws each time; `make proofs` draws others
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert COUNTED["shared calls"] > 20
    taken = sum(n for name, n in COUNTED.items() if not name.startswith(("step", "crash", "shared")))
    assert taken >= STEPS_WANTED, COUNTED
    assert {name.removeprefix("step ") for name in COUNTED if name.startswith("step ")} == set(STEPS)
    assert any(name.startswith("crash ") for name in COUNTED)


@pytest.mark.parametrize(
    ("sizes", "call"), [((1,), 2), ((1, 4), 2), ((4,), 1)], ids=["single", "growing", "all in one"]
)
@pytest.mark.parametrize("fault", ["ok", "lost", "late", "not_applied"])
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("place", STEPS)
def test_a_crash_at_each_step_is_recovered_from(
    place: str, again: bool, fault: str, sizes: tuple[int, ...], call: int
) -> None:
    """What is left to chance above, gone through one by one."""
    COUNTED.clear()
    machine = UsageBilling()
    machine.begin(set(KEYS[:3]))
    machine.a_night(Trouble(crash=(place, call), faults=(fault,) * 3, sizes=sizes), again=again)
    machine.no_month_is_billed_twice_by_us()
    machine.trouble_is_over()
    machine.no_month_is_billed_twice_by_us()
    assert COUNTED[f"crash {place}"] == 1
    assert len({key for d in machine.halo.documents.values() for key in usage_documents.keys_of(d)}) == 3


def test_the_machine_sees_a_second_invoice() -> None:
    """A machine that cannot fail proves nothing."""
    machine = UsageBilling()
    machine.begin({KEYS[0]})
    machine.a_night(Trouble(), again=False)
    machine.no_month_is_billed_twice_by_us()
    (first,) = machine.halo.documents.values()
    machine.halo.documents[99] = {**copy.deepcopy(first), "id": 99}
    try:
        machine.no_month_is_billed_twice_by_us()
    except AssertionError:
        return
    raise RuntimeError("two invoices of one key went unseen")
