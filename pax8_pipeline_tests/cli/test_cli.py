"""The command line as a whole: start-up, errors, exit codes, .env."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from pax8_pipeline import cli
from pax8_pipeline.errors import ConfigError
from pax8_pipeline_tests.support.cli import clean_environment, quick

HEAVY = {"dagster", "duckdb", "pandas", "starlette", "uvicorn"}


def leaves(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return [(path, command)]
    context = click.Context(command)
    found = []
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        found += leaves(inner, f"{path} {name}")
    return found


def printed_after(arguments: list[str], heavy: set[str]) -> str:
    """Run the command line in a process of its own; what it prints ends with the heavy libraries that it imported."""
    program = (
        "import sys\nfrom pax8_pipeline import cli\n"
        f"try:\n cli.main({arguments!r})\nexcept SystemExit as e:\n assert e.code == 0\n"
        f"print('imported:', *({heavy!r} & set(sys.modules)))"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_help_imports_none_of_the_heavy_libraries() -> None:
    printed = printed_after(["--help"], HEAVY)
    assert printed.splitlines()[-1].strip() == "imported:"
    assert all(name in printed for name in cli.COMMANDS)


def test_showing_a_plan_imports_nothing_that_its_sister_commands_need() -> None:
    printed = printed_after(["plan", "show", "--help"], {"dagster", "requests", "pandas", "starlette"})
    assert printed.splitlines()[-1].strip() == "imported:"


@pytest.mark.parametrize(
    ("path", "command"), leaves(cli.root, "pax8-pipeline"), ids=lambda v: str(v) if isinstance(v, str) else ""
)
def test_every_command_explains_itself_with_an_example(path: str, command: click.Command) -> None:
    text = command.get_help(click.Context(command, info_name=path))
    assert command.help
    assert text.count(path) > 1  # once in the usage line, then in an example


def test_a_failure_raised_on_purpose_is_one_line_and_exit_1(tmp_path: Path) -> None:
    done = quick(tmp_path, "prune", PAX8_PIPELINE_TODAY="tomorrow")
    assert done.code == 1
    assert done.err.splitlines() == [
        "Error: PAX8_PIPELINE_TODAY: 'tomorrow' is not a date: write it as yyyy-mm-dd, such as 2026-08-06"
    ]


@pytest.mark.parametrize(("arguments", "extra"), [(("--debug", "prune"), {}), (("prune",), {"PAX8_DEBUG": "1"})])
def test_debugging_shows_the_stack_trace(tmp_path: Path, arguments: tuple[str, ...], extra: dict[str, str]) -> None:
    done = quick(tmp_path, *arguments, PAX8_PIPELINE_TODAY="tomorrow", **extra)
    assert done.code == 1
    assert "Traceback" in done.err


def test_a_mistyped_command_is_an_error_and_not_a_waiting_plan(tmp_path: Path) -> None:
    done = quick(tmp_path, "rum")
    assert (done.code, "No such command 'rum'" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("raised", "code"),
    [(KeyboardInterrupt(), 130), (ConfigError("x"), 1), (click.exceptions.Exit(3), 3), (SystemExit(2), 2)],
)
def test_how_a_command_ends_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int
) -> None:
    @click.command()
    def failing() -> None:
        raise raised

    monkeypatch.setattr(cli.Commands, "get_command", lambda *_: failing)
    with pytest.raises(SystemExit) as ended:
        cli.main(["failing"])
    assert ended.value.code == code


def test_dotenv_of_the_folder_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PAX8_PIPELINE_TODAY=from-the-file\n")
    assert "'from-the-file'" in quick(tmp_path, "prune").err
    assert "'from-outside'" in quick(tmp_path, "prune", PAX8_PIPELINE_TODAY="from-outside").err
    below = tmp_path / "below"
    below.mkdir()
    assert quick(below, "prune").code == 0


def test_a_reader_that_leaves_early_is_no_stack_trace(tmp_path: Path) -> None:
    command = f"{sys.executable} -m pax8_pipeline.cli doctor --json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
