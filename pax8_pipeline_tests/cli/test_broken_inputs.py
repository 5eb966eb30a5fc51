"""Whatever is typed or lies in a file: one sentence that names the place and says what to do, and no stack trace."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pax8_pipeline import cli
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline_tests.support.broken_inputs import BUSY, GROUPS, WAREHOUSE, Broken
from pax8_pipeline_tests.support.cli import OURS
from pax8_pipeline_tests.support.vendor_data import VendorData, plan_context, subscription
from pax8_pipeline_tests.support.warehouse_files import release

CASES = [
    pytest.param(one, id=f"{group}: {n} {one.name}"[:150])
    for group, cases in GROUPS.items()
    for n, one in enumerate(cases)
]


class Stored(NamedTuple):
    path: Path
    plan_id: str


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """A warehouse with one plan, made once."""
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path_factory.mktemp("stored"))
    plan_id = plans.make_plan(warehouse, plan_context()).plan_id
    release()
    return Stored(warehouse.path, plan_id)


@pytest.fixture(scope="module")
def busy() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = dict(os.environ)
    for name in [n for n in os.environ if n.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("USER", "ada")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    os.environ.clear()  # what a command read from .env
    os.environ.update(before)


def answer(
    case: Broken, folder: Path, stored: Stored, busy: int, capfd: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    for name, text in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    if case.warehouse:
        (folder / "data").mkdir(exist_ok=True)
        shutil.copyfile(stored.path, folder / WAREHOUSE)
    case.before(folder)
    os.environ.update({name: value.replace("{folder}", str(folder)) for name, value in case.env.items()})
    with pytest.raises(SystemExit) as ended:
        cli.main(shlex.split(case.command.replace("{plan}", stored.plan_id).replace(BUSY, str(busy))))
    printed = capfd.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


@pytest.mark.parametrize("case", CASES)
def test_a_broken_input_is_answered_in_one_sentence(
    case: Broken, folder: Path, stored: Stored, busy: int, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = answer(case, folder, stored, busy, capfd)
    assert code == 1, (out, err)
    assert "Traceback" not in out + err
    if case.command.split()[0] == "doctor" and not err.startswith("Error"):
        lines = out.splitlines()
        message = next(
            "\n".join(lines[n : n + 2])
            for n, line in enumerate(lines)
            if line.startswith("[bad]") and case.says[0] in line
        )
    else:
        assert out == ""
        assert len(err.splitlines()) == 1, err
        assert err.startswith("Error: ")
        message = err
    assert "error in this program" not in message
    missing = [part for part in case.says if part not in message]
    assert not missing, message
    if table_file := os.environ.get("KEEP_SENTENCES"):
        with Path(table_file).open("a", encoding="utf-8") as file:
            short_message = " ".join(message.split()).replace(str(folder) + "/", "").replace(str(folder), ".")
            file.write(f"| `{case.name}` | {short_message} |\n")


def test_each_group_has_forty_and_more() -> None:
    assert all(len(cases) >= 40 for cases in GROUPS.values()), {g: len(c) for g, c in GROUPS.items()}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["plan", "approve", "--help"], ["run", "-h"]])
def test_help_is_there_whatever_dotenv_holds(
    arguments: list[str], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_bytes(b"\xe9\xff\n")
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 0
    assert "pax8-pipeline" in capfd.readouterr().out


def test_a_dotenv_in_utf_16_with_its_mark_is_read(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / ".env").write_text("PAX8_PIPELINE_TODAY=from the file\n", encoding="utf-16")
    with pytest.raises(SystemExit):
        cli.main(["prune"])
    assert "'from the file' is not a date" in capfd.readouterr().err


def test_debugging_shows_the_trace_of_any_error(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--debug", "plan", "show"])
    assert ended.value.code == 1
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (PermissionError(13, "Permission denied", "data/reports/x.csv"), "data/reports/x.csv may not be used by this user; change its owner"),
        (OSError(30, "Read-only file system", "data"), "data is on a disk that is read-only; name another folder"),
        (OSError(28, "No space left on device"), "the disk is full; make room"),
        (OSError(24, "Too many open files"), "too many files are open; raise the limit"),
        (OSError(5, "Input/output error", "x"), "x cannot be read or written: the disk reports an error; check the disk"),
        (MemoryError(), "not enough memory; close other programs"),
        (UnicodeEncodeError("ascii", "ü", 0, 1, "no"), "set PYTHONUTF8=1"),
        (ZeroDivisionError("division by zero"), "an error in this program: ZeroDivisionError: division by zero; no data is lost; report"),
        (RuntimeError("two\nlines"), "two lines"),
    ],
)  # fmt: skip
def test_what_nobody_foresaw_is_one_sentence_too(
    raised: Exception, says: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("pax8_pipeline.commands.prune.load_settings", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main(["prune"])
    message = capfd.readouterr().err
    assert ended.value.code == 1
    assert len(message.splitlines()) == 1
    assert says in message


def test_a_full_disk_behind_a_redirection_is_told(
    folder: Path, stored: Stored, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(SystemExit) as ended:
            cli.main(["--help"])
        monkeypatch.undo()
    assert ended.value.code == 1
    assert "the disk is full; make room" in capfd.readouterr().err
