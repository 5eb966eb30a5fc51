"""`mapping review`: in a terminal of its own, with keys; and its rules without one."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from pax8_pipeline.commands.mapping.keys import END, Keys
from pax8_pipeline.mapping.review import Review
from pax8_pipeline.mapping.suggestion import Candidate, Subject, Suggestion
from pax8_pipeline_tests.support.cli import clean_environment, quick
from pax8_pipeline_tests.support.vendor_data import COMPANY, VendorData, company, subscription
from pax8_pipeline_tests.support.warehouse_files import release

IDS = [f"00000000-0000-4000-8000-0000000000c{number}" for number in range(3)]
HEADER = "pax8_company_id,halo_client_id,note"


def reviewed(folder: Path) -> Review:
    return Review(
        [
            Suggestion(Subject("client", company_id, name, Decimal(9 - place), "USD"),
                       Candidate(place + 1, name, 97, ("the same name",)), (Candidate(9, "Another", 40, ()),))
            for place, (company_id, name) in enumerate(zip(IDS, ("Café Nord", "Harbor", "Quarry"), strict=True))
        ],
        folder,
        lambda suggestion, candidate: "in Pax8",
    )  # fmt: skip


def rows(folder: Path) -> list[str]:
    return [",".join(line.split(",")[:2]) for line in (folder / "clients.csv").read_text().splitlines()[1:]]


def current(review: Review) -> str:
    assert review.current is not None
    return review.current.subject.name


def test_each_decision_is_in_the_file_at_once_and_undo_takes_it_out_again(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text(f"{HEADER}\n{COMPANY},231,mine\n")
    review = reviewed(tmp_path)
    review.accept()
    review.accept(2)
    assert rows(tmp_path) == [f"{IDS[0]},1", f"{IDS[1]},9", f"{COMPANY},231"]
    assert review.undo() == "undone: Harbor"
    assert (rows(tmp_path), current(review)) == ([f"{IDS[0]},1", f"{COMPANY},231"], "Harbor")
    review.undo()
    assert review.undo() == "there is nothing to undo"
    assert (tmp_path / "clients.csv").read_text() == f"{HEADER}\n{COMPANY},231,mine\n"


def test_skipping_goes_round_and_a_filter_knows_no_accents(tmp_path: Path) -> None:
    review = reviewed(tmp_path)
    review.move(1)
    assert current(review) == "Harbor"
    review.move(2)
    assert current(review) == "Café Nord"
    review.move(-1)
    assert current(review) == "Quarry"
    review.set_filter("CAFE")
    assert [s.subject.name for s in review.remaining] == ["Café Nord"]
    assert review.accept(7) == "there is no candidate 7"
    review.accept()
    assert review.current is None


def test_keys_typed_ahead_are_kept_and_arrows_are_one_key() -> None:
    typed = iter(["s\x1b[Bab\x7fc\rq", ""])
    echoed: list[str] = []
    keys = Keys(lambda: next(typed))
    assert [keys.next(), keys.next()] == ["s", "\x1b[B"]
    assert keys.line(echoed.append) == "ac"
    assert echoed == ["a", "b", "\b \b", "c"]
    assert [keys.next(), keys.next()] == ["q", END]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    names = ("Harbor Dental", "Quarry Lane Print", "Café Nord")
    VendorData(
        companies=[company(id=i, name=f"{name} Ltd") for i, name in zip(IDS, names, strict=True)],
        subscriptions=[
            subscription(id=f"{i[:-2]}b{i[-1]}", companyId=i, quantity=30 - 9 * n) for n, i in enumerate(IDS)
        ],
        clients=[{"id": 300 + n, "name": name, "inactive": False} for n, name in enumerate(names)],
        licences=[],
        recurring=[],
        client_map=[],
    ).load(folder)
    release()
    return folder


class Terminal:
    """A review in a terminal of 24 lines and 60 columns."""

    def __init__(self, data: Path) -> None:
        self.screen, slave = pty.openpty()
        environment = clean_environment(
            {"PAX8_PIPELINE_DATA": str(data), "TERM": "xterm", "COLUMNS": "60", "LINES": "24"}
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pax8_pipeline.cli", "mapping", "review"],
            stdin=slave, stdout=slave, stderr=slave, cwd=data, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def until(self, *texts: str) -> str:
        """Read until these texts came, in this order, and return what came. A screen arrives in several parts."""
        came = b""
        in_order = re.compile(".*".join(map(re.escape, texts)), re.DOTALL)
        while not in_order.search(came.decode("utf-8", "ignore")):
            ready, _, _ = select.select([self.screen], [], [], 60)
            assert ready, came.decode()
            came += os.read(self.screen, 65536)
        return came.decode()

    def press(self, keys: str) -> None:
        os.write(self.screen, keys.encode())


@contextmanager
def terminal(data: Path) -> Iterator[Terminal]:
    made = Terminal(data)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()
        os.close(made.screen)


def test_a_person_accepts_filters_undoes_and_what_was_accepted_outlives_a_kill(data: Path) -> None:
    mappings = data / "mappings"
    with terminal(data) as seen:
        seen.until("Suggestion 1 of 3", "q quit")
        seen.press("s")
        assert "client: Quarry Lane Print Ltd" in seen.until("q quit")
        seen.press("/")
        seen.until("Only with the text")
        seen.press("cafe\r")
        assert "client: Café Nord Ltd" in seen.until("q quit")
        seen.press("a")
        seen.until("No suggestion, only with 'cafe'")
        seen.press("u")
        seen.until("undone")
        seen.press("/\r")
        seen.until("Suggestion 1 of 3", "q quit")
        seen.press("a")
        seen.until("Suggestion 1 of 2")
        assert rows(mappings) == [f"{IDS[0]},300"]
        os.killpg(seen.process.pid, signal.SIGKILL)
    assert rows(mappings) == [f"{IDS[0]},300"]
    with terminal(data) as seen:
        seen.until("Suggestion 1 of 2", "q quit")
        seen.press("q")
        seen.until("0 mappings accepted, 2 suggestions left.")
        assert seen.process.wait(60) == 0


def test_without_a_terminal_it_says_what_to_use(data: Path) -> None:
    done = quick(data, "mapping", "review", PAX8_PIPELINE_DATA=str(data))
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "needs a terminal" in done.err
