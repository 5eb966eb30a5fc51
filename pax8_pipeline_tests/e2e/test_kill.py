"""A real process is killed with SIGKILL in the middle of an apply over HTTP, and the next one ends the work once.

Real: the processes, SIGKILL, HTTP to the sandbox, the DuckDB file with its log, the lock, the ledger, the settling by
a whole new night (every list read again, typed, reconciled, planned, written). Saved up: the killed process finds the
reads and the plan made, from one night that was played to its plan; each round works on a copy of that warehouse
and of that world. Moments: see `killing`. They are drawn by a fixed seed from all moments of an undisturbed apply.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline import jsontext
from pax8_pipeline_tests.e2e.killing import WAVES, Hand, apply_under, play_night
from pax8_pipeline_tests.e2e.kit import Desk
from pax8_pipeline_tests.e2e.nightly import Evening, night, open_entries, rows, small_story

ONE_BY_ONE: dict[str, int] = {}
ROUNDS = {"one by one": (ONE_BY_ONE, 50), "in waves": (WAVES, 10)}
SEED = 20260820


@dataclass(frozen=True)
class Clean:
    """What an undisturbed apply comes to: its moments, its writes, and what its ledger calls done."""

    moments: list[str]
    writes: Counter[str]
    done: list[dict[str, Any]]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    return Evening.fall(small_story(), tmp_path_factory.mktemp("evening") / "data")


def writes(at: Desk) -> Counter[str]:
    """The bodies Halo accepted; a list of licences counts as its elements, since a wave may be cut otherwise."""
    found: Counter[str] = Counter()
    for write in at.sandbox.halo.writes:
        body = write["body"] if isinstance(write["body"], list) else [write["body"]]
        found.update(f"{write['path']} {jsontext.dumps(element)}" for element in body)
    return found


def verified(at: Desk) -> list[dict[str, Any]]:
    """What the ledger calls done, whatever plan it was in."""
    query = "SELECT row_id, action, \"after\" FROM billing.ledger_state WHERE state = 'verified' ORDER BY ALL"
    return rows(at, query)


@contextmanager
def a_round(evening: Evening, folder: Path, hand: Hand, settings: dict[str, int]) -> Iterator[tuple[Desk, int | None]]:
    with evening.desk(folder) as at:
        yield at, apply_under(at, hand, settings)


def undisturbed(evening: Evening, folder: Path, settings: dict[str, int]) -> Clean:
    hand = Hand()
    with a_round(evening, folder, hand, settings) as (at, code):
        assert code == 0
        assert at.in_step()
        assert open_entries(at) == 0
        return Clean(hand.moments, writes(at), verified(at))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", ROUNDS)
def test_a_process_killed_at_any_moment_of_an_apply_is_made_good_once(
    way: str, evening: Evening, tmp_path: Path
) -> None:
    settings, rounds = ROUNDS[way]
    clean = undisturbed(evening, tmp_path / "clean", settings)
    assert len(clean.done) >= 8
    assert set(clean.writes.values()) == {1}
    for target in sorted(random.Random(SEED).sample(range(len(clean.moments)), rounds)):
        hand = Hand(target)
        with a_round(evening, tmp_path / str(target), hand, settings) as (at, code):
            moment = f"killed at {target}: {clean.moments[target]}"
            assert code == -signal.SIGKILL, moment
            assert hand.moments == clean.moments[: target + 1], moment
            assert play_night(at) == 0, moment
            assert at.in_step(), moment
            assert writes(at) == clean.writes, moment
            assert verified(at) == clean.done, moment
            assert open_entries(at) == 0, moment
            after, _ = night(at, apply=False)
            assert (after.complete, after.rows_safe, after.rows_waiting) == (True, 0, 0), moment
