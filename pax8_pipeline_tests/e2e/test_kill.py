"""A real process is killed with SIGKILL in the middle of an apply over HTTP, and the next one ends the work once.

Real: the processes, SIGKILL, HTTP to the sandbox, the DuckDB file with its log, the lock, the ledger, the settling by
a whole new night of another process, this one (every list read again, typed, reconciled, planned, written). Saved up:
the killed process finds the reads and the plan made, from one night that was played to its plan; each round works on
a copy of that warehouse and of that world, in memory where the machine has a file system for it (what a killed process wrote is the kernel's on
either; a power cut is not claimed). Moments: see `killing`. They are drawn by a fixed seed from all moments of an
undisturbed apply, and cut into parts so that test workers can share them.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.text import jsontext
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.crashes import GROWING, LARGEST, SINGLE, CrashInjector, apply_under
from pax8_pipeline_tests.support.nightly import PlannedWorld, night, open_entries, rows, small_story
from pax8_pipeline_tests.support.operator import Operator

SEED = 20260820
IN_MEMORY = Path("/dev/shm")  # see the docstring
ROOM = 300 * 1024 * 1024
# How apply works (its constants), how many kills, and into how many parts they are cut.
WAYS: dict[str, tuple[dict[str, Any], int, int]] = {
    "one by one": (SINGLE, *((25, 3) if WHOLE else (1, 1))),
    "growing": (GROWING, *((25, 3) if WHOLE else (2, 1))),
    "fifty to a call": (LARGEST, *((20, 2) if WHOLE else (1, 1))),
}
PARTS = [(way, part) for way, (_, _, parts) in WAYS.items() for part in range(parts)]


@dataclass(frozen=True)
class Clean:
    """What an undisturbed apply comes to: its moments, its writes, and what its ledger calls done."""

    moments: list[str]
    writes: Counter[str]
    done: list[dict[str, Any]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for many warehouses, gone at the end."""
    roomy = IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="pax8-kill-", dir=IN_MEMORY if roomy else tmp_path_factory.getbasetemp()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def planned_world(place: Path) -> PlannedWorld:
    return PlannedWorld.make(small_story(), place / "planned")


@pytest.fixture(scope="module")
def clean_by_way(planned_world: PlannedWorld, place: Path) -> dict[str, Clean]:
    return {way: undisturbed(planned_world, place / "clean", settings) for way, (settings, _, _) in WAYS.items()}


def writes(at: Operator) -> Counter[str]:
    """The bodies Halo accepted; a list of licences counts as its elements, since another night may cut it otherwise."""
    found: Counter[str] = Counter()
    for write in at.sandbox.halo.writes:
        body = write["body"] if isinstance(write["body"], list) else [write["body"]]
        found.update(f"{write['path']} {jsontext.dumps(element)}" for element in body)
    return found


def verified(at: Operator) -> list[dict[str, Any]]:
    """What the ledger calls done, whatever plan it was in."""
    query = "SELECT row_id, action, \"after\" FROM billing.ledger_state WHERE state = 'verified' ORDER BY ALL"
    return rows(at, query)


@contextmanager
def a_round(
    planned_world: PlannedWorld, folder: Path, injector: CrashInjector, settings: dict[str, Any]
) -> Iterator[tuple[Operator, int | None]]:
    with planned_world.desk(folder) as at:
        yield at, apply_under(at, injector, settings)
    shutil.rmtree(folder)


def undisturbed(planned_world: PlannedWorld, folder: Path, settings: dict[str, Any]) -> Clean:
    injector = CrashInjector()
    with a_round(planned_world, folder, injector, settings) as (at, code):
        assert code == 0
        assert at.in_step()
        assert open_entries(at) == 0
        clean = Clean(injector.moments, writes(at), verified(at))
    assert len(clean.done) >= 8
    assert set(clean.writes.values()) == {1}
    return clean


@pytest.mark.whole
@pytest.mark.parametrize(("way", "part"), PARTS)
def test_a_process_killed_at_any_moment_of_an_apply_is_made_good_once(
    way: str, part: int, planned_world: PlannedWorld, clean_by_way: dict[str, Clean], place: Path
) -> None:
    settings, kills, parts = WAYS[way]
    clean = clean_by_way[way]
    for target in random.Random(SEED).sample(range(len(clean.moments)), kills)[part::parts]:
        injector = CrashInjector(target)
        with a_round(planned_world, place / f"{way} {target}", injector, settings) as (at, code):
            moment = f"killed at {target}: {clean.moments[target]}"
            assert code == -signal.SIGKILL, moment
            assert injector.moments == clean.moments[: target + 1], moment
            _, made_good = night(at)
            assert made_good is not None, moment
            assert made_good.problems == [], moment
            assert at.in_step(), moment
            assert writes(at) == clean.writes, moment
            assert verified(at) == clean.done, moment
            assert open_entries(at) == 0, moment
            after, _ = night(at, apply=False)
            assert (after.complete, after.rows_safe, after.rows_waiting) == (True, 0, 0), moment
