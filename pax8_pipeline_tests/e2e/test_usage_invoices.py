"""Usage invoices over HTTP: whatever breaks, each company's month ends as exactly one invoice in Halo.

Real: HTTP to the sandbox, the clients, the DuckDB file, plan, ledger, settling by a whole new night. One planned night (a small
world whose seats are in step, three companies with metered usage of July) is read and planned once; each round works on
a copy. The processes that die are real too: see `killing`.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.applying.apply import ApplyResult
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.crashes import GROWING, LARGEST, SINGLE, CrashInjector, apply_under
from pax8_pipeline_tests.support.nightly import PlannedWorld, apply_newest, later, night, open_entries, rows
from pax8_pipeline_tests.support.operator import TODAY, Operator

POST = "POST /halo/api/Invoice"
IN_MEMORY = Path("/dev/shm")
ITEM = 81
OPEN_NOW = "SELECT row_id FROM billing.ledger_state WHERE state IN ('claimed', 'sent', 'unknown')"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for some warehouses, gone at the end; in memory where there is room (see test_kill)."""
    roomy = (
        IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > 300 * 1024 * 1024
    )
    folder = Path(tempfile.mkdtemp(prefix="pax8-usage-", dir=IN_MEMORY if roomy else tmp_path_factory.getbasetemp()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def planned_world(place: Path) -> PlannedWorld:
    policy = f"usage: {{first_month: '2026-07', default_halo_item_id: {ITEM}}}\n"
    return PlannedWorld.make(World(8, TODAY, companies=14, subscriptions=60), place / "planned", policy, usage=True)


@contextmanager
def a_round(planned_world: PlannedWorld, place: Path) -> Iterator[Operator]:
    folder = place / "round"
    with planned_world.desk(folder) as at:
        yield at
    shutil.rmtree(folder)


def planned(at: Operator) -> dict[str, dict[str, Any]]:
    """The invoices of the newest plan, by key."""
    query = (
        "SELECT * FROM billing.plan WHERE action = 'create_invoice' AND class = 'safe' "
        "AND plan_id = (SELECT arg_max(plan_id, made_at) FROM billing.plans) ORDER BY client_id"
    )
    return {row["row_id"]: row for row in rows(at, query)}


def shown(at: Operator) -> Counter[str]:
    """How many ordinary invoices Halo has of each reference that is a key, in any state."""
    references = [str(d["reference"]) for d in at.sandbox.world.halo.invoices.values()]
    return Counter(r for r in references if r.startswith("PAX8-USAGE"))


def posts(at: Operator) -> Counter[str]:
    """How many invoices were sent and taken, by key."""
    bodies = [w["body"] for w in at.sandbox.halo.writes if w["path"].lower().endswith("/invoice")]
    return Counter(element["reference"] for body in bodies for element in body)


def made_good(at: Operator, keys: list[str], note: str = "") -> None:
    """Three nights without trouble later, some hours apart, each key is one invoice, sent once, on record once, and
    nothing is left to do. A run that starts at once sends nothing of which the result is not known."""
    sent, waits = posts(at), {e["row_id"] for e in rows(at, OPEN_NOW)}
    night(at, usage=True)
    assert not {key for key, n in posts(at).items() if n > sent[key]} & waits, note
    later(at)
    night(at, usage=True)
    head, outcome = night(at, usage=True)
    assert shown(at) == dict.fromkeys(keys, 1), note
    assert posts(at) == dict.fromkeys(keys, 1), note
    assert open_entries(at) == 0, note
    assert (head.complete, head.rows_safe, head.rows_waiting) == (True, 0, 0), note
    assert outcome is not None, note
    assert outcome.states == {}, note
    assert not at.sandbox.halo.violations, note
    billed = rows(at, "SELECT usage_key, sum(amount) AS amount FROM billing.usage_billed GROUP BY 1 ORDER BY 1")
    assert [b["usage_key"] for b in billed] == sorted(keys), note
    sums = {d["reference"]: sum(x["qty_order"] * x["unit_price"] for x in d["lines"])
            for d in at.sandbox.world.halo.invoices.values() if d["reference"] in keys}  # fmt: skip
    assert {b["usage_key"]: b["amount"] for b in billed} == sums, note


def applied(at: Operator) -> ApplyResult:
    outcome = apply_newest(at.environment())
    assert outcome is not None
    return outcome


def test_a_month_becomes_one_unposted_invoice_for_each_client_and_a_second_night_adds_nothing(
    planned_world: PlannedWorld, place: Path
) -> None:
    with a_round(planned_world, place) as at:
        wanted = planned(at)
        assert len(wanted) == 3
        assert applied(at).states == {"verified": 3}
        documents = [d for d in at.sandbox.world.halo.invoices.values() if d["reference"] in wanted]
        assert {(d["reference"], d["client_id"]) for d in documents} == {(k, r["client_id"]) for k, r in wanted.items()}
        assert not any(d["posted"] or d["voided"] for d in documents)
        made_good(at, list(wanted))


KILLS = [
    f"before {POST}",
    f"after {POST}",
    "just past before claim",
    "just past after send",
    "at before read-back",
    "just past before verdict",
]
# How many invoices share a call: the sizes, which call is the one, how many are sent at most by then.
SHARING: dict[str, tuple[dict[str, Any], int, int]] = {
    "single": (SINGLE, 1, 1),
    "growing": (GROWING, 2, 3),
    "all in one": (LARGEST, 1, 3),
}
ROUNDS = [(moment, sizes) for moment in KILLS for sizes in SHARING]


@pytest.mark.whole
@pytest.mark.parametrize(("moment", "sizes"), ROUNDS if WHOLE else ROUNDS[::7])
def test_a_process_killed_around_the_post_is_made_good_once(
    moment: str, sizes: str, planned_world: PlannedWorld, place: Path
) -> None:
    """One invoice to a call; the second call with two; all three in the first call."""
    settings, time, most = SHARING[sizes]
    injector = CrashInjector()
    injector.counts = lambda name: _counted(injector, name, moment, time)  # type: ignore[method-assign]
    with a_round(planned_world, place) as at:
        keys = list(planned(at))
        assert apply_under(at, injector, settings) == -signal.SIGKILL
        assert injector.moments[-1] == moment
        assert sum(posts(at).values()) <= most
        made_good(at, keys, f"{moment}, {sizes}")


def _counted(injector: CrashInjector, name: str, moment: str, time: int) -> bool:
    """Count a moment; the one is that which comes by this name for the `time`th time."""
    if injector.process is None or injector.struck:
        return False
    injector.moments.append(name)
    if injector.moments.count(moment) == time:
        injector.target = len(injector.moments) - 1
    return injector.struck


FAULTS: list[tuple[str, dict[str, int] | None]] = [
    ("reply_lost", {"verified": 3}),
    ("502", {"unknown": 1, "verified": 2}),
    ("reply_lost_502", {"verified": 3}),
    ("cut", None),
    ("429", {"verified": 3}),
]


# In small: the others in memory, billing/test_apply_invoice.py.
@pytest.mark.whole
@pytest.mark.parametrize(("kind", "states"), FAULTS if WHOLE else FAULTS[:2])
def test_an_answer_that_never_came_is_settled_by_reading_and_nothing_is_sent_twice(
    kind: str, states: dict[str, int] | None, planned_world: PlannedWorld, place: Path
) -> None:
    with a_round(planned_world, place) as at:
        keys = list(planned(at))
        at.sandbox.faults.add(kind, vendor="halo", method="POST", path="/Invoice")
        outcome = applied(at)
        at.sandbox.faults.remove()
        assert states is None or outcome.states == states
        assert max(posts(at).values()) == 1
        made_good(at, keys, kind)


def test_an_open_invoice_stays_open_as_long_as_halos_list_cannot_be_read_whole(
    planned_world: PlannedWorld, place: Path
) -> None:
    with a_round(planned_world, place) as at:
        keys = list(planned(at))
        at.sandbox.faults.add("reply_lost", vendor="halo", method="POST", path="/Invoice")
        at.sandbox.faults.add("empty", vendor="halo", method="GET", path="/Invoice", after=1)
        assert applied(at).states == {"unknown": 1, "verified": 2}
        at.sandbox.faults.remove()
        at.sandbox.faults.add("short_page", vendor="halo", method="GET", path="/Invoice", times=None)
        night(at, apply=False, usage=True)
        assert open_entries(at) == 1
        at.sandbox.faults.remove()
        made_good(at, keys)


TENANTS: list[dict[str, Any]] = [
    {"page_cap": 3},
    {"record_count": "fifty"},
    {"post_reply": "array", "post_status": 200},
    {"double_noise": True, "zoned_times": True},
    {"date_search_supported": False, "page_cap": 7, "record_count": "too_small", "several_clients": "first"},
    {"list_ignores_includelines": True, "several_clients": "ignored"},
]


@pytest.mark.whole
@pytest.mark.parametrize(
    "switches", TENANTS if WHOLE else TENANTS[::3], ids=lambda s: ", ".join(f"{k}={v}" for k, v in s.items())
)
def test_on_any_tenant_the_search_finds_an_invoice_that_somebody_made_by_hand(
    switches: dict[str, Any], planned_world: PlannedWorld, place: Path
) -> None:
    """It stands among 60 others, its date is the first of the month, it is voided: the key counts all the same."""
    with a_round(planned_world, place) as at:
        keys = planned(at)
        by_hand, client = next((key, row["client_id"]) for key, row in keys.items())
        store = at.sandbox.world.halo
        lines = [{"_itemid": ITEM, "item_shortdescription": "By hand", "qty_order": 1, "unit_price": 1}]
        for n in range(60):
            key = by_hand.lower() if n == 31 else f"Retainer {n}"
            store.add_invoice(client_id=client, reference=key, invoice_date=f"2026-07-{n % 28 + 1:02d}T00:00:00",
                              voided=n == 31, lines=lines)  # fmt: skip
        at.sandbox.halo.switches.change(switches)
        outcome = applied(at)
        assert outcome.states == {"drifted": 1, "verified": 2}, outcome.problems
        assert shown(at) == {key: 1 for key in keys if key != by_hand}
        assert posts(at) == {key: 1 for key in keys if key != by_hand}
