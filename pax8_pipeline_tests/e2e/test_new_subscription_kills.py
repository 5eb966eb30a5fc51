"""A process that makes a new client, licence and line is killed with SIGKILL; each is made, billed and undone once.

Real: processes, SIGKILL, HTTP to the sandbox, the DuckDB file. The killed process plays the night in which what a
person approved is made. Its moments are numbered (`support/crashes.py`). `make test` takes a few of them; `make proofs`
takes all: before and after each request, each step and each commit of the write, and after each commit of the reads and
the plan before it (between two commits nothing is on disk that a later night could see).
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.crashes import CrashInjector, apply_under
from pax8_pipeline_tests.support.new_company import (
    RIGHT,
    NewCompany,
    a_person_makes_the_recurring_invoice,
    approve,
    approved_client,
    approved_licence_and_line,
    billed_in_the_next_period,
    clients_made,
    made,
    undone,
    until_made,
)
from pax8_pipeline_tests.support.nightly import PlannedWorld, night, open_entries
from pax8_pipeline_tests.support.operator import Operator

pytestmark = [pytest.mark.whole, pytest.mark.timeout(1800)]
PARTS = 4 if WHOLE else 1
# Of `make test`. Halo has the client or the line and nobody heard so; the ledger has a claim and Halo was not asked.
FEW_OF_CLIENT = ("after POST /halo/api/Client",)
FEW_OF_LINE = ("at after claim", "after POST /halo/api/RecurringInvoice/Lines")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    in_memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="new-kills-", dir=in_memory if in_memory.is_dir() else None) as found:
        yield Path(found)


@pytest.fixture(scope="module")
def client_approved(folder: Path) -> tuple[PlannedWorld, NewCompany]:
    return approved_client(folder / "client")


@pytest.fixture(scope="module")
def line_approved(folder: Path) -> tuple[PlannedWorld, NewCompany]:
    return approved_licence_and_line(folder / "line")


def moments_to_play(names: list[str], few: tuple[str, ...]) -> list[int]:
    """Return the numbers of the moments at which to kill: all that differ, or the first of `few` for `make test`."""
    if not WHOLE:
        return [names.index(name) for name in few]
    # The write begins with the question whether Halo's own integration is on, the last time it is asked.
    begins = max(number for number, name in enumerate(names) if name == "before GET /halo/api/Pax8Details")
    return [n for n, name in enumerate(names) if _counts(name, in_the_write=n >= begins)]


def _counts(name: str, *, in_the_write: bool) -> bool:
    """`just past` is the moment before, but for a commit, which it may strike in the middle."""
    if not in_the_write:
        return name == "at after commit"
    return not name.startswith("just past") or name == "just past before commit"


@contextmanager
def killed(planned: PlannedWorld, folder: Path, target: int) -> Iterator[Operator]:
    """The desk after a night that was killed at its moment `target`."""
    with planned.desk(folder) as at:
        assert apply_under(at, CrashInjector(target), night=True, commits=True) == -signal.SIGKILL
        yield at
    shutil.rmtree(folder)


def clean_night(planned: PlannedWorld, folder: Path, right: Callable[[Operator], bool]) -> list[str]:
    """Return the moments of a night that nobody kills."""
    clean = CrashInjector()
    with planned.desk(folder) as at:
        assert apply_under(at, clean, night=True, commits=True) == 0
        assert right(at)
    shutil.rmtree(folder)
    return clean.moments


def one_client(new: NewCompany, at: Operator) -> bool:
    return clients_made(at, new) == (1, 1)


def one_of_each(new: NewCompany, at: Operator) -> bool:
    return made(at, new) == RIGHT


@pytest.mark.parametrize("part", range(PARTS))
def test_a_client_is_made_once_and_the_rest_follows(
    part: int, client_approved: tuple[PlannedWorld, NewCompany], folder: Path
) -> None:
    planned, new = client_approved
    names = clean_night(planned, folder / f"clean {part}", partial(one_client, new))
    for target in moments_to_play(names, FEW_OF_CLIENT)[part::PARTS]:
        moment = f"killed at {target}: {names[target]}"
        print(moment)
        with killed(planned, folder / f"kill {target}", target) as at:
            until_made(at, partial(one_client, new, at))
            invoice = a_person_makes_the_recurring_invoice(at.sandbox.world, new)
            night(at)
            assert approve(at) == 2, moment
            night(at)
            assert one_client(new, at), moment
            writes = {"/Client": 1, "/SoftwareLicence": 1, "/RecurringInvoice/Lines": 1}
            billed_once_and_undone(at, new, invoice, {**RIGHT, "writes": writes}, moment)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_licence_and_a_line_are_made_once(
    part: int, line_approved: tuple[PlannedWorld, NewCompany], folder: Path
) -> None:
    planned, new = line_approved
    names = clean_night(planned, folder / f"clean {part}", partial(one_of_each, new))
    for target in moments_to_play(names, FEW_OF_LINE)[part::PARTS]:
        moment = f"killed at {target}: {names[target]}"
        print(moment)
        with killed(planned, folder / f"kill {target}", target) as at:
            until_made(at, partial(one_of_each, new, at))
            (invoice,) = [
                number
                for number, header in at.sandbox.world.halo.recurring_invoices.items()
                if header["reference"] == "Cloud"
            ]
            billed_once_and_undone(at, new, invoice, RIGHT, moment)


def billed_once_and_undone(at: Operator, new: NewCompany, invoice: int, right: object, moment: str) -> None:
    """Assert that everything is there once and nothing open, that the next period bills it once, and that undo works."""
    assert (made(at, new), open_entries(at)) == (right, 0), moment
    billed_in_the_next_period(at.sandbox.world, invoice)
    undone(at, new)
    assert not at.sandbox.world.halo.violations, moment
