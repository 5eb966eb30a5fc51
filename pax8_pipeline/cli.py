"""The command line `pax8-pipeline`: the list of commands, and what a person sees when one fails.

It reads .env and turns errors into exit codes. The work of a command is in `commands`. Each command's module is
imported only when it runs, so that --help is fast.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import click

from pax8_pipeline.commands.lazy_group import LazyGroup
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import dotenv_file
from pax8_pipeline.settings.tenant_folder import SELECTED, check_name, selected
from pax8_pipeline.text import error_sentences
from pax8_pipeline.text.plaintext import show_hidden
from pax8_pipeline.text.private_files import restrict_new_files

EXIT_ERROR = 1
# Objects made between two searches for garbage. Python's own 700 search some hundred times while modules are imported,
# where nothing is garbage: a seventh of the time of an import.
_GARBAGE_EVERY = 50_000
EXIT_INTERRUPTED = 130

# Name -> (module of pax8_pipeline.commands, attribute, text for --help). In the order in which a newcomer needs them.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": (
        "playground.demo",
        "demo",
        "Run the daily sync on a sandbox: what changed, what was held back, the money.",
    ),
    "init": ("init.command", "init", "Set up this folder: ask for the credentials, test them, write .env and data/."),
    "doctor": ("doctor.command", "doctor", "Test settings and the connections to Pax8 and Halo, and say what to do."),
    "run": ("run", "run", "Run the daily sync now: a dry run unless told to write."),
    "status": ("status", "status", "Show the last run, what waits and since when, and the money that is open."),
    "plan": ("plan.group", "plan", "Show plans with their reasons; approve, apply or roll back one."),
    "month": ("month", "month", "Compare Pax8's list, its invoice and Halo's bill of a month, to the cent."),
    "mapping": ("mapping.group", "mapping", "Find out what of Pax8 is what of Halo; check and fill the mapping files."),
    "renewals": (
        "renewals",
        "renewals",
        "Show what renews or ends soon, and which lines may move to a new subscription.",
    ),
    "acknowledge": (
        "acknowledge",
        "acknowledge",
        "Say that a loss or overcharge is known and may stay, for a time or for good.",
    ),
    "explain": ("explain", "explain", "Show the whole history of one id: Pax8, Halo, plans, approvals, writes."),
    "backfill": ("backfill", "backfill", "Load the history of metered usage, month by month; writes nothing to Halo."),
    "report": ("report", "report", "Write the report of the newest plan, or of one by its id."),
    "cutover": ("cutover", "cutover", "Show how to leave Halo's own Pax8 integration, step by step."),
    "writer": (
        "writer",
        "writer",
        "Show which data folder writes usage into this Halo, or confirm that it is this one.",
    ),
    "dev": ("playground.dev", "dev", "The Dagster UI: lineage, runs, checks, the schedule."),
    "sandbox": ("playground.sandbox", "sandbox", "Serve an emulated Pax8 and Halo, with a world that plays days."),
    "prune": ("prune", "prune", "Delete old runs, logs and raw snapshots."),
    "tenants": ("tenants.group", "tenants", "List tenants, add one, or write the workspace that serves all of them."),
}


class Commands(LazyGroup):
    """The group of all commands, whose help imports none of them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(
    cls=Commands,
    places={name: (module, attribute) for name, (module, attribute, _) in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done, 2 something waits (a dry run with changes, an approval, a loss or overcharge that nobody "
    "acknowledged), 3 held back by a check or a guardrail, 1 error. Settings come from the environment and .env (see .env.example) and from data/policy.yaml.",
)
@click.version_option(package_name="pax8-pipeline", prog_name="pax8-pipeline")
@click.option("--debug", is_flag=True, help="Show the stack trace of an error (also PAX8_DEBUG=1).")
@click.option("--tenant", metavar="NAME", help="Work for one tenant of the folder tenants/ (also PAX8_TENANT=NAME).")
def root(debug: bool, tenant: str | None) -> None:
    """Keep what HaloPSA bills in step with what Pax8 bills.

    \b
    On a new machine:
      pax8-pipeline demo          see it work, on a sandbox
      pax8-pipeline init          credentials, and a data folder
      pax8-pipeline run           a dry run: reads everything, writes nothing
    """
    if debug:
        os.environ["PAX8_DEBUG"] = "1"
    if tenant is not None:
        os.environ[SELECTED] = check_name(tenant.strip())


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code. Any error is one sentence on stderr."""
    gc.set_threshold(_GARBAGE_EVERY)
    restrict_new_files()
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    try:
        words = _tenant_first(sys.argv[1:] if arguments is None else arguments)
        _read_dotenv(words)
        code = root.main(args=words, prog_name="pax8-pipeline", standalone_mode=False)
        sys.stdout.flush()  # a full disk behind a redirection is reported here, not at the end of the interpreter
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # `pax8-pipeline plan show | head`
        _discard_output()
        sys.exit(EXIT_ERROR)
    except Exception as error:
        if _debugging():
            traceback.print_exc()
        _discard_output_on(error)
        click.echo(f"Error: {show_hidden(error_sentences.to_sentence(error))}", err=True)
        sys.exit(EXIT_ERROR)  # click's own 2 would mean "a plan waits"


def _tenant_first(arguments: list[str]) -> list[str]:
    """Return the arguments with `--tenant NAME` in front of the command: people write it behind as well."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for place, word in enumerate(options):
        if word == "--tenant" or word.startswith("--tenant="):
            length = 2 if word == "--tenant" else 1
            return [*arguments[place : place + length], *arguments[:place], *arguments[place + length :]]
    return arguments


def _read_dotenv(arguments: list[str]) -> None:
    """Read .env of this folder only, as Dagster does. The environment comes before it. Help needs no settings.

    A tenant has a .env of its own; this one belongs to no tenant.
    """
    if selected(os.environ) or any(word.startswith("--tenant") for word in arguments[:1]):
        return
    try:
        dotenv_file.load(Path.cwd() / ".env")
    except ConfigError:
        if not {"-h", "--help", "--version"} & set(arguments):
            raise


def _discard_output() -> None:
    """Send further output to nowhere: the interpreter would report an error at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # it is closed, or not a file
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - until the process ends


def _discard_output_on(error: Exception) -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()


def _debugging() -> bool:
    return os.environ.get("PAX8_DEBUG", "") not in ("", "0")


if __name__ == "__main__":
    main()
